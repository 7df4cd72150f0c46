//! The data that the sensitivities of one step need: the range of every node in every admissible
//! run, the slopes, and the bound of the error made at each node.

use std::collections::BTreeMap;

use nalgebra::DMatrix;
use rug::Float;

use super::BoundError;
use super::contribution::Contribution;
use super::intervals::{F64Interval, in_units, magnitude_up, outward, range};
use super::slope::slope;
use crate::arith::{Arithmetic, Enclosed, Enclosures, MpEnds};
use crate::exec::{Machine, inverse};
use crate::graph::{Graph, LeafKind, NodeId, Op, Sensitivity, Unary};

/// One step in all admissible runs.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub values: BTreeMap<NodeId, DMatrix<F64Interval>>,
    pub slopes: BTreeMap<NodeId, DMatrix<F64Interval>>,
    pub live: BTreeMap<NodeId, DMatrix<F64Interval>>,
    /// In units of the unit roundoff, for the nodes that have any.
    pub errors: BTreeMap<NodeId, DMatrix<Contribution>>,
}

pub(super) type Run<'g> = Machine<'g, Enclosures<MpEnds>>;

impl Snapshot {
    /// The snapshot of the step that `machine` has evaluated, as far as `adjoint` asks.
    pub fn new(machine: &Run<'_>, adjoint: &Sensitivity) -> Result<Self, BoundError> {
        let graph = &machine.plan().step().graph;
        let node = |id: NodeId| machine.node(id);
        let values = adjoint
            .values
            .keys()
            .filter_map(|id| Some((*id, node(*id)?.map(|x| outward(&x.range)))));
        let slopes = adjoint
            .slopes
            .keys()
            .map(|id| Ok((*id, slope(machine, graph, *id)?)));
        let live = adjoint.live.keys().filter_map(|id| {
            let value = node(*id)?;
            let of = |row, col| {
                let x: &Enclosed<Float> = &value[(row, col)];
                let can_change = machine.is_defined(*id, row, col) && x.range.inf() < x.range.sup();
                let live = f64::from(u8::from(can_change));
                range(live, live)
            };
            Some((*id, DMatrix::from_fn(value.nrows(), value.ncols(), of)))
        });
        let mut errors = BTreeMap::new();
        for id in adjoint.adjoints.keys() {
            let carried = matches!(
                graph.leaf_at(*id).map(|leaf| &leaf.kind),
                Some(LeafKind::Parameter | LeafKind::State)
            );
            if carried {
                continue;
            }
            let own = errors_of(machine, graph, *id)?;
            if own.iter().any(|c| c.any > 0.0) {
                errors.insert(*id, own);
            }
        }
        Ok(Self {
            values: values.collect(),
            slopes: slopes.collect::<Result<_, BoundError>>()?,
            live: live.collect(),
            errors,
        })
    }
}

/// The values of a node, which the run must have kept.
pub(super) fn kept<'m>(
    machine: &'m Run<'_>,
    graph: &Graph,
    id: NodeId,
) -> Result<&'m DMatrix<Enclosed<Float>>, BoundError> {
    machine.node(id).ok_or_else(|| BoundError::NotKept {
        node: graph.describe(id),
    })
}

/// The errors made at the node `id`, in units of the unit roundoff.
fn errors_of(
    machine: &Run<'_>,
    graph: &Graph,
    id: NodeId,
) -> Result<DMatrix<Contribution>, BoundError> {
    let value = kept(machine, graph, id)?;
    let ctx = machine.arithmetic();
    let precision = ctx.model().precision;
    if let Op::Unary(Unary::Inverse, x) = graph.node(id).op {
        let operand = kept(machine, graph, x)?;
        // Elimination has roundings of its own: its results against exact inverses.
        let exact = inverse(ctx.intervals(), operand.map(|x| x.range.clone()))?;
        return Ok(value.zip_map(&exact, |x, y| {
            let mut apart = ctx.intervals().zero();
            ctx.intervals().sub(&mut apart, &x.range, &y);
            Contribution::of(in_units(&magnitude_up(&apart), precision))
        }));
    }
    Ok(value.map(|x| Contribution {
        any: in_units(&x.any, precision),
        stated: in_units(&x.stated, precision),
        squares: in_units(&x.squares, 2 * precision),
        rest: 0.0,
    }))
}
