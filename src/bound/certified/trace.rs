//! From a result back to every elementary rounding error that can reach it.

use std::collections::{BTreeMap, BTreeSet};

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::BoundError;
use super::adjoint::Adjoint;
use super::coarse::{Range, ends, magnitude, range, sum};
use super::course::Course;
use super::snapshot::Snapshot;
use super::upward::Contribution;
use crate::exec::{ExecError, Sizes};
use crate::fault::{Fault, planted};
use crate::graph::{LeafKind, NodeId, Op, Sensitivity, StepGraph};
use crate::scenario::Scenario;

/// Which way each error hurts: the sign of its adjoint.
pub(super) type Signs = BTreeMap<NodeId, DMatrix<i8>>;

/// The signs for one result.
#[derive(Debug, Default)]
pub(super) struct Direction {
    /// Of first values, number by number.
    pub start: Vec<i8>,
    /// Of nodes that have the same value at every step.
    pub lasting: Signs,
    /// Of the other nodes, step by step; the last entry is the evaluation of the result.
    pub steps: Vec<Signs>,
}

/// One number of a result.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The adjoint of every carried number.
    carried: Vec<Range>,
    /// The adjoints so far, added with their signs, of what is the same at every step, and the
    /// errors that are made there once. Of what may be rounded anew at each step those of any
    /// order are 0 here: they are in the total, step by step.
    lasting: BTreeMap<NodeId, (DMatrix<Range>, DMatrix<Contribution>)>,
    total: Contribution,
}

/// The nodes of `of` whose operation can round, given one step in which leaves and constants
/// show whether they are exact.
pub(super) fn rounding_nodes(
    step: &StepGraph,
    of: &Sensitivity,
    snapshot: &Snapshot,
) -> BTreeSet<NodeId> {
    let rounds = |id: &&NodeId| match &step.graph.node(**id).op {
        // A format that holds the first numbers of steps may not hold later ones.
        Op::Leaf(leaf) if leaf.kind == LeafKind::StepNumber => true,
        Op::Leaf(_) | Op::Constant(_) | Op::Count(_) => snapshot.errors.contains_key(*id),
        op => op.rounds(),
    };
    of.adjoints.keys().filter(rounds).copied().collect()
}

/// An evaluator for the adjoints that bounds take.
pub(super) fn evaluator<'g>(
    course: &Course<'g>,
    of: &'g Sensitivity,
    sizes: &Sizes,
    snapshot: &Snapshot,
) -> Result<Adjoint<'g>, ExecError> {
    let mut wanted = rounding_nodes(&course.graphs.step, of, snapshot);
    wanted.extend(course.layout.parts.iter().map(|p| p.leaf));
    Adjoint::new(of, sizes, &wanted)
}

/// The node and entry of each number of a quantity: an output, or a parameter.
pub(super) fn entries_of(course: &Course<'_>, quantity: &str) -> Vec<(usize, usize)> {
    let shape = course
        .exact
        .outputs
        .first()
        .and_then(|o| o.get(quantity))
        .map(DMatrix::shape);
    let part = course
        .layout
        .parts
        .iter()
        .find(|p| p.parameter.as_deref() == Some(quantity));
    let (rows, cols) = shape.or(part.map(|p| p.shape)).unwrap_or((0, 0));
    (0..cols)
        .flat_map(|col| (0..rows).map(move |row| (row, col)))
        .collect()
}

/// What bounds the distance of every number of `quantity` after `taken` steps from its exact
/// value, in units of the unit roundoff, column after column.
pub(super) fn contributions(
    course: &Course<'_>,
    scenario: &Scenario,
    quantity: &str,
    taken: usize,
) -> Result<Vec<Contribution>, BoundError> {
    let entries = entries_of(course, quantity);
    let (rows, _) = back(course, scenario, quantity, &entries, taken, false)?;
    let finish = |entry: Entry| {
        let mut total = entry.total;
        for (size, start) in entry.carried.iter().zip(&course.start) {
            if planted(Fault::FirstRoundingForgotten) {
                break;
            }
            let error = Contribution {
                any: *start,
                stated: *start,
                squares: super::upward::mul(*start, *start),
                rest: 0.0,
            };
            total.note(magnitude(size), &error);
        }
        let lasting = (!planted(Fault::LastingErrorsForgotten)).then_some(&entry.lasting);
        for (sizes, errors) in lasting.into_iter().flat_map(BTreeMap::values) {
            for (size, error) in sizes.iter().zip(errors) {
                total.note(magnitude(size), error);
            }
        }
        total
    };
    Ok(rows.into_iter().map(finish).collect())
}

/// Which way each error must go to move one number of a result up.
pub(super) fn direction(
    course: &Course<'_>,
    scenario: &Scenario,
    quantity: &str,
    entry: (usize, usize),
    taken: usize,
) -> Result<Direction, BoundError> {
    let (rows, steps) = back(course, scenario, quantity, &[entry], taken, true)?;
    let Some(row) = rows.into_iter().next() else {
        return Ok(Direction::default());
    };
    Ok(Direction {
        start: row.carried.iter().map(sign).collect(),
        lasting: row
            .lasting
            .iter()
            .map(|(id, (m, _))| (*id, m.map(|x| sign(&x))))
            .collect(),
        steps,
    })
}

fn sign(x: &Range) -> i8 {
    let (inf, sup) = ends(x);
    match inf + sup {
        s if s > 0.0 => 1,
        s if s < 0.0 => -1,
        _ => 0,
    }
}

fn back(
    course: &Course<'_>,
    scenario: &Scenario,
    quantity: &str,
    entries: &[(usize, usize)],
    taken: usize,
    signs: bool,
) -> Result<(Vec<Entry>, Vec<Signs>), BoundError> {
    let sizes = &scenario.sizes;
    let mut directions = vec![Signs::new(); taken + 1];
    let zero = Entry {
        carried: vec![range(0.0, 0.0); course.layout.len],
        lasting: BTreeMap::new(),
        total: Contribution::default(),
    };
    let parameter = |p: &super::layout::Part| p.parameter.as_deref() == Some(quantity);
    let mut rows: Vec<Entry> = match course.layout.parts.iter().position(parameter) {
        Some(part) => {
            let rows = course.layout.parts[part].shape.0;
            let unit = |(row, col): &(usize, usize)| Entry {
                carried: course.unit(part, row + col * rows),
                ..zero.clone()
            };
            entries.iter().map(unit).collect()
        }
        None => {
            let step = &course.graphs.step;
            let of = &course.graphs.of_outputs;
            let snapshot = course.at(scenario, taken)?;
            let node = step
                .outputs
                .iter()
                .find(|o| o.name == quantity)
                .map(|o| o.node);
            let node = node.unwrap_or(step.loss);
            let mut adjoint = evaluator(course, of, sizes, &snapshot)?;
            adjoint.load(&snapshot)?;
            let shape = course.exact.outputs[taken]
                .get(quantity)
                .map_or((1, 1), DMatrix::shape);
            let seeded = |entry: &(usize, usize)| {
                let mut seeds: BTreeMap<NodeId, DMatrix<Range>> = of
                    .seeds
                    .keys()
                    .filter_map(|id| Some((*id, zeros(course, *id, taken)?)))
                    .collect();
                let mut seed = DMatrix::from_element(shape.0, shape.1, range(0.0, 0.0));
                seed[*entry] = range(1.0, 1.0);
                seeds.insert(node, seed);
                seeds
            };
            entries
                .par_iter()
                .map_init(
                    || adjoint.clone(),
                    |adjoint, entry| {
                        let mut row = zero.clone();
                        adjoint.pull(&seeded(entry))?;
                        row.take(course, adjoint, &snapshot, taken);
                        Ok((row, signs.then(|| signs_of(course, adjoint, &snapshot))))
                    },
                )
                .collect::<Result<Vec<_>, ExecError>>()?
                .into_iter()
                .map(|(row, found)| {
                    directions[taken] = found.unwrap_or_default();
                    row
                })
                .collect()
        }
    };
    let Some(first) = course.steps.first() else {
        return Ok((rows, directions));
    };
    let mut adjoint = evaluator(course, &course.graphs.of_next, sizes, first)?;
    for t in (0..taken).rev() {
        let snapshot = &course.steps[t];
        adjoint.load(snapshot)?;
        let found = rows
            .par_iter_mut()
            .map_init(
                || adjoint.clone(),
                |adjoint, row| {
                    adjoint.pull(&course.summed(&row.carried))?;
                    row.take(course, adjoint, snapshot, t);
                    Ok(signs.then(|| signs_of(course, adjoint, snapshot)))
                },
            )
            .collect::<Result<Vec<_>, ExecError>>()?;
        directions[t] = found.into_iter().flatten().next().unwrap_or_default();
    }
    Ok((rows, directions))
}

/// A seed of zeros for an output.
fn zeros(course: &Course<'_>, id: NodeId, taken: usize) -> Option<DMatrix<Range>> {
    let step = &course.graphs.step;
    let outputs = &course.exact.outputs[taken];
    let name = step
        .outputs
        .iter()
        .find(|o| o.node == id)
        .map_or("loss", |o| o.name.as_str());
    let (rows, cols) = outputs.get(name)?.shape();
    Some(DMatrix::from_element(rows, cols, range(0.0, 0.0)))
}

fn signs_of(course: &Course<'_>, adjoint: &Adjoint<'_>, snapshot: &Snapshot) -> Signs {
    let varying = snapshot
        .errors
        .keys()
        .filter(|id| !course.graphs.lasting[id.index()]);
    varying
        .filter_map(|id| Some((*id, adjoint.of(*id)?.map(|x| sign(&x)))))
        .collect()
}

impl Entry {
    /// Goes back over the evaluation after `taken` steps.
    fn take(
        &mut self,
        course: &Course<'_>,
        adjoint: &Adjoint<'_>,
        snapshot: &Snapshot,
        taken: usize,
    ) {
        for (id, errors) in &snapshot.errors {
            let Some(sizes) = adjoint.of(*id) else {
                continue;
            };
            if course.graphs.lasting[id.index()] {
                let renewed = course.renewed[id.index()];
                if renewed {
                    for (size, error) in sizes.iter().zip(errors) {
                        self.total.note(magnitude(size), &error.in_any_order());
                    }
                }
                let once = |error: &Contribution| match renewed {
                    true => error.in_stated_order(),
                    false => *error,
                };
                self.lasting
                    .entry(*id)
                    .and_modify(|(all, _)| *all = all.zip_map(sizes, |x, y| sum(&x, &y)))
                    .or_insert_with(|| (sizes.clone(), errors.map(|error| once(&error))));
                continue;
            }
            for (size, error) in sizes.iter().zip(errors) {
                self.total.note(magnitude(size), error);
            }
        }
        // Point sensitivities do not widen from step to step; what that leaves out is bounded by
        // how far the carried numbers can be off at this step.
        let (carried, rest) = course.centred(&course.carried(adjoint), taken);
        self.carried = carried;
        self.total.note_rest(rest);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::graph::{Dim, StepBuilder};

    #[test]
    fn a_sensitivity_has_the_sign_of_its_middle() {
        for (inf, sup, wanted) in [
            (1.0, 2.0, 1),
            (-1.0, 2.0, 1),
            (-2.0, 1.0, -1),
            (-2.0, -1.0, -1),
            (-1.0, 1.0, 0),
            (0.0, 0.0, 0),
        ] {
            assert_eq!(sign(&range(inf, sup)), wanted, "[{inf}, {sup}]");
        }
    }

    #[test]
    fn what_can_round_in_any_step_is_looked_at() {
        let builder = StepBuilder::new();
        let n = Dim::named("n");
        let x = builder.data("X", &n, &n);
        let p = builder.parameter("P", &n, &n);
        let step_number = builder.step_number();
        let exact = [
            -p,
            p.abs(),
            p.t(),
            p.row_max().broadcast_to(&p.shape()),
            p.max(x),
            p.min(x),
            p.if_less(x, p, x),
            p.detach(),
        ];
        let rounded = [
            p * x,
            p + x,
            p.matmul(x),
            p.sum(),
            p / builder.ratio(3, 1),
            p * step_number,
        ];
        let ids = |nodes: &[crate::graph::Expr<'_>]| -> Vec<NodeId> {
            nodes.iter().map(|node| node.id()).collect()
        };
        let (exact_ids, rounded_ids) = (ids(&exact), ids(&rounded));
        let third = builder.ratio(1, 3);
        let all = exact.into_iter().chain(rounded);
        let loss = all.fold(third, |sum, node| sum + node.sum());
        builder.set_loss(loss);
        builder.update(p, p);
        let (x, third, number) = (x.id(), third.id(), step_number.id());
        let step = builder.finish().unwrap();
        let adjoint = Sensitivity::new(&step, &[step.loss].into()).unwrap();
        let mut snapshot = Snapshot {
            values: BTreeMap::new(),
            slopes: BTreeMap::new(),
            live: BTreeMap::new(),
            errors: BTreeMap::new(),
        };
        let found = rounding_nodes(&step, &adjoint, &snapshot);
        for id in exact_ids {
            assert!(!found.contains(&id), "{}", step.graph.describe(id));
        }
        for id in rounded_ids {
            assert!(found.contains(&id), "{}", step.graph.describe(id));
        }
        // Numbers that are given are exact unless the first step says otherwise; the number of
        // a step may be exact in the first and not in a later one.
        assert!(found.contains(&number) && !found.contains(&x) && !found.contains(&third));
        for id in [x, third] {
            let error = DMatrix::from_element(1, 1, Contribution::default());
            snapshot.errors.insert(id, error);
        }
        let found = rounding_nodes(&step, &adjoint, &snapshot);
        assert!(found.contains(&x) && found.contains(&third));
    }
}
