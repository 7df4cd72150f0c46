//! Numbers, weights and constraints as a person reads them.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

use super::constrain::{Origin, System};
use super::field::Field;
use super::linear::Form;
use super::question::Symmetry;
use crate::arith::{Ratio, show_ratio};
use crate::graph::{Binary, Comparison, NodeId, Op, StepGraph, Unary, print};

/// The longest mantissa that is written as a decimal; longer numbers stay fractions.
const MAX_DIGITS: usize = 15;

/// A rational with a short finite decimal expansion as that (`0.9`, `1e-6`), any other as
/// `num/den`. The text denotes the number exactly.
pub fn show_decimal(q: &Ratio) -> String {
    if q.is_zero() {
        return "0".to_owned();
    }
    let (mut mantissa, mut exponent) = (q.numer().abs(), 0i64);
    let mut rest = q.denom().clone();
    // Multiply by 10/2 or 10/5 until the denominator is gone.
    for (prime, other) in [(2, 5), (5, 2)] {
        let (prime, other) = (BigInt::from(prime), BigInt::from(other));
        while rest.is_multiple_of(&prime) {
            rest /= &prime;
            // Denominators 2^a·5^b with a ≠ b need the missing factors in the mantissa.
            mantissa *= &other;
            exponent -= 1;
        }
    }
    if rest != BigInt::from(1) {
        return show_ratio(q);
    }
    let ten = BigInt::from(10);
    while mantissa.is_multiple_of(&ten) {
        mantissa /= &ten;
        exponent += 1;
    }
    let digits = mantissa.to_string();
    if digits.len() > MAX_DIGITS {
        return show_ratio(q);
    }
    let sign = if q.is_negative() { "-" } else { "" };
    let (plain, scientific) = (plain(&digits, exponent), scientific(&digits, exponent));
    let shorter = if plain.len() <= scientific.len().max(5) {
        plain
    } else {
        scientific
    };
    format!("{sign}{shorter}")
}

fn plain(digits: &str, exponent: i64) -> String {
    if exponent >= 0 {
        // A long row of zeros is never chosen; do not build it.
        return format!("{digits}{}", "0".repeat(exponent.min(40) as usize));
    }
    let places = exponent.unsigned_abs() as usize;
    if places < digits.len() {
        let (whole, fraction) = digits.split_at(digits.len() - places);
        format!("{whole}.{fraction}")
    } else {
        let zeros = (places - digits.len()).min(40);
        format!("0.{}{digits}", "0".repeat(zeros))
    }
}

fn scientific(digits: &str, exponent: i64) -> String {
    let (first, more) = digits.split_at(1);
    let exponent = exponent + more.len() as i64;
    if more.is_empty() {
        format!("{first}e{exponent}")
    } else {
        format!("{first}.{more}e{exponent}")
    }
}

/// A weight as `-1` or `(-1, 0)`.
pub fn show_weight(weight: &[Ratio]) -> String {
    match weight {
        [only] => show_ratio(only),
        all => {
            let parts: Vec<String> = all.iter().map(show_ratio).collect();
            format!("({})", parts.join(", "))
        }
    }
}

/// The number of operations that a formula in a message nests before it refers to a node by number.
const DEPTH: usize = 4;

/// The name of a node in a message, or its formula where it has none.
pub(super) fn call(step: &StepGraph, id: NodeId) -> String {
    match &step.graph.node(id).op {
        Op::Constant(q) => format!("the constant {}", show_decimal(q)),
        // A frozen copy or a copy along rows is the thing itself for a reader.
        Op::Unary(Unary::Broadcast | Unary::Detach, x) if step.graph.label(id).is_none() => {
            call(step, *x)
        }
        _ => format!("`{}`", expression(step, id, DEPTH)),
    }
}

fn expression(step: &StepGraph, id: NodeId, depth: usize) -> String {
    let graph = &step.graph;
    if graph.label(id).is_some() {
        return graph.describe(id);
    }
    let inner = |x: &NodeId| expression(step, *x, depth.saturating_sub(1));
    match &graph.node(id).op {
        Op::Leaf(_) | Op::Count(_) | Op::Identity(_) => graph.describe(id),
        Op::Constant(q) => show_decimal(q),
        _ if depth == 0 => id.to_string(),
        Op::Unary(Unary::Broadcast | Unary::Detach, x) => expression(step, *x, depth),
        Op::Unary(Unary::Transpose, x) => format!("{}ᵀ", inner(x)),
        Op::Unary(Unary::Neg, x) => format!("-{}", inner(x)),
        Op::Binary(Binary::Mul, x, y) if x == y => format!("{}²", inner(x)),
        Op::Select {
            then, otherwise, ..
        } => format!("(either {} or {})", inner(then), inner(otherwise)),
        Op::Binary(op, ..) if op.sign().is_some() => {
            format!("({})", print::written(graph, id, &inner))
        }
        Op::Unary(..) | Op::Binary(..) => print::written(graph, id, &inner),
    }
}

/// The place to name for what happens at `node`: the node itself if it is labelled, else the
/// first labelled node that uses it, else the first update that does.
pub(super) fn place(step: &StepGraph, node: NodeId) -> String {
    let graph = &step.graph;
    let mut downstream = vec![false; graph.nodes().len()];
    downstream[node.index()] = true;
    for id in graph.ids().skip(node.index()) {
        if graph.node(id).op.any(|x| downstream[x.index()]) {
            downstream[id.index()] = true;
        }
        if downstream[id.index()]
            && let Some(label) = graph.label(id)
        {
            return label.to_owned();
        }
    }
    let parameters = step.parameters.iter().map(|p| (&p.name, p.next));
    let states = step.states.iter().map(|s| (&s.name, s.next));
    parameters
        .chain(states)
        .filter(|(_, next)| downstream[next.index()])
        .min_by_key(|(_, next)| *next)
        .map_or_else(
            || graph.describe(node),
            |(name, _)| format!("update of {name}"),
        )
}

/// The place to name for a constraint.
pub(super) fn origin_place(step: &StepGraph, origin: &Origin) -> String {
    match origin {
        Origin::Equal { node, .. } | Origin::Weightless { node, .. } => place(step, *node),
        Origin::Update { leaf, .. }
        | Origin::Initial { leaf, .. }
        | Origin::Held { leaf }
        | Origin::Claimed { leaf, .. }
        | Origin::ClaimedInitial { leaf, .. } => step.graph.describe(*leaf),
        Origin::Tie { first, .. } => step.graph.describe(*first),
        Origin::Loss => "loss".to_owned(),
        Origin::Kept { output } => place(step, *output),
    }
}

/// The words for an operation on two operands that must weigh the same.
pub(super) fn meeting(step: &StepGraph, node: NodeId, left: &str, right: &str) -> String {
    match &step.graph.node(node).op {
        Op::Binary(Binary::Add, ..) => format!("adds {left} to {right}"),
        Op::Binary(Binary::Sub, ..) => format!("subtracts {right} from {left}"),
        Op::Binary(Binary::Max, ..) => format!("takes the larger of {left} and {right}"),
        Op::Binary(Binary::Min, ..) => format!("takes the smaller of {left} and {right}"),
        Op::Select { .. } => format!("sets {left} against {right}"),
        _ => format!("joins {left} and {right}"),
    }
}

/// A constraint in words, with the equation between leaf weights that it amounts to.
pub(super) fn explain<F: Field>(
    step: &StepGraph,
    system: &System<F>,
    origin: &Origin,
    form: &Form<F>,
) -> String {
    let name = |id: NodeId| call(step, id);
    let what = match origin {
        Origin::Equal { node, left, right } => {
            let (left, right) = (name(*left), name(*right));
            format!("{} {}", name(*node), meeting(step, *node, &left, &right))
        }
        Origin::Weightless { node, operand } => match &step.graph.node(*node).op {
            Op::Unary(Unary::OpaqueLoss | Unary::OpaqueGradient, _) => {
                format!("the rest of the network reads {}", name(*operand))
            }
            Op::Unary(Unary::Cast(format), _) => format!(
                "rounding {} to {} commutes with powers of two only",
                name(*operand),
                format.name()
            ),
            Op::Unary(op, _) => {
                format!("{} is taken of {}", op.name(), name(*operand))
            }
            Op::Select {
                comparison: Comparison::Less | Comparison::LessEqual,
                ..
            }
            | Op::Binary(Binary::Max | Binary::Min, ..) => {
                format!("an order is asked of {}", name(*operand))
            }
            _ => format!("{} follows no factor of {}", name(*node), name(*operand)),
        },
        Origin::Update { leaf, next } => {
            format!("the next value of {} is {}", name(*leaf), name(*next))
        }
        Origin::Initial { leaf, initial } => {
            format!("{} starts as {}", name(*leaf), name(*initial))
        }
        Origin::Loss => "the loss must not change".to_owned(),
        Origin::Kept { output } => format!("{} must not change", name(*output)),
        Origin::Claimed { leaf, power } | Origin::ClaimedInitial { leaf, power }
            if F::SYMMETRY == Symmetry::Sign =>
        {
            let what = match power.is_zero() {
                true => "keeps the sign of",
                false => "changes the sign of",
            };
            format!("the map {what} {}", name(*leaf))
        }
        Origin::Tie { first, second } => {
            format!("{} and {} are one number", name(*first), name(*second))
        }
        Origin::Held { leaf } => format!("{} is held fixed", name(*leaf)),
        Origin::Claimed { leaf, power } if power.is_zero() => {
            format!("the map leaves {} alone", name(*leaf))
        }
        Origin::Claimed { leaf, power } => {
            format!(
                "the map multiplies {} by k^{}",
                name(*leaf),
                exponent(power)
            )
        }
        Origin::ClaimedInitial { leaf, power } if power.is_zero() => {
            format!("the map leaves the first value of {} alone", name(*leaf))
        }
        Origin::ClaimedInitial { leaf, power } => format!(
            "the map multiplies the first value of {} by k^{}",
            name(*leaf),
            exponent(power)
        ),
    };
    format!("{what}: {}", equation(step, system, form))
}

fn exponent(power: &Ratio) -> String {
    if power.is_integer() && !power.is_negative() {
        show_ratio(power)
    } else {
        format!("({})", show_ratio(power))
    }
}

/// `form = 0` with each term on the side where it is added, over the names of the
/// leaves; a name stands for its weight.
pub(super) fn equation<F: Field>(step: &StepGraph, system: &System<F>, form: &Form<F>) -> String {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let mut terms: Vec<(Option<NodeId>, Ratio)> = form
        .terms()
        .map(|(column, c)| (system.columns[column].node(), c.to_ratio()))
        .collect();
    // In the order of the graph, the power of k last, in the smallest whole numbers.
    terms.sort_by_key(|(id, _)| (id.is_none(), *id));
    let coefficients = terms.iter().filter(|(id, _)| id.is_some());
    let (num, den) = coefficients.fold((BigInt::zero(), BigInt::one()), |(num, den), (_, c)| {
        (num.gcd(c.numer()), den.lcm(c.denom()))
    });
    let unit = match num.is_zero() {
        true => Ratio::one(),
        false => Ratio::new(num, den),
    };
    let mut negative = None;
    for (id, c) in terms {
        let c = c / &unit;
        let size = show_ratio(&c.abs());
        let term = match id {
            None => size,
            Some(id) if size == "1" => format!("w({})", step.graph.describe(id)),
            Some(id) => format!("{size}·w({})", step.graph.describe(id)),
        };
        // What is left of an equation reads better when it starts with the first unknown.
        let first_is_negative = *negative.get_or_insert(c.is_negative());
        if c.is_negative() == first_is_negative {
            left.push(term);
        } else {
            right.push(term);
        }
    }
    let side = |terms: Vec<String>| match terms.is_empty() {
        true => "0".to_owned(),
        false => terms.join(" + "),
    };
    format!("{} = {}", side(left), side(right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::parse_ratio;
    use crate::graph::{Dim, StepBuilder};

    #[test]
    fn decimals_read_back_and_stay_short() {
        for (text, shown) in [
            ("1/1000000", "1e-6"),
            ("1/100000000", "1e-8"),
            ("0.999", "0.999"),
            ("1/1000", "0.001"),
            ("1/2", "0.5"),
            ("-1/4", "-0.25"),
            ("3.4445", "3.4445"),
            ("1/3", "1/3"),
            ("2", "2"),
            ("1000", "1000"),
            ("1000000", "1e6"),
            ("0", "0"),
            ("25/10000000", "2.5e-6"),
            ("10.5", "10.5"),
            ("1.23456789012345", "1.23456789012345"),
            // One digit more is not read as a number any more.
            ("1.234567890123456", "19290123283179/15625000000000"),
        ] {
            let q = parse_ratio(text).unwrap();
            assert_eq!(show_decimal(&q), shown);
            assert_eq!(parse_ratio(shown).unwrap(), q);
        }
    }

    #[test]
    fn nodes_are_called_by_name_or_formula() {
        let b = StepBuilder::new();
        let n = Dim::named("n");
        let (a, x) = (b.parameter("A", &n, &n), b.data("X", &n, &n));
        b.set_loss(a.opaque_loss());
        let total = (a.square() + x.matmul(a.t())).sum();
        let cases = [
            (x, "`X`"),
            (b.ratio(1, 1000), "the constant 0.001"),
            (a.detach(), "`A`"),
            (x - a.detach(), "`(X - A)`"),
            (total.broadcast_to(&a.shape()), "`sum((A² + (X @ Aᵀ)))`"),
            (-x / a, "`(-X / A)`"),
            ((x * a).sqrt(), "`sqrt(X * A)`"),
            ((x + a).named("P").abs(), "`abs(P)`"),
            (x.max(a).exp(), "`exp(max(X, A))`"),
            (x.min(2), "`min(X, 2)`"),
            (x.pow(b.step_number()), "`(X ^ t)`"),
            (x.if_equal(a, x, -a), "`(either X or -A)`"),
            ((x + 1).detach().named("D"), "`D`"),
        ];
        let cases = cases.map(|(x, shown)| (x.id(), shown));
        b.update(a, a);
        let step = b.finish().unwrap();
        for (id, shown) in cases {
            assert_eq!(call(&step, id), shown);
        }
    }
}
