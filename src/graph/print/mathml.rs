//! The notation of presentation MathML (MathML Core, which browsers draw without a script).

use super::definitions::definitions;
use super::latex::small_power_of_ten;
use super::symbol::{Instant, Symbol, greek};
use super::walk::{Call, Cases, Level, Product, Style, Superscript, Term};
use crate::arith::{FloatFormat, Ratio};
use crate::graph::{Comparison, StepGraph};

/// The step's definitions, one `<math display="block">` a line.
pub fn mathml(step: &StepGraph) -> String {
    let lines = definitions(step).into_iter().map(|d| d.mathml + "\n");
    lines.collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn operator(sign: &str) -> String {
    format!("<mo>{}</mo>", escaped(sign))
}

fn row(parts: &[&str]) -> String {
    format!("<mrow>{}</mrow>", parts.concat())
}

fn word(text: &str) -> String {
    match greek(text) {
        Some((letter, _)) => format!("<mi>{letter}</mi>"),
        None if text.chars().all(|c| c.is_ascii_digit()) => format!("<mn>{text}</mn>"),
        // One letter is set in italics, a word upright: MathML's own rule for <mi>.
        None => format!("<mi>{}</mi>", escaped(text)),
    }
}

/// MathML.
pub(super) struct MathMl;

impl Style for MathMl {
    const SIDE_BY_SIDE: bool = true;

    fn symbol(&self, symbol: &Symbol) -> String {
        let base = word(&symbol.base);
        let below = match symbol.subscripts.as_slice() {
            [] => None,
            [one] => Some(word(one)),
            many => {
                let parts: Vec<String> = many.iter().map(|s| word(s)).collect();
                Some(row(&[&parts.join("<mo>,</mo>")]))
            }
        };
        let above = match symbol.instant {
            Instant::Now => None,
            Instant::Next => Some("<mo>+</mo>"),
            Instant::First => Some("<mrow><mo>(</mo><mn>0</mn><mo>)</mo></mrow>"),
        };
        match (below, above) {
            (None, None) => base,
            (Some(below), None) => format!("<msub>{base}{below}</msub>"),
            (None, Some(above)) => format!("<msup>{base}{above}</msup>"),
            (Some(below), Some(above)) => format!("<msubsup>{base}{below}{above}</msubsup>"),
        }
    }

    fn number(&self, q: &Ratio) -> Term {
        if let Some(exponent) = small_power_of_ten(q) {
            let power =
                format!("<msup><mn>10</mn><mrow><mo>−</mo><mn>{exponent}</mn></mrow></msup>");
            Term::new(power, Level::Power)
        } else if q.is_integer() {
            Term::atom(format!("<mn>{}</mn>", q.numer()))
        } else {
            Term::new(
                format!(
                    "<mfrac><mn>{}</mn><mn>{}</mn></mfrac>",
                    q.numer(),
                    q.denom()
                ),
                Level::Fraction,
            )
        }
    }

    fn dimension(&self, name: &str) -> String {
        match name.split_once('_') {
            Some((base, index)) => format!("<msub>{}{}</msub>", word(base), word(index)),
            None => word(name),
        }
    }

    fn identity(&self) -> String {
        "<mi>I</mi>".to_owned()
    }

    fn plus(&self, x: &str, y: &str) -> String {
        [x, "<mo>+</mo>", y].concat()
    }

    fn minus(&self, x: &str, y: &str) -> String {
        [x, "<mo>−</mo>", y].concat()
    }

    fn negated(&self, x: &str) -> String {
        ["<mo>−</mo>", x].concat()
    }

    fn product(&self, kind: Product, x: &str, y: &str) -> String {
        let sign = match kind {
            Product::Elementwise => "<mo>⊙</mo>",
            // Two numbers side by side would read as one.
            _ if y.starts_with("<mn>") || y.starts_with("<msup><mn>") => "<mo>·</mo>",
            _ if y.starts_with("<mfrac>") && x.ends_with("</mn>") => "<mo>·</mo>",
            _ => "<mspace width=\"0.17em\"/>",
        };
        [x, sign, y].concat()
    }

    fn quotient(&self, x: Term, y: Term) -> Term {
        Term::new(
            format!("<mfrac>{}{}</mfrac>", row(&[&x.code]), row(&[&y.code])),
            Level::Fraction,
        )
    }

    fn superscript(&self, x: &str, what: Superscript) -> String {
        let above = match what {
            Superscript::Transpose => "<mo>⊤</mo>",
            Superscript::Square => "<mn>2</mn>",
            Superscript::StepNumber => "<mi>t</mi>",
            Superscript::ElementwiseSquare => "<mrow><mo>⊙</mo><mn>2</mn></mrow>",
        };
        format!("<msup>{}{above}</msup>", row(&[x]))
    }

    fn root(&self, x: &str) -> Term {
        Term::atom(format!("<msqrt>{x}</msqrt>"))
    }

    fn bars(&self, x: &str) -> Term {
        Term::atom(row(&["<mo>|</mo>", x, "<mo>|</mo>"]))
    }

    fn call(&self, f: Call, arguments: &[String]) -> String {
        let name = match f {
            Call::Sign => "<mi>sign</mi>",
            Call::Exp => "<mi>exp</mi>",
            Call::Ln => "<mi>ln</mi>",
            Call::CosPi => "<mi>cos</mi>",
            Call::Tanh => "<mi>tanh</mi>",
            Call::NormalCdf => "<mi>Φ</mi>",
            Call::NormalDensity => "<mi>φ</mi>",
            Call::Atan2 => "<mi>atan2</mi>",
            Call::Inverse | Call::MatrixSqrt => {
                let exponent = if f == Call::Inverse {
                    "<mrow><mo>−</mo><mn>1</mn></mrow>"
                } else {
                    "<mrow><mn>1</mn><mo>/</mo><mn>2</mn></mrow>"
                };
                let base = row(&[&self.parentheses(&arguments.concat())]);
                return format!("<msup>{base}{exponent}</msup>");
            }
            Call::Cast(FloatFormat::Bf16) => "<mi>bf16</mi>",
            Call::Cast(FloatFormat::F16) => "<mi>f16</mi>",
            Call::Cast(FloatFormat::F32) => "<mi>f32</mi>",
            Call::Sum => "<mi>sum</mi>",
            Call::RowSum => "<mi>rowsum</mi>",
            Call::ColumnSum => "<mi>colsum</mi>",
            Call::RowMax => "<mi>rowmax</mi>",
            Call::Max => "<mi>max</mi>",
            Call::Min => "<mi>min</mi>",
            Call::OpaqueLoss => "<mi>ℒ</mi>",
            Call::OpaqueGradient => "<mo>∇</mo><mi>ℒ</mi>",
        };
        let pi = if f == Call::CosPi {
            "<mi>π</mi><mspace width=\"0.17em\"/>"
        } else {
            ""
        };
        let arguments = arguments.join("<mo>,</mo>");
        row(&[name, &self.parentheses(&[pi, &arguments].concat())])
    }

    fn cases(&self, c: &Cases<'_>) -> String {
        let sign = operator(match c.comparison {
            Comparison::Less => "<",
            Comparison::LessEqual => "≤",
            Comparison::Equal => "=",
        });
        let cell = |parts: &[&str]| format!("<mtd>{}</mtd>", parts.concat());
        let lines = [
            "<mtr>",
            &cell(&[c.then]),
            &cell(&["<mtext>if\u{a0}</mtext>", c.lhs, &sign, c.rhs]),
            "</mtr><mtr>",
            &cell(&[c.otherwise]),
            &cell(&["<mtext>otherwise</mtext>"]),
            "</mtr>",
        ];
        row(&[
            "<mo stretchy=\"true\">{</mo><mtable>",
            &lines.concat(),
            "</mtable>",
        ])
    }

    fn parentheses(&self, x: &str) -> String {
        row(&["<mo>(</mo>", x, "<mo>)</mo>"])
    }

    fn equation(&self, left: &str, right: &str) -> String {
        format!("<math display=\"block\"><mrow>{left}<mo>=</mo>{right}</mrow></math>")
    }
}
