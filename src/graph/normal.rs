//! The normal form of a node: a sum of products, scalars in front of words of matrices.
//!
//! Two nodes with the same normal form have the same value in every commutative ring of entries,
//! for all sizes: sums, products with scalars, matrix products and transposes are multiplied
//! out, and nothing else is looked into. Roots and quotients of products of positive scalars
//! (hyperparameters and counts) become rational exponents.

use std::collections::BTreeMap;

use num_traits::{One, Zero};

use super::{Binary, Graph, LeafKind, NodeId, Op, Unary};
use crate::arith::Ratio;

/// The largest number of terms that are multiplied out.
const MAX_TERMS: usize = 4096;

/// Scalars with exponents, then matrices, each possibly transposed, from left to right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Monomial {
    scalars: BTreeMap<NodeId, Ratio>,
    word: Vec<(NodeId, bool)>,
}

/// A sum of products in lowest terms. Equal forms mean equal values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NormalForm(BTreeMap<Monomial, Ratio>);

impl NormalForm {
    /// The number of terms.
    pub fn terms(&self) -> usize {
        self.0.len()
    }

    fn of(monomial: Monomial, coefficient: Ratio) -> Self {
        let mut form = Self::default();
        form.add(monomial, coefficient);
        form
    }

    fn add(&mut self, monomial: Monomial, coefficient: Ratio) {
        let entry = self.0.entry(monomial.clone()).or_default();
        *entry += coefficient;
        if entry.is_zero() {
            self.0.remove(&monomial);
        }
    }

    fn plus(mut self, other: &Self, sign: i64) -> Self {
        for (monomial, coefficient) in &other.0 {
            self.add(
                monomial.clone(),
                coefficient * Ratio::from_integer(sign.into()),
            );
        }
        self
    }

    fn times(&self, other: &Self) -> Option<Self> {
        if self.terms() * other.terms() > MAX_TERMS {
            return None;
        }
        let mut product = Self::default();
        for (x, cx) in &self.0 {
            for (y, cy) in &other.0 {
                let mut both = x.clone();
                for (scalar, exponent) in &y.scalars {
                    *both.scalars.entry(*scalar).or_default() += exponent;
                }
                both.scalars.retain(|_, exponent| !exponent.is_zero());
                both.word.extend(&y.word);
                product.add(both, cx * cy);
            }
        }
        Some(product)
    }

    fn transposed(&self) -> Self {
        let mut result = Self::default();
        for (monomial, coefficient) in &self.0 {
            let mut turned = monomial.clone();
            turned.word = turned.word.iter().rev().map(|(x, t)| (*x, !t)).collect();
            result.add(turned, coefficient.clone());
        }
        result
    }

    /// The single term with coefficient 1 and no matrices, if that is what it is.
    fn positive_scalar(&self) -> Option<&Monomial> {
        let (monomial, coefficient) = self.0.iter().next().filter(|_| self.terms() == 1)?;
        (monomial.word.is_empty() && coefficient.is_one()).then_some(monomial)
    }

    fn to_power(monomial: &Monomial, exponent: &Ratio) -> Self {
        let mut power = monomial.clone();
        for e in power.scalars.values_mut() {
            *e *= exponent;
        }
        Self::of(power, Ratio::one())
    }
}

/// The normal form of the node at `id`; `None` where multiplying out becomes too long.
pub fn normal_form(graph: &Graph, id: NodeId) -> Option<NormalForm> {
    let needed = graph.cone([id]);
    let mut forms: BTreeMap<NodeId, NormalForm> = BTreeMap::new();
    for node in graph
        .ids()
        .take(id.index() + 1)
        .filter(|n| needed[n.index()])
    {
        let form = form_of(graph, node, &forms)?;
        forms.insert(node, form);
    }
    forms.remove(&id)
}

fn form_of(graph: &Graph, id: NodeId, forms: &BTreeMap<NodeId, NormalForm>) -> Option<NormalForm> {
    let scalar = |x: &NodeId| graph.node(*x).shape.is_scalar();
    let of = |x: &NodeId| forms.get(x);
    Some(match &graph.node(id).op {
        Op::Constant(q) => NormalForm::of(Monomial::default(), q.clone()),
        Op::Unary(Unary::Neg, x) => NormalForm::default().plus(of(x)?, -1),
        Op::Unary(Unary::Detach, x) => of(x)?.clone(),
        Op::Unary(Unary::Transpose, x) if scalar(x) => of(x)?.clone(),
        Op::Unary(Unary::Transpose, x) => of(x)?.transposed(),
        Op::Unary(Unary::Sqrt, x) if positive(graph, of(x)?) => {
            let half = Ratio::new(1.into(), 2.into());
            NormalForm::to_power(of(x)?.positive_scalar()?, &half)
        }
        Op::Binary(Binary::Add, x, y) if scalar(x) == scalar(y) => of(x)?.clone().plus(of(y)?, 1),
        Op::Binary(Binary::Sub, x, y) if scalar(x) == scalar(y) => of(x)?.clone().plus(of(y)?, -1),
        Op::Binary(Binary::Mul, x, y) if scalar(x) => of(x)?.times(of(y)?)?,
        Op::Binary(Binary::Mul, x, y) if scalar(y) => of(y)?.times(of(x)?)?,
        Op::Binary(Binary::MatMul, x, y) if !scalar(&id) => of(x)?.times(of(y)?)?,
        Op::Binary(Binary::Div, x, y) if scalar(y) && positive(graph, of(y)?) => {
            let inverse = NormalForm::to_power(of(y)?.positive_scalar()?, &-Ratio::one());
            inverse.times(of(x)?)?
        }
        _ => atom(graph, id),
    })
}

/// Whether the form is one product of scalars that are positive by what they stand for.
fn positive(graph: &Graph, form: &NormalForm) -> bool {
    let is_positive = |id: &NodeId| match &graph.node(*id).op {
        Op::Count(_) => true,
        Op::Leaf(leaf) => match leaf.kind {
            LeafKind::Hyperparameter { may_be_zero, .. } => !may_be_zero,
            LeafKind::StepNumber => true,
            _ => false,
        },
        _ => false,
    };
    form.positive_scalar()
        .is_some_and(|m| m.scalars.keys().all(is_positive))
}

fn atom(graph: &Graph, id: NodeId) -> NormalForm {
    let mut monomial = Monomial::default();
    if graph.node(id).shape.is_scalar() {
        monomial.scalars.insert(id, Ratio::one());
    } else {
        monomial.word.push((id, false));
    }
    NormalForm::of(monomial, Ratio::one())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Builder, Dim};

    fn same(build: impl for<'g> Fn(&'g Builder) -> [crate::graph::Expr<'g>; 2]) -> bool {
        let b = Builder::new();
        let [x, y] = build(&b).map(|e| e.id());
        let graph = b.finish().unwrap();
        normal_form(&graph, x).unwrap() == normal_form(&graph, y).unwrap()
    }

    #[test]
    fn products_are_associative_and_scalars_commute() {
        let n = Dim::named("n");
        assert!(same(|b| {
            let (x, y, s) = (
                b.data("X", &n, &n),
                b.data("Y", &n, &n),
                b.hyperparameter("s", "s", false),
            );
            [(s * x.matmul(y)).t(), y.t().matmul(x.t() * s)]
        }));
        assert!(!same(|b| {
            let (x, y) = (b.data("X", &n, &n), b.data("Y", &n, &n));
            [x.matmul(y), y.matmul(x)]
        }));
        assert!(same(|b| {
            let (x, y) = (b.data("X", &n, &n), b.data("Y", &n, &n));
            [
                (x + y).matmul(x - y),
                x.matmul(x) - x.matmul(y) + y.matmul(x) - y.matmul(y),
            ]
        }));
    }

    #[test]
    fn elementwise_products_are_not_looked_into() {
        let n = Dim::named("n");
        assert!(!same(|b| {
            let (x, y) = (b.data("X", &n, &n), b.data("Y", &n, &n));
            [x * y, y * x]
        }));
    }

    #[test]
    fn roots_of_positive_scalars_are_exponents() {
        let r = Dim::named("r");
        assert!(same(|b| {
            let (s, n) = (b.hyperparameter("s", "s", false), b.count(&r));
            [s / n.sqrt(), s * n.sqrt() / n]
        }));
        assert!(!same(|b| {
            let (s, n) = (b.hyperparameter("s", "s", false), b.count(&r));
            [s / n.sqrt(), s / n]
        }));
        // √(s²) = s only for positive s.
        assert!(!same(|b| {
            let s = b.hyperparameter("s", "s", true);
            [(s * s).sqrt(), s + 0]
        }));
    }
}
