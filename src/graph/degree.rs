//! The degree of a node as a polynomial in the leaves.

use super::{Binary, Graph, NodeId, Op, Unary};

/// An upper bound on the total degree of the node as a polynomial in the entries of the leaves,
/// for every size; `None` where it is none: a division by more than a count, a root, a branch.
///
/// This is what the bound of Schwartz (1980) and Zippel (1979) asks for.
pub fn degree(graph: &Graph, id: NodeId) -> Option<u64> {
    let mut degrees: Vec<Option<u64>> = Vec::with_capacity(id.index() + 1);
    for node in graph.nodes().iter().take(id.index() + 1) {
        let of = |x: &NodeId| degrees[x.index()];
        let degree = match &node.op {
            Op::Leaf(_) => Some(1),
            Op::Constant(_) | Op::Count(_) | Op::Identity(_) => Some(0),
            Op::Unary(
                Unary::Neg | Unary::Transpose | Unary::Detach | Unary::SumTo | Unary::Broadcast,
                x,
            ) => of(x),
            Op::Binary(Binary::Add | Binary::Sub, x, y) => of(x).zip(of(y)).map(|(x, y)| x.max(y)),
            Op::Binary(Binary::Mul | Binary::MatMul, x, y) => {
                of(x).zip(of(y)).and_then(|(x, y)| x.checked_add(y))
            }
            Op::Binary(Binary::Div, x, y) if of(y) == Some(0) => of(x),
            Op::Unary(..) | Op::Binary(..) | Op::Select { .. } => None,
        };
        degrees.push(degree);
    }
    degrees[id.index()]
}

/// The largest number of leaves that a node of the graph multiplies together, where a sum counts as
/// its longest term and a divisor as a factor.
pub fn longest_product(graph: &Graph) -> u64 {
    let mut lengths: Vec<u64> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let operands = node.op.operands();
        let of = operands.iter().map(|x| lengths[x.index()]);
        let length = match &node.op {
            Op::Leaf(_) => 1,
            Op::Binary(Binary::Mul | Binary::MatMul | Binary::Div, ..) => {
                of.fold(0, u64::saturating_add)
            }
            _ => of.max().unwrap_or(0),
        };
        lengths.push(length);
    }
    lengths.into_iter().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Builder, Dim};

    #[test]
    fn products_add_and_sums_take_the_larger() {
        let b = Builder::new();
        let n = Dim::named("n");
        let x = b.data("X", &n, &n);
        let cubic = x.matmul(x) * x + x;
        let mean = cubic.mean();
        let quotient = x / x;
        assert_eq!(longest_product(&b.graph()), 3);
        let (mean, quotient) = (mean.id(), quotient.id());
        let graph = b.finish().unwrap();
        assert_eq!(degree(&graph, mean), Some(3));
        assert_eq!(degree(&graph, quotient), None);
    }
}
