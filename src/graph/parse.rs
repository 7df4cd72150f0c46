//! Formulas over the named quantities of a step, as users write them: `lr_A * g_A / A`,
//! `s * B @ A`, `A @ A.T`. A name may have dots, as in `optimizer.alpha_A`: of what stands there
//! the longest name that is known counts.
//!
//! ```text
//! sum     = product { ("+" | "-") product }
//! product = factor { ("*" | "/" | "@") factor }        left to right, all of one precedence
//! factor  = "-" factor | atom { ".T" }
//! atom    = number | name | "|" dimension "|" | ("sqrt(" | "abs(" | "(") sum ")"
//! ```

use super::{Dim, Expr, GraphError, StepBuilder};
use crate::arith::parse_ratio;

/// The greatest depth of a formula.
const MAX_DEPTH: usize = 64;
/// The greatest length of a formula, in bytes: some operations take the square of it.
const MAX_LENGTH: usize = 10_000;

/// The node that computes `text`, a formula over the leaves and labels of `step`.
///
/// # Errors
/// [`GraphError::Formula`] names the place and what was expected; shapes that do not fit are
/// reported when the step is finished.
pub fn parse_formula<'g>(step: &'g StepBuilder, text: &str) -> Result<Expr<'g>, GraphError> {
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
        text,
        at: 0,
        depth: 0,
    };
    let value = parser.sum()?;
    parser.skip_space();
    if parser.at < text.len() {
        return Err(parser.wrong("an operator or the end"));
    }
    Ok(value)
}

struct Parser<'t, 'g> {
    step: &'g StepBuilder,
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
        GraphError::Formula {
            formula: self.text.to_owned(),
            at: self.text[..self.at].chars().count() + 1,
            message: format!("found {found}, expected {expected}"),
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

    fn sum(&mut self) -> Result<Expr<'g>, GraphError> {
        let mut value = self.product()?;
        loop {
            if self.take("+") {
                value = value + self.product()?;
            } else if self.take("-") {
                value = value - self.product()?;
            } else {
                return Ok(value);
            }
        }
    }

    fn product(&mut self) -> Result<Expr<'g>, GraphError> {
        let mut value = self.factor()?;
        loop {
            if self.take("*") {
                value = value * self.factor()?;
            } else if self.take("/") {
                value = value / self.factor()?;
            } else if self.take("@") {
                value = value.matmul(self.factor()?);
            } else {
                return Ok(value);
            }
        }
    }

    fn factor(&mut self) -> Result<Expr<'g>, GraphError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.wrong("a formula that is less deeply nested"));
        }
        let value = if self.take("-") {
            -self.factor()?
        } else {
            let mut value = self.atom()?;
            while self.take(".T") {
                value = value.t();
            }
            value
        };
        self.depth -= 1;
        Ok(value)
    }

    fn atom(&mut self) -> Result<Expr<'g>, GraphError> {
        if self.take("|") {
            let len = self.rest().find('|').unwrap_or(0);
            let dim = self.rest()[..len].trim().to_owned();
            if !dim.starts_with(char::is_alphabetic) || !self.step.has_dimension(&dim) {
                return Err(self.wrong("the name of a dimension and `|`"));
            }
            self.at += len + 1;
            return Ok(self.step.count(&Dim::named(&dim)));
        }
        let bracket = ["sqrt(", "abs(", "("].into_iter().find(|b| self.take(b));
        if let Some(bracket) = bracket {
            let value = self.sum()?;
            if !self.take(")") {
                return Err(self.wrong("`)`"));
            }
            return Ok(match bracket {
                "sqrt(" => value.sqrt(),
                "abs(" => value.abs(),
                _ => value,
            });
        }
        self.skip_space();
        let word_len = |allowed: fn(char) -> bool| {
            self.rest()
                .find(|c: char| !allowed(c))
                .unwrap_or(self.rest().len())
        };
        if self.rest().starts_with(|c: char| c.is_ascii_digit()) {
            let len = word_len(|c| c.is_ascii_digit() || c == '.');
            let number = self.rest()[..len].trim_end_matches('.').to_owned();
            let value = parse_ratio(&number).map_err(|_| self.wrong("a number"))?;
            self.at += number.len();
            return Ok(self.step.constant(value));
        }
        let len = word_len(|c| c.is_alphanumeric() || c == '_' || c == '.');
        let word = &self.rest()[..len];
        let ends = word.match_indices('.').map(|(end, _)| end);
        let mut names = ends.chain([len]).rev().map(|end| &word[..end]);
        let known = |name: &&str| !name.is_empty() && self.step.find(name).is_some();
        let known = names.find(known).map(str::len);
        match known.and_then(|len| Some((len, self.step.find(&word[..len])?))) {
            Some((len, value)) => {
                self.at += len;
                Ok(value)
            }
            None => Err(self.wrong(&format!(
                "one of the quantities {}",
                self.step.quantities().join(", ")
            ))),
        }
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
