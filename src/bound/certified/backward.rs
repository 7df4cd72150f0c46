//! From a result back to every elementary rounding error that can reach it.

use std::collections::BTreeMap;

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::BoundError;
use super::adjoint::Adjoint;
use super::contribution::Contribution;
use super::intervals::{F64Interval, ends, range, sum};
use super::snapshot::Snapshot;
use super::tube::Tube;
use crate::exec::ExecError;
use crate::fault::{Fault, planted};
use crate::graph::NodeId;

/// The sign of the adjoint of each error: the way in which it hurts.
pub(super) type Signs = BTreeMap<NodeId, DMatrix<i8>>;

/// The signs for one result.
#[derive(Debug, Default)]
pub(super) struct Direction {
    /// The signs of first values, number by number.
    pub start: Vec<i8>,
    /// The signs of nodes that have the same value at every step.
    pub lasting: Signs,
    /// The signs of the other nodes, step by step; the last entry is the evaluation of the result.
    pub steps: Vec<Signs>,
}

/// One number of a result.
#[derive(Debug, Clone)]
struct Number {
    /// The adjoint of every carried number.
    carried: Vec<F64Interval>,
    /// The adjoints so far, added with their signs, of what is the same at every step, and the
    /// errors that are made there once. Of what may be rounded anew at each step those of any
    /// order are 0 here: they are in the total, step by step.
    lasting: BTreeMap<NodeId, (DMatrix<F64Interval>, DMatrix<Contribution>)>,
    total: Contribution,
}

/// The place of each number of a quantity: an output, or a parameter.
pub(super) fn entries_of(tube: &Tube<'_>, quantity: &str) -> Vec<(usize, usize)> {
    let output = tube.exact.outputs.first().and_then(|o| o.get(quantity));
    let shape = output.map(DMatrix::shape);
    let part = tube.layout.parameter(quantity);
    let (rows, cols) = shape.or(part.map(|p| p.shape)).unwrap_or((0, 0));
    (0..cols)
        .flat_map(|col| (0..rows).map(move |row| (row, col)))
        .collect()
}

/// The bounds of the distance of every number of `quantity` after `taken` steps from its exact
/// value, in units of the unit roundoff, column after column.
pub(super) fn contributions(
    tube: &Tube<'_>,
    quantity: &str,
    taken: usize,
) -> Result<Vec<Contribution>, BoundError> {
    let entries = entries_of(tube, quantity);
    let (numbers, _) = back(tube, quantity, &entries, taken, false)?;
    Ok(numbers.into_iter().map(|x| x.finish(tube)).collect())
}

/// The signs with which each error must be made to move one number of a result up.
pub(super) fn direction(
    tube: &Tube<'_>,
    quantity: &str,
    entry: (usize, usize),
    taken: usize,
) -> Result<Direction, BoundError> {
    let (numbers, steps) = back(tube, quantity, &[entry], taken, true)?;
    let Some(number) = numbers.into_iter().next() else {
        return Ok(Direction::default());
    };
    let lasting = number.lasting.iter();
    Ok(Direction {
        start: number.carried.iter().map(sign).collect(),
        lasting: lasting
            .map(|(id, (m, _))| (*id, m.map(|x| sign(&x))))
            .collect(),
        steps,
    })
}

fn sign(x: &F64Interval) -> i8 {
    let (inf, sup) = ends(x);
    match inf + sup {
        s if s > 0.0 => 1,
        s if s < 0.0 => -1,
        _ => 0,
    }
}

/// The way back from some numbers of a quantity to the start, and where it is asked for the signs
/// of the adjoints of the last of them at each step.
fn back(
    tube: &Tube<'_>,
    quantity: &str,
    entries: &[(usize, usize)],
    taken: usize,
    signs: bool,
) -> Result<(Vec<Number>, Vec<Signs>), BoundError> {
    let mut directions = vec![Signs::new(); taken + 1];
    let mut numbers = match tube.layout.parameter(quantity) {
        Some(part) => {
            let at = |(row, col): &(usize, usize)| part.offset + row + col * part.shape.0;
            let number = |entry| Number::new(tube.unit(at(entry)));
            entries.iter().map(number).collect()
        }
        None => {
            let nothing = Number::new(vec![range(0.0, 0.0); tube.layout.len]);
            let mut numbers = vec![nothing; entries.len()];
            let snapshot = tube.at(taken)?;
            let adjoint = tube.adjoint(&tube.graphs.of_outputs, &snapshot)?;
            let seeds: Vec<_> = entries
                .iter()
                .map(|entry| output_seeds(tube, quantity, *entry, taken))
                .collect();
            let mut pass = Pass {
                tube,
                adjoint,
                signs,
            };
            directions[taken] =
                pass.over(&snapshot, &mut numbers, taken, |i, _| seeds[i].clone())?;
            numbers
        }
    };
    let Some(first) = tube.steps.first() else {
        return Ok((numbers, directions));
    };
    let mut pass = Pass {
        tube,
        adjoint: tube.adjoint(&tube.graphs.of_next, first)?,
        signs,
    };
    for t in (0..taken).rev() {
        let seeds = |_, number: &Number| tube.summed(&number.carried);
        directions[t] = pass.over(&tube.steps[t], &mut numbers, t, seeds)?;
    }
    Ok((numbers, directions))
}

/// Adjoints of the nodes from which a pass begins.
type Seeds = BTreeMap<NodeId, DMatrix<F64Interval>>;

/// The seeds of one entry of the loss or an output after `taken` steps.
fn output_seeds(tube: &Tube<'_>, quantity: &str, entry: (usize, usize), taken: usize) -> Seeds {
    let step = &tube.graphs.step;
    let named = |id: NodeId| {
        let output = step.outputs.iter().find(|o| o.node == id);
        output.map_or("loss", |o| o.name.as_str())
    };
    let zeros = |name: &str| {
        let values = tube.exact.outputs[taken].get(name)?;
        Some(values.map(|_| range(0.0, 0.0)))
    };
    let all = tube.graphs.of_outputs.seeds.keys();
    let mut seeds: Seeds = all
        .filter_map(|id| Some((*id, zeros(named(*id))?)))
        .collect();
    let output = step.outputs.iter().find(|o| o.name == quantity);
    let mut seed = zeros(quantity).unwrap_or_else(|| DMatrix::from_element(1, 1, range(0.0, 0.0)));
    seed[entry] = range(1.0, 1.0);
    seeds.insert(output.map_or(step.loss, |o| o.node), seed);
    seeds
}

/// A pass of the adjoint over one step.
struct Pass<'p, 'g> {
    tube: &'p Tube<'g>,
    adjoint: Adjoint<'g>,
    signs: bool,
}

impl Pass<'_, '_> {
    /// Leads every number back over the evaluation after `taken` steps. The signs are those of
    /// the first number, where they are asked for.
    fn over(
        &mut self,
        snapshot: &Snapshot,
        numbers: &mut [Number],
        taken: usize,
        seeds: impl Fn(usize, &Number) -> Seeds + Sync,
    ) -> Result<Signs, ExecError> {
        self.adjoint.load(snapshot)?;
        let (tube, signs) = (self.tube, self.signs);
        let lead = |adjoint: &mut Adjoint<'_>, (i, number): (usize, &mut Number)| {
            adjoint.pull(&seeds(i, number))?;
            number.take(tube, adjoint, snapshot, taken);
            Ok(signs.then(|| signs_of(tube, adjoint, snapshot)))
        };
        let found = numbers
            .par_iter_mut()
            .enumerate()
            .map_init(|| self.adjoint.clone(), lead)
            .collect::<Result<Vec<_>, ExecError>>()?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }
}

fn signs_of(tube: &Tube<'_>, adjoint: &Adjoint<'_>, snapshot: &Snapshot) -> Signs {
    let varying = snapshot
        .errors
        .keys()
        .filter(|id| !tube.graphs.lasting[id.index()]);
    varying
        .filter_map(|id| Some((*id, adjoint.of(*id)?.map(|x| sign(&x)))))
        .collect()
}

impl Number {
    fn new(carried: Vec<F64Interval>) -> Self {
        Self {
            carried,
            lasting: BTreeMap::new(),
            total: Contribution::default(),
        }
    }

    /// Goes back over the evaluation after `taken` steps.
    fn take(&mut self, tube: &Tube<'_>, adjoint: &Adjoint<'_>, snapshot: &Snapshot, taken: usize) {
        for (id, errors) in &snapshot.errors {
            let Some(sizes) = adjoint.of(*id) else {
                continue;
            };
            if !tube.graphs.lasting[id.index()] {
                self.total.note_all(sizes, errors.iter().copied());
                continue;
            }
            let renewed = tube.renewed[id.index()];
            if renewed {
                let anew = errors.iter().map(Contribution::in_any_order);
                self.total.note_all(sizes, anew);
            }
            let once = |error: &Contribution| match renewed {
                true => error.in_stated_order(),
                false => *error,
            };
            self.lasting
                .entry(*id)
                .and_modify(|(all, _)| *all = all.zip_map(sizes, |x, y| sum(&x, &y)))
                .or_insert_with(|| (sizes.clone(), errors.map(|error| once(&error))));
        }
        // Point sensitivities do not widen from step to step; what that leaves out is bounded by
        // how far the carried numbers can be off at this step.
        let (carried, rest) = tube.centred(&tube.carried(adjoint), taken);
        self.carried = carried;
        self.total.note_rest(rest);
    }

    /// The sum of all errors, those of the first values and of what lasts included.
    fn finish(self, tube: &Tube<'_>) -> Contribution {
        let mut total = self.total;
        if !planted(Fault::FirstRoundingForgotten) {
            let start = tube.start.iter().map(|start| Contribution::of(*start));
            total.note_all(&self.carried, start);
        }
        if !planted(Fault::LastingErrorsForgotten) {
            for (sizes, errors) in self.lasting.values() {
                total.note_all(sizes, errors.iter().copied());
            }
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
