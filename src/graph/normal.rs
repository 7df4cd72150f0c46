//! The normal form of a node: a sum of products, scalars in front of words of matrices.
//!
//! Two nodes with the same normal form have the same value wherever both have one, for all sizes:
//! sums of equal shapes, products with scalars and of equal shapes, matrix products and transposes
//! are multiplied out, and nothing else is looked into; a sum over which something is repeated is an atom. Quotients by
//! scalars that are not 0 become exponents, roots of numbers and of counts rational ones. No sign is
//! taken for granted of a setting, since that of a scale may change.

use std::collections::BTreeMap;

use num_traits::{One, Pow, ToPrimitive, Zero};

use super::{Binary, Graph, LeafKind, NodeId, Op, Unary};
use crate::arith::Ratio;
use crate::fault::{Fault, planted};

/// The largest number of terms that are multiplied out.
const MAX_TERMS: usize = 4096;

/// The part of a product that is multiplied as a matrix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Factor {
    /// A matrix, possibly transposed.
    Matrix(NodeId, bool),
    /// Words of one shape multiplied entry by entry, in a fixed order.
    Entrywise(Vec<Vec<Factor>>),
}

impl Factor {
    fn transposed(&self) -> Self {
        match self {
            Self::Matrix(id, turned) => Self::Matrix(*id, !turned),
            Self::Entrywise(words) => Self::entrywise(words.iter().map(|w| turned(w)).collect()),
        }
    }

    fn entrywise(mut words: Vec<Vec<Self>>) -> Self {
        words.sort();
        Self::Entrywise(words)
    }

    fn ids(&self) -> Vec<NodeId> {
        match self {
            Self::Matrix(id, _) => vec![*id],
            Self::Entrywise(words) => words.iter().flatten().flat_map(Self::ids).collect(),
        }
    }
}

fn turned(word: &[Factor]) -> Vec<Factor> {
    word.iter().rev().map(Factor::transposed).collect()
}

/// Roots of primes and scalars with exponents, then matrices from left to right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Monomial {
    /// Exponents between 0 and 1.
    primes: BTreeMap<u64, Ratio>,
    scalars: BTreeMap<NodeId, Ratio>,
    word: Vec<Factor>,
}

/// A sum of products in lowest terms. Equal forms mean equal values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NormalForm(BTreeMap<Monomial, Ratio>);

impl NormalForm {
    /// The number of terms.
    pub fn terms(&self) -> usize {
        self.0.len()
    }

    /// The nodes that are left when everything is multiplied out, some more than once.
    pub fn atoms(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.0.keys().flat_map(|monomial| {
            let word = monomial.word.iter().flat_map(Factor::ids);
            monomial.scalars.keys().copied().chain(word)
        })
    }

    fn of(monomial: Monomial, coefficient: Ratio) -> Self {
        let mut form = Self::default();
        form.add(monomial, coefficient);
        form
    }

    fn add(&mut self, mut monomial: Monomial, mut coefficient: Ratio) {
        // Whole powers of a prime belong to the coefficient.
        for (prime, exponent) in &mut monomial.primes {
            let whole = exponent.floor();
            if let Some(n) = whole.to_integer().to_i32() {
                coefficient *= Pow::pow(Ratio::from_integer((*prime).into()), n);
                *exponent -= whole;
            }
        }
        monomial.primes.retain(|_, exponent| !exponent.is_zero());
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
        self.multiplied(other, |x, y| Some([x, y].concat()))
    }

    /// The product entry by entry of forms of one shape that is no scalar's.
    fn entrywise(&self, other: &Self) -> Option<Self> {
        let words = |word: &[Factor]| match word {
            [] => None,
            [Factor::Entrywise(words)] => Some(words.clone()),
            word => Some(vec![word.to_vec()]),
        };
        self.multiplied(other, |x, y| {
            Some(vec![Factor::entrywise([words(x)?, words(y)?].concat())])
        })
    }

    fn multiplied(
        &self,
        other: &Self,
        joined: impl Fn(&[Factor], &[Factor]) -> Option<Vec<Factor>>,
    ) -> Option<Self> {
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
                for (prime, exponent) in &y.primes {
                    *both.primes.entry(*prime).or_default() += exponent;
                }
                both.word = joined(&x.word, &y.word)?;
                product.add(both, cx * cy);
            }
        }
        Some(product)
    }

    fn transposed(&self) -> Self {
        let mut result = Self::default();
        for (monomial, coefficient) in &self.0 {
            let mut other = monomial.clone();
            other.word = turned(&monomial.word);
            result.add(other, coefficient.clone());
        }
        result
    }

    /// The single term without matrices, if that is what it is, with its coefficient.
    fn scalar(&self) -> Option<(&Monomial, &Ratio)> {
        let (monomial, coefficient) = self.0.iter().next().filter(|_| self.terms() == 1)?;
        monomial.word.is_empty().then_some((monomial, coefficient))
    }

    /// One over a scalar that is not 0.
    fn inverse(&self) -> Option<Self> {
        let (monomial, coefficient) = self.scalar()?;
        let mut inverse = monomial.clone();
        let exponents = inverse
            .scalars
            .values_mut()
            .chain(inverse.primes.values_mut());
        exponents.for_each(|e| *e = -e.clone());
        Some(Self::of(inverse, coefficient.recip()))
    }

    /// The root of a positive number times scalars that are positive.
    fn root(&self) -> Option<Self> {
        let (monomial, coefficient) = self.scalar()?;
        let half = Ratio::new(1.into(), 2.into());
        let mut root = monomial.clone();
        let exponents = root.scalars.values_mut().chain(root.primes.values_mut());
        exponents.for_each(|e| *e *= &half);
        for (number, sign) in [(coefficient.numer(), 1), (coefficient.denom(), -1)] {
            for (prime, times) in factors(number.to_u64()?)? {
                let exponent = Ratio::new((sign * i64::from(times)).into(), 2.into());
                *root.primes.entry(prime).or_default() += exponent;
            }
        }
        Some(Self::of(root, Ratio::one()))
    }
}

/// The primes of a positive number and how often each is in it; `None` for 0 and large numbers.
fn factors(mut n: u64) -> Option<Vec<(u64, u32)>> {
    const LARGEST: u64 = 1 << 32;
    if n == 0 || n > LARGEST {
        return None;
    }
    let mut found = vec![];
    let mut p = 2;
    while p * p <= n {
        let mut times = 0;
        while n.is_multiple_of(p) {
            n /= p;
            times += 1;
        }
        if times > 0 {
            found.push((p, times));
        }
        p += 1;
    }
    if n > 1 {
        found.push((n, 1));
    }
    Some(found)
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
    let same_shape = |x: &NodeId, y: &NodeId| graph.node(*x).shape == graph.node(*y).shape;
    let alike = |x: &NodeId, y: &NodeId| same_shape(x, y) || planted(Fault::RepeatedSumsTakenApart);
    let of = |x: &NodeId| forms.get(x);
    let is = |known: fn(&Graph, NodeId) -> bool, form: &NormalForm| {
        let scalars = form.scalar().map(|(monomial, _)| &monomial.scalars);
        scalars.is_some_and(|scalars| scalars.keys().all(|id| known(graph, *id)))
    };
    Some(match &graph.node(id).op {
        Op::Constant(q) => NormalForm::of(Monomial::default(), q.clone()),
        Op::Unary(Unary::Neg, x) => NormalForm::default().plus(of(x)?, -1),
        Op::Unary(Unary::Detach, x) => of(x)?.clone(),
        Op::Unary(Unary::Transpose, x) if scalar(x) => of(x)?.clone(),
        Op::Unary(Unary::Transpose, x) => of(x)?.transposed(),
        Op::Unary(Unary::Sqrt, x) if is(positive, of(x)?) => {
            let root = of(x)?.root();
            root.unwrap_or_else(|| atom(graph, id))
        }
        Op::Binary(Binary::Add, x, y) if alike(x, y) => of(x)?.clone().plus(of(y)?, 1),
        Op::Binary(Binary::Sub, x, y) if alike(x, y) => of(x)?.clone().plus(of(y)?, -1),
        Op::Binary(Binary::Mul, x, y) if scalar(x) => of(x)?.times(of(y)?)?,
        Op::Binary(Binary::Mul, x, y) if scalar(y) => of(y)?.times(of(x)?)?,
        Op::Binary(Binary::Mul, x, y) if same_shape(x, y) => {
            let product = of(x)?.entrywise(of(y)?);
            product.unwrap_or_else(|| atom(graph, id))
        }
        Op::Binary(Binary::MatMul, x, y) if !scalar(&id) => of(x)?.times(of(y)?)?,
        Op::Binary(Binary::Div, x, y) if scalar(y) && is(not_zero, of(y)?) => {
            of(y)?.inverse()?.times(of(x)?)?
        }
        _ => atom(graph, id),
    })
}

/// `true` if a scalar is positive by what it stands for. The sign of a setting is a user's affair.
fn positive(graph: &Graph, id: NodeId) -> bool {
    match &graph.node(id).op {
        Op::Count(_) => true,
        Op::Leaf(leaf) => leaf.kind == LeafKind::StepNumber,
        Op::Constant(_) | Op::Identity(_) | Op::Unary(..) | Op::Binary(..) | Op::Select { .. } => {
            false
        }
    }
}

/// `true` if a scalar is not 0 by what it stands for.
fn not_zero(graph: &Graph, id: NodeId) -> bool {
    let setting = |leaf: &crate::graph::Leaf| match leaf.kind {
        LeafKind::Hyperparameter { may_be_zero, .. } => !may_be_zero,
        LeafKind::Parameter | LeafKind::State | LeafKind::Data | LeafKind::StepNumber => false,
    };
    positive(graph, id) || graph.leaf_at(id).is_some_and(setting)
}

fn atom(graph: &Graph, id: NodeId) -> NormalForm {
    let mut monomial = Monomial::default();
    if graph.node(id).shape.is_scalar() {
        monomial.scalars.insert(id, Ratio::one());
    } else {
        monomial.word.push(Factor::Matrix(id, false));
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
    fn products_entry_by_entry_commute_but_not_with_matrix_products() {
        let (n, m) = (Dim::named("n"), Dim::named("m"));
        let pair = |build: for<'g> fn(
            crate::graph::Expr<'g>,
            crate::graph::Expr<'g>,
            crate::graph::Expr<'g>,
        ) -> [crate::graph::Expr<'g>; 2]| {
            same(|b| {
                let data = |name| b.data(name, &n, &n);
                build(data("X"), data("Y"), data("Z"))
            })
        };
        assert!(pair(|x, y, _| [x * y, y * x]));
        assert!(pair(|x, y, z| [x * (y * z), (x * z) * y]));
        assert!(pair(|x, y, z| [x * (y + z), x * z + x * y]));
        assert!(pair(|x, y, _| [(x * y).t(), x.t() * y.t()]));
        assert!(pair(|x, y, z| [x.matmul(y) * z, z * x.matmul(y)]));
        assert!(!pair(|x, y, z| [x.matmul(y) * z, x.matmul(y * z)]));
        assert!(!pair(|x, y, _| [x * y, x.matmul(y)]));
        assert!(!pair(|x, y, _| [x * x, x * y]));
        assert!(!pair(|x, y, _| [x * y.t(), x * y]));
        // A row is repeated: nothing is said of such a product.
        assert!(!same(|b| {
            let (x, row) = (b.data("X", &m, &n), b.data("R", &Dim::one(), &n));
            [(x + row) * row, x * row + row * row]
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
        // √(s²) = s only for positive s, and nobody says that s is.
        for may_be_zero in [true, false] {
            assert!(!same(|b| {
                let s = b.hyperparameter("s", "s", may_be_zero);
                [(s * s).sqrt(), s + 0]
            }));
        }
    }

    #[test]
    fn roots_of_numbers_are_taken_apart() {
        let r = Dim::named("r");
        assert!(same(|b| {
            let (n, eight) = (b.count(&r), b.ratio(8, 9));
            [(n * eight).sqrt(), b.ratio(2, 3) * (n * 2).sqrt()]
        }));
        assert!(same(|b| {
            let (s, n) = (b.hyperparameter("s", "s", false), b.count(&r));
            let two = b.ratio(2, 1);
            [s * two.sqrt() / (two * n).sqrt(), s / n.sqrt()]
        }));
        assert!(!same(|b| [b.ratio(2, 1).sqrt(), b.ratio(3, 1).sqrt()]));
        assert!(!same(|b| {
            let s = b.hyperparameter("s", "s", false);
            [(s * s * -1).sqrt(), (s * s).sqrt()]
        }));
    }

    #[test]
    fn quotients_need_a_divisor_that_is_not_zero() {
        let n = Dim::named("n");
        assert!(same(|b| {
            let (x, s) = (b.data("X", &n, &n), b.hyperparameter("s", "s", false));
            [s * (x / 2) / s, x * b.ratio(1, 2)]
        }));
        assert!(!same(|b| {
            let (x, s) = (b.data("X", &n, &n), b.hyperparameter("s", "s", true));
            [s * x / s, x * 1]
        }));
    }

    /// A row that is repeated over a dimension of size r counts r times in a product.
    #[test]
    fn sums_over_which_something_is_repeated_are_not_multiplied_out() {
        let (n, r) = (Dim::named("n"), Dim::named("r"));
        assert!(!same(|b| {
            let (row, x) = (b.data("row", &Dim::one(), &n), b.data("X", &n, &r));
            let column = row.t();
            let (left, right) = (column + x, row + x.t());
            let out = left.matmul(right) - left.matmul(x.t()) - x.matmul(right);
            [out + x.matmul(x.t()), column.matmul(row)]
        }));
    }
}
