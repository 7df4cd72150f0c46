//! The notation of LaTeX with `amsmath`.

use num_bigint::BigInt;
use num_traits::One;

use super::definitions::definitions;
use super::symbol::{Instant, Symbol, greek, is_letter};
use super::walk::{Call, Cases, Level, Product, Style, Superscript, Term};
use crate::arith::Ratio;
use crate::graph::{Comparison, StepGraph};

/// The text that [`latex`] writes around the equations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LatexOptions {
    /// A whole document instead of the bare `align*` environment.
    pub standalone: bool,
}

/// The step's definitions as one `align*` environment (`amsmath`), or as a document.
pub fn latex(step: &StepGraph, options: LatexOptions) -> String {
    let lines: Vec<String> = definitions(step)
        .into_iter()
        .map(|d| format!("  {}", d.latex.replacen(" = ", " &= ", 1)))
        .collect();
    let body = format!(
        "\\begin{{align*}}\n{}\n\\end{{align*}}\n",
        lines.join(" \\\\\n")
    );
    if !options.standalone {
        return body;
    }
    format!(
        "\\documentclass{{article}}\n\\usepackage{{amsmath,amssymb}}\n\\allowdisplaybreaks\n\
         \\begin{{document}}\n{body}\\end{{document}}\n"
    )
}

/// The n of 10⁻ⁿ, where `q` is that and small enough that the power reads better.
pub(super) fn small_power_of_ten(q: &Ratio) -> Option<u32> {
    if !q.numer().is_one() {
        return None;
    }
    (3..64).find(|n| *q.denom() == BigInt::from(10).pow(*n))
}

/// Text that may hold any character, safe inside `\mathrm`.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out.push_str(r"\backslash "),
            '^' => out.push_str(r"\hat{\ }"),
            '~' => out.push_str(r"\sim "),
            '_' | '{' | '}' | '$' | '&' | '#' | '%' => {
                out.push('\\');
                out.push(c);
            }
            ' ' => out.push_str(r"\ "),
            '⁺' => out.push_str("{}^{+}"),
            '-' => out.push_str(r"\text{-}"),
            c if c.is_ascii_graphic() => out.push(c),
            // Fonts without the character would stop the run; its number still tells it.
            c => out.push_str(&format!(r"\text{{U+{:04X}}}", u32::from(c))),
        }
    }
    out
}

fn word(text: &str) -> String {
    match greek(text) {
        Some((_, command)) => command.to_owned(),
        None if is_letter(text) && text.is_ascii() => text.to_owned(),
        None if text.chars().all(|c| c.is_ascii_digit()) => text.to_owned(),
        None => format!(r"\mathrm{{{}}}", escaped(text)),
    }
}

/// LaTeX.
pub(super) struct Latex;

impl Style for Latex {
    const SIDE_BY_SIDE: bool = true;

    fn symbol(&self, symbol: &Symbol) -> String {
        let mut out = word(&symbol.base);
        if !symbol.subscripts.is_empty() {
            let subscripts: Vec<String> = symbol.subscripts.iter().map(|s| word(s)).collect();
            out.push_str(&format!("_{{{}}}", subscripts.join(",")));
        }
        match symbol.instant {
            Instant::Now => {}
            Instant::Next => out.push_str("^{+}"),
            Instant::First => out.push_str("^{(0)}"),
        }
        // Braces keep a superscript that follows from clashing with one that is there.
        if symbol.instant == Instant::Now {
            out
        } else {
            format!("{{{out}}}")
        }
    }

    fn number(&self, q: &Ratio) -> Term {
        if let Some(exponent) = small_power_of_ten(q) {
            Term::new(format!("10^{{-{exponent}}}"), Level::Power)
        } else if q.is_integer() {
            Term::atom(q.numer().to_string())
        } else {
            Term::new(
                format!(r"\frac{{{}}}{{{}}}", q.numer(), q.denom()),
                Level::Fraction,
            )
        }
    }

    fn dimension(&self, name: &str) -> String {
        match name.split_once('_') {
            Some((base, index)) => format!("{}_{{{}}}", word(base), word(index)),
            None => word(name),
        }
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
        let sign = match kind {
            Product::Elementwise => r"\odot ",
            // Two numbers side by side would read as one.
            _ if y.starts_with(|c: char| c.is_ascii_digit()) => r"\cdot ",
            _ if y.starts_with(r"\frac") && x.ends_with(|c: char| c.is_ascii_digit()) => r"\cdot ",
            _ => r"\, ",
        };
        format!("{x} {sign}{y}")
    }

    fn quotient(&self, x: Term, y: Term) -> Term {
        Term::new(
            format!(r"\frac{{{}}}{{{}}}", x.code, y.code),
            Level::Fraction,
        )
    }

    fn superscript(&self, x: &str, what: Superscript) -> String {
        match what {
            Superscript::Transpose => format!(r"{x}^{{\top}}"),
            Superscript::Square => format!("{x}^{{2}}"),
            Superscript::StepNumber => format!("{x}^{{t}}"),
            Superscript::ElementwiseSquare => format!(r"{x}^{{\odot 2}}"),
        }
    }

    fn root(&self, x: &str) -> Term {
        Term::atom(format!(r"\sqrt{{{x}}}"))
    }

    fn bars(&self, x: &str) -> Term {
        Term::atom(format!(r"\left|{x}\right|"))
    }

    fn call(&self, f: Call, arguments: &[String]) -> String {
        let arguments = arguments.join(", ");
        let name = match f {
            Call::Sign => r"\operatorname{sign}",
            Call::Exp => r"\exp",
            Call::Ln => r"\ln",
            Call::CosPi => return format!(r"\cos\left(\pi \, {arguments}\right)"),
            Call::Tanh => r"\tanh",
            Call::NormalCdf => r"\Phi",
            Call::NormalDensity => r"\varphi",
            Call::Atan2 => r"\operatorname{atan2}",
            Call::Inverse => return format!(r"\left({arguments}\right)^{{-1}}"),
            Call::MatrixSqrt => return format!(r"\left({arguments}\right)^{{1/2}}"),
            Call::Cast(format) => {
                return format!(
                    r"\operatorname{{{}}}\left({arguments}\right)",
                    format.name()
                );
            }
            Call::Sum => r"\operatorname{sum}",
            Call::RowSum => r"\operatorname{rowsum}",
            Call::ColumnSum => r"\operatorname{colsum}",
            Call::RowMax => r"\operatorname{rowmax}",
            Call::Max => r"\max",
            Call::Min => r"\min",
            Call::OpaqueLoss => r"\mathcal{L}",
            Call::OpaqueGradient => r"\nabla\mathcal{L}",
        };
        format!(r"{name}\left({arguments}\right)")
    }

    fn cases(&self, c: &Cases<'_>) -> String {
        let sign = match c.comparison {
            Comparison::Less => "<",
            Comparison::LessEqual => r"\le",
            Comparison::Equal => "=",
        };
        format!(
            r"\begin{{cases}} {} & \text{{if }} {} {sign} {} \\ {} & \text{{otherwise}} \end{{cases}}",
            c.then, c.lhs, c.rhs, c.otherwise
        )
    }

    fn parentheses(&self, x: &str) -> String {
        format!(r"\left({x}\right)")
    }

    fn equation(&self, left: &str, right: &str) -> String {
        format!("{left} = {right}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_character_is_harmless() {
        assert_eq!(word("momentum_buffer"), r"\mathrm{momentum\_buffer}");
        assert_eq!(word("A"), "A");
        assert_eq!(word("eps"), r"\varepsilon");
        assert_eq!(word("a}{%$#\\"), r"\mathrm{a\}\{\%\$\#\backslash }");
        assert_eq!(word("é"), r"\mathrm{\text{U+00E9}}");
    }
}
