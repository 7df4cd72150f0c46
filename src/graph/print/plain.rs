//! The notation of plain text: Python's operators with Python's precedence, `@` for the matrix
//! product and `^T` for the transpose.

use super::symbol::Symbol;
use super::walk::{Call, Cases, Level, Product, Style, Superscript, Term};
use crate::arith::{Ratio, show_ratio};

/// Plain text.
pub(super) struct Plain;

impl Style for Plain {
    const SIDE_BY_SIDE: bool = false;

    fn symbol(&self, symbol: &Symbol) -> String {
        symbol.plain()
    }

    fn number(&self, q: &Ratio) -> Term {
        if let Some(exponent) = super::latex::small_power_of_ten(q) {
            return Term::atom(format!("1e-{exponent}"));
        }
        let level = if q.is_integer() {
            Level::Atom
        } else {
            Level::Product(Product::Slash)
        };
        Term::new(show_ratio(q), level)
    }

    fn dimension(&self, name: &str) -> String {
        name.to_owned()
    }

    fn identity(&self) -> String {
        "I".to_owned()
    }

    fn plus(&self, x: &str, y: &str) -> String {
        format!("{x} + {y}")
    }

    fn minus(&self, x: &str, y: &str) -> String {
        format!("{x} - {y}")
    }

    fn negated(&self, x: &str) -> String {
        format!("-{x}")
    }

    fn product(&self, kind: Product, x: &str, y: &str) -> String {
        match kind {
            Product::Matrix => format!("{x} @ {y}"),
            _ => format!("{x} * {y}"),
        }
    }

    fn quotient(&self, x: Term, y: Term) -> Term {
        let x = self.at_least(x, Level::Product(Product::Scale));
        let y = self.at_least(y, Level::Power);
        Term::new(format!("{x} / {y}"), Level::Product(Product::Slash))
    }

    fn superscript(&self, x: &str, what: Superscript) -> String {
        match what {
            Superscript::Transpose => format!("{x}^T"),
            // `*` is elementwise in this notation, and so is its power.
            Superscript::Square | Superscript::ElementwiseSquare => format!("{x}^2"),
            Superscript::StepNumber => format!("{x}^t"),
        }
    }

    fn root(&self, x: &str) -> Term {
        Term::atom(format!("sqrt({x})"))
    }

    fn bars(&self, x: &str) -> Term {
        Term::atom(format!("abs({x})"))
    }

    fn call(&self, f: Call, arguments: &[String]) -> String {
        let arguments = arguments.join(", ");
        let name = match f {
            Call::Sign => "sign",
            Call::Exp => "exp",
            Call::Ln => "ln",
            Call::CosPi => return format!("cos(pi * {arguments})"),
            Call::Tanh => "tanh",
            Call::NormalCdf => "normal_cdf",
            Call::NormalDensity => "normal_density",
            Call::Atan2 => "atan2",
            Call::Inverse => "inverse",
            Call::MatrixSqrt => "matrix_sqrt",
            Call::Cast(format) => format.name(),
            Call::Sum => "sum",
            Call::RowSum => "row_sum",
            Call::ColumnSum => "col_sum",
            Call::RowMax => "row_max",
            Call::Max => "max",
            Call::Min => "min",
            Call::OpaqueLoss => "L",
            Call::OpaqueGradient => "∇L",
        };
        format!("{name}({arguments})")
    }

    fn cases(&self, c: &Cases<'_>) -> String {
        format!(
            "{} if {} {} {} else {}",
            c.then,
            c.lhs,
            c.comparison.sign(),
            c.rhs,
            c.otherwise
        )
    }

    fn parentheses(&self, x: &str) -> String {
        format!("({x})")
    }

    fn equation(&self, left: &str, right: &str) -> String {
        format!("{left} = {right}")
    }
}
