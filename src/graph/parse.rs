//! Formulas over named quantities, as users write them: `lr_A * g_A / A`, `s * B @ A`, `A @ A.T`. A
//! name may have dots, as in `optimizer.alpha_A`: of what stands there the longest name that is
//! known counts.
//!
//! ```text
//! sum      = product { ("+" | "-") product }
//! product  = factor { ("*" | "/" | "@") factor }       left to right, all of one precedence
//! factor   = "-" factor | atom { ".T" }
//! atom     = number | name | "|" dimension "|" | "(" sum ")" | function "(" sum { "," sum } ")"
//!          | "where(" sum comparison sum "," sum "," sum ")"
//! ```

use std::collections::BTreeMap;

use num_traits::ToPrimitive;

use super::{Comparison, Dim, Expr, GraphError, LeafKind, Op, StepBuilder};
use crate::arith::parse_ratio;

/// The deepest nesting of a formula.
const MAX_DEPTH: usize = 64;
/// The longest formula, in bytes: some operations take the square of it.
const MAX_LENGTH: usize = 10_000;
/// The largest whole exponent that is written out as products.
const MAX_PRODUCTS: i64 = 16;

/// The functions of formulas, besides `where`.
const FUNCTIONS: &[&str] = &[
    "abs",
    "sign",
    "sqrt",
    "exp",
    "ln",
    "tanh",
    "normal_cdf",
    "max",
    "min",
    "pow",
    "atan2",
    "sum",
    "mean",
    "norm",
    "sum_rows",
    "sum_cols",
    "row_max",
    "inverse",
    "detach",
];

/// The value of a formula or a name. `None` is the zero of a term that is switched off: a sum
/// goes without it, and what is multiplied by it is switched off, too.
pub type Value<'g> = Option<Expr<'g>>;

/// The quantities that a formula may name, by name.
pub type Names<'g> = BTreeMap<String, Value<'g>>;

/// The node that computes `text`, a formula over the leaves and labels of `step`.
///
/// # Errors
/// [`GraphError::Formula`] names the place, what was found there and what was expected.
pub fn parse_formula<'g>(step: &'g StepBuilder, text: &str) -> Result<Expr<'g>, GraphError> {
    let value = parse(step, None, text)?;
    Ok(value.unwrap_or_else(|| step.ratio(0, 1)))
}

/// The value of `text`, a formula over `names` alone.
///
/// # Errors
/// As [`parse_formula`].
pub fn parse_formula_over<'g>(
    step: &'g StepBuilder,
    names: &Names<'g>,
    text: &str,
) -> Result<Value<'g>, GraphError> {
    parse(step, Some(names), text)
}

fn parse<'g>(
    step: &'g StepBuilder,
    names: Option<&Names<'g>>,
    text: &str,
) -> Result<Value<'g>, GraphError> {
    if text.len() > MAX_LENGTH {
        let start: String = text.chars().take(40).collect();
        return Err(GraphError::Formula {
            formula: format!("{start}…"),
            at: 1,
            message: format!("found {} bytes, expected at most {MAX_LENGTH}", text.len()),
        });
    }
    let mut parser = Parser {
        step,
        names,
        text,
        at: 0,
        depth: 0,
    };
    // A mistake that is found while the formula is read is one of the formula.
    let earlier = step.take_mistake();
    let value = parser.whole();
    if let Some(earlier) = earlier {
        step.fail(earlier);
    }
    value
}

struct Parser<'t, 'g> {
    step: &'g StepBuilder,
    names: Option<&'t Names<'g>>,
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'g> Parser<'_, 'g> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn wrong(&self, expected: &str) -> GraphError {
        let found = match self.rest().chars().next() {
            Some(c) => format!("`{c}`"),
            None => "the end".to_owned(),
        };
        self.mistake(self.at, format!("found {found}, expected {expected}"))
    }

    fn mistake(&self, at: usize, message: String) -> GraphError {
        GraphError::Formula {
            formula: self.text.to_owned(),
            at: self.text[..at].chars().count() + 1,
            message,
        }
    }

    fn take(&mut self, symbol: &str) -> bool {
        self.skip_space();
        let taken = self.rest().starts_with(symbol);
        if taken {
            self.at += symbol.len();
        }
        taken
    }

    fn expect(&mut self, symbol: &str) -> Result<(), GraphError> {
        match self.take(symbol) {
            true => Ok(()),
            false => Err(self.wrong(&format!("`{symbol}`"))),
        }
    }

    /// `value`, unless building it was a mistake: then that of the operation at `at`.
    fn built<T>(&self, at: usize, value: T) -> Result<T, GraphError> {
        match self.step.take_mistake() {
            None => Ok(value),
            Some(GraphError::Shape {
                operation,
                left,
                right,
            }) => {
                let found = format!("{operation}: found shapes {left} and {right}");
                Err(self.mistake(
                    at,
                    format!("{found}, which do not fit, expected ones that do"),
                ))
            }
            Some(mistake) => Err(self.mistake(at, mistake.to_string())),
        }
    }

    fn zero(&self) -> Expr<'g> {
        self.step.ratio(0, 1)
    }

    fn whole(&mut self) -> Result<Value<'g>, GraphError> {
        let value = self.sum()?;
        self.skip_space();
        match self.at < self.text.len() {
            true => Err(self.wrong("an operator or the end")),
            false => Ok(value),
        }
    }

    fn sum(&mut self) -> Result<Value<'g>, GraphError> {
        let mut value = self.product()?;
        loop {
            self.skip_space();
            let at = self.at;
            value = if self.take("+") {
                match (value, self.product()?) {
                    (Some(x), Some(y)) => Some(x + y),
                    (x, y) => x.or(y),
                }
            } else if self.take("-") {
                match (value, self.product()?) {
                    (Some(x), Some(y)) => Some(x - y),
                    (x, y) => x.or(y.map(|y| -y)),
                }
            } else {
                return Ok(value);
            };
            value = self.built(at, value)?;
        }
    }

    fn product(&mut self) -> Result<Value<'g>, GraphError> {
        let mut value = self.factor()?;
        loop {
            self.skip_space();
            let at = self.at;
            value = if self.take("*") {
                value.zip(self.factor()?).map(|(x, y)| x * y)
            } else if self.take("/") {
                let divisor = self.factor()?;
                value.map(|x| x / divisor.unwrap_or_else(|| self.zero()))
            } else if self.take("@") {
                value.zip(self.factor()?).map(|(x, y)| x.matmul(y))
            } else {
                return Ok(value);
            };
            value = self.built(at, value)?;
        }
    }

    fn factor(&mut self) -> Result<Value<'g>, GraphError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.wrong("a formula that is less deeply nested"));
        }
        let value = if self.take("-") {
            self.factor()?.map(|x| -x)
        } else {
            let mut value = self.atom()?;
            while self.take(".T") {
                value = value.map(Expr::t);
            }
            value
        };
        self.depth -= 1;
        Ok(value)
    }

    fn atom(&mut self) -> Result<Value<'g>, GraphError> {
        if self.take("|") {
            let len = self.rest().find('|').unwrap_or(0);
            let dim = self.rest()[..len].trim().to_owned();
            if !dim.starts_with(char::is_alphabetic) || !self.step.has_dimension(&dim) {
                return Err(self.wrong("the name of a dimension and `|`"));
            }
            self.at += len + 1;
            return Ok(Some(self.step.count(&Dim::named(&dim))));
        }
        if self.take("(") {
            let value = self.sum()?;
            self.expect(")")?;
            return Ok(value);
        }
        if self.rest().starts_with(|c: char| c.is_ascii_digit()) {
            return self.number().map(Some);
        }
        let name = self.rest().split_once('(').map(|(name, _)| name);
        if name == Some("where") {
            return self.choice().map(Some);
        }
        match FUNCTIONS.iter().find(|known| name == Some(**known)) {
            Some(function) => self.call(function).map(Some),
            None => self.quantity(),
        }
    }

    fn number(&mut self) -> Result<Expr<'g>, GraphError> {
        let digits = |text: &str| {
            let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
            text[..end.unwrap_or(text.len())]
                .trim_end_matches('.')
                .len()
        };
        let mut len = digits(self.rest());
        if let Some(exponent) = self.rest()[len..].strip_prefix(['e', 'E']) {
            let signed = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            len += 1 + exponent.len() - signed.len() + digits(signed);
        }
        let number = &self.rest()[..len];
        let value = parse_ratio(number).map_err(|_| self.wrong("a number"))?;
        self.at += len;
        Ok(self.step.constant(value))
    }

    /// `where(x < y, then, otherwise)`.
    fn choice(&mut self) -> Result<Expr<'g>, GraphError> {
        let start = self.at;
        self.at += "where(".len();
        let lhs = self.argument()?;
        let comparisons = ["<=", "<", ">=", ">", "=="];
        let Some(sign) = comparisons.into_iter().find(|sign| self.take(sign)) else {
            return Err(self.wrong("`<`, `<=`, `>`, `>=` or `==`"));
        };
        let rhs = self.argument()?;
        self.expect(",")?;
        let then = self.argument()?;
        self.expect(",")?;
        let otherwise = self.argument()?;
        self.expect(")")?;
        let (comparison, lhs, rhs) = match sign {
            "<" => (Comparison::Less, lhs, rhs),
            "<=" => (Comparison::LessEqual, lhs, rhs),
            ">" => (Comparison::Less, rhs, lhs),
            ">=" => (Comparison::LessEqual, rhs, lhs),
            _ => (Comparison::Equal, lhs, rhs),
        };
        self.built(start, lhs.select(comparison, rhs, then, otherwise))
    }

    fn argument(&mut self) -> Result<Expr<'g>, GraphError> {
        let value = self.sum()?;
        Ok(value.unwrap_or_else(|| self.zero()))
    }

    fn call(&mut self, function: &str) -> Result<Expr<'g>, GraphError> {
        let start = self.at;
        self.at += function.len() + 1;
        let mut arguments = vec![self.argument()?];
        while self.take(",") {
            arguments.push(self.argument()?);
        }
        self.expect(")")?;
        let value = match (function, arguments.as_slice()) {
            ("abs", [x]) => x.abs(),
            ("sign", [x]) => x.sign(),
            ("sqrt", [x]) => x.sqrt(),
            ("exp", [x]) => x.exp(),
            ("ln", [x]) => x.ln(),
            ("tanh", [x]) => x.tanh(),
            ("normal_cdf", [x]) => x.normal_cdf(),
            ("max", [x, y]) => x.max(*y),
            ("min", [x, y]) => x.min(*y),
            ("pow", [x, y]) => self.power(*x, *y),
            ("atan2", [y, x]) => y.atan2(*x),
            ("sum", [x]) => x.sum(),
            ("mean", [x]) => x.mean(),
            ("norm", [x]) => x.norm(),
            ("sum_rows", [x]) => x.sum_rows(),
            ("sum_cols", [x]) => x.sum_cols(),
            ("row_max", [x]) => x.row_max(),
            ("inverse", [x]) => x.inverse(),
            ("detach", [x]) => x.detach(),
            (_, given) => {
                let message = format!(
                    "found {} arguments of `{function}`, expected {}",
                    given.len(),
                    3 - given.len().clamp(1, 2)
                );
                return Err(self.mistake(start, message));
            }
        };
        self.built(start, value)
    }

    /// x to the number of the step, to a whole number as products, or to a real number.
    fn power(&self, x: Expr<'g>, exponent: Expr<'g>) -> Expr<'g> {
        let (is_step_number, whole) = {
            let graph = self.step.graph();
            let leaf = graph.leaf_at(exponent.id());
            let whole = match &graph.node(exponent.id()).op {
                Op::Constant(q) if q.is_integer() => q.to_i64(),
                _ => None,
            };
            let is_step_number = leaf.is_some_and(|leaf| leaf.kind == LeafKind::StepNumber);
            (is_step_number, whole)
        };
        match whole {
            _ if is_step_number => x.pow(exponent),
            Some(n @ 1..=MAX_PRODUCTS) => (1..n).fold(x, |power, _| power * x),
            _ => x.real_power(exponent),
        }
    }

    fn find(&self, name: &str) -> Option<Value<'g>> {
        match self.names {
            Some(names) => names.get(name).copied(),
            None => self.step.find(name).map(Some),
        }
    }

    fn quantity(&mut self) -> Result<Value<'g>, GraphError> {
        let end = |c: char| !(c.is_alphanumeric() || c == '_' || c == '.');
        let len = self.rest().find(end).unwrap_or(self.rest().len());
        let word = &self.rest()[..len];
        let ends = word.match_indices('.').map(|(end, _)| end);
        let names = ends.chain([len]).rev().map(|end| &word[..end]);
        let mut known = names.filter(|name| !name.is_empty());
        let known = known.find_map(|name| Some((name.len(), self.find(name)?)));
        if let Some((len, value)) = known {
            self.at += len;
            return Ok(value);
        }
        let all = match self.names {
            Some(names) => names.keys().cloned().collect(),
            None => self.step.quantities(),
        };
        let expected = format!("one of the quantities {}", all.join(", "));
        Err(match (self.names, len) {
            (Some(_), 1..) => self.mistake(self.at, format!("found `{word}`, expected {expected}")),
            _ => self.wrong(&expected),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_known_name_counts() {
        let step = StepBuilder::new();
        let [r, n] = ["r", "n"].map(Dim::named);
        let a = step.data("A", &r, &n);
        let loss = step.data("loss", &r, &n);
        let delta = step.hyperparameter("loss.delta", "loss.delta", false);
        let alpha = step.hyperparameter("optimizer.alpha_A", "optimizer.alpha", false);
        let count = step.count(&r);
        for (text, expected) in [
            ("A.T.T.T", a.t().t().t()),
            ("loss.T", loss.t()),
            ("loss.delta", delta),
            ("loss.delta.T", delta.t()),
            ("loss.delta * loss.T", delta * loss.t()),
            ("optimizer.alpha_A * A", alpha * a),
            ("abs(A) / sqrt(|r|)", a.abs() / count.sqrt()),
            ("-2.5*abs( -A.T )", -step.ratio(5, 2) * (-a.t()).abs()),
        ] {
            let found = parse_formula(&step, text).map(|e| e.id());
            assert_eq!(found, Ok(expected.id()), "{text}");
        }
        for text in [
            "optimizer.alpha",
            "alpha_A",
            "loss.gamma",
            "A.T.t",
            ".T",
            "abs(A",
        ] {
            assert!(parse_formula(&step, text).is_err(), "{text}");
        }
    }

    #[test]
    fn formulas_without_end_are_refused() {
        let step = StepBuilder::new();
        let message = |text: &str| match parse_formula(&step, text) {
            Ok(_) => panic!("a formula"),
            Err(error) => error.to_string(),
        };
        let found = message(&"1+".repeat(1 << 20));
        assert!(found.starts_with("`1+1+") && found.len() < 200, "{found}");
        assert!(
            found.ends_with("found 2097152 bytes, expected at most 10000"),
            "{found}"
        );
        assert!(message(&"(".repeat(1000)).contains("less deeply nested"));
    }
}
