//! What the printers write, for every loss and for every pair of operations that may need
//! parentheses.

use std::collections::HashSet;

use super::{Definition, LatexOptions, definitions, latex, mathml};
use crate::graph::{Builder, Dim, Expr, StepBuilder, StepGraph};
use crate::zoo::{Clip, Recipe, Schedule, losses::LOSSES};

fn texts(step: &StepGraph) -> Vec<String> {
    definitions(step).into_iter().map(|d| d.text).collect()
}

/// Every loss with everything switched on, and the plain and the opaque step.
fn steps() -> Vec<StepGraph> {
    let plain = Recipe::new("linear", "mse", "sgd").unwrap().plain();
    let opaque = Recipe::new("opaque", "mse", "sgd").unwrap();
    let mut recipes = vec![plain, opaque.with_clip(Some(Clip::Value))];
    for loss in LOSSES {
        let mut full = Recipe::new("linear", loss.name, "sgd").unwrap();
        full.set_flag("nesterov", true).unwrap();
        full.switch_off("dampening").unwrap();
        full.schedule = Some(Schedule::Cosine { t_max: 10 });
        recipes.push(full.with_clip(Some(Clip::Norm)));
    }
    recipes.iter().map(|r| r.build().unwrap()).collect()
}

#[test]
fn plain_gradient_descent_reads_like_the_formula() {
    let step = Recipe::new("linear", "mse", "sgd").unwrap().plain();
    assert_eq!(
        texts(&step.build().unwrap()),
        [
            "Z = X @ W0^T + s * (X @ A^T @ B^T)",
            "W = W0 + s * (B @ A)",
            "loss = sum((Z - Y)^2) / (batch * n_out)",
            "u_1 = s * (2 * (1 / (batch * n_out) * (Z - Y)))",
            "g_B = u_1^T @ (X @ A^T)",
            "g_A = B^T @ u_1^T @ X",
            "A⁺ = A - lr_A * g_A",
            "B⁺ = B - lr_B * g_B",
        ]
    );
}

#[test]
fn the_opaque_step_in_latex() {
    let step = Recipe::new("opaque", "mse", "sgd").unwrap().plain();
    let lines: Vec<String> = definitions(&step.build().unwrap())
        .into_iter()
        .map(|d| d.latex)
        .collect();
    assert_eq!(
        lines,
        [
            r"W = W_{0} + s \, B \, A",
            r"\mathrm{loss} = \mathcal{L}\left(W\right)",
            r"g_{B} = s \, \nabla\mathcal{L}\left(W\right) \, A^{\top}",
            r"g_{A} = B^{\top} \, \left(s \, \nabla\mathcal{L}\left(W\right)\right)",
            r"{A^{+}} = A - \mathrm{lr}_{A} \, g_{A}",
            r"{B^{+}} = B - \mathrm{lr}_{B} \, g_{B}",
        ]
    );
}

#[test]
fn names_are_unique_and_defined_before_use() {
    for step in steps() {
        let mut seen = HashSet::new();
        for d in definitions(&step) {
            assert!(seen.insert(d.name.clone()), "{} twice", d.name);
            for word in d.text.split(|c: char| !(c.is_alphanumeric() || c == '_')) {
                if word.starts_with("u_") {
                    assert!(seen.contains(word), "{word} in {}", d.text);
                }
            }
            assert!(d.text.chars().count() < 200, "too long: {}", d.text);
        }
    }
}

/// Environments, `\left`/`\right` and braces are nested properly.
fn assert_balanced(code: &str) {
    let code = code.replace(r"\{", "").replace(r"\}", "");
    let mut stack = vec![];
    let mut rest = code.as_str();
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        if let Some(tail) = rest.strip_prefix(r"\begin{") {
            let name = tail.split('}').next().unwrap_or_default();
            stack.push(format!("end{name}"));
            length = r"\begin{}".len() + name.len();
        } else if let Some(tail) = rest.strip_prefix(r"\end{") {
            let name = tail.split('}').next().unwrap_or_default();
            assert_eq!(stack.pop(), Some(format!("end{name}")), "{code}");
            length = r"\end{}".len() + name.len();
        } else if rest.starts_with(r"\left") {
            stack.push("right".to_owned());
            length = r"\left".len();
        } else if rest.starts_with(r"\right") {
            assert_eq!(stack.pop().as_deref(), Some("right"), "{code}");
            length = r"\right".len();
        } else if c == '{' {
            stack.push("}".to_owned());
        } else if c == '}' {
            assert_eq!(stack.pop().as_deref(), Some("}"), "{code}");
        }
        rest = &rest[length..];
    }
    assert!(stack.is_empty(), "{stack:?} open in {code}");
}

/// Every element that is opened is closed, in order.
fn assert_well_formed(code: &str) {
    let mut stack = vec![];
    for piece in code.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').expect("a tag ends");
        let name = tag.split([' ', '/']).find(|n| !n.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(stack.pop(), Some(name), "{code}");
        } else if !tag.ends_with('/') {
            stack.push(name);
        }
    }
    assert!(stack.is_empty(), "{stack:?} open in {code}");
}

#[test]
fn latex_is_balanced_and_mathml_is_well_formed() {
    for step in steps() {
        for d in definitions(&step) {
            assert_balanced(&d.latex);
            assert_well_formed(&d.mathml);
            assert!(d.mathml.starts_with("<math display=\"block\">"));
        }
        assert_balanced(&latex(&step, LatexOptions { standalone: true }));
        assert_eq!(mathml(&step).lines().count(), definitions(&step).len());
    }
}

#[test]
fn the_same_step_gives_the_same_lines() {
    assert_eq!(
        steps().iter().map(definitions).collect::<Vec<_>>(),
        steps().iter().map(definitions).collect::<Vec<_>>()
    );
}

/// A step whose loss is the sum of what `build` makes of three matrices and a scalar.
fn formula_of(build: impl for<'g> Fn(&'g Builder, [Expr<'g>; 4]) -> Expr<'g>) -> Definition {
    let step = StepBuilder::new();
    let n = Dim::named("n");
    let [p, q, r] = ["P", "Q", "R"].map(|name| step.data(name, &n, &n));
    let c = step.hyperparameter("c", "c", true);
    let value = build(&step, [p, q, r, c]).named("V");
    step.set_loss(value.sum());
    let step = step.finish().unwrap();
    definitions(&step).swap_remove(0)
}

fn check(build: impl for<'g> Fn(&'g Builder, [Expr<'g>; 4]) -> Expr<'g>, text: &str, latex: &str) {
    let d = formula_of(build);
    assert_eq!(d.text, format!("V = {text}"));
    assert_eq!(d.latex, format!("V = {latex}"));
}

#[test]
fn parentheses_stand_where_they_are_needed() {
    check(|_, [p, q, r, _]| p + q + r, "P + Q + R", "P + Q + R");
    check(
        |_, [p, q, r, _]| p + (q + r),
        "P + (Q + R)",
        r"P + \left(Q + R\right)",
    );
    check(
        |_, [p, q, r, _]| p - (q - r),
        "P - (Q - R)",
        r"P - \left(Q - R\right)",
    );
    check(|_, [p, q, ..]| p + (-q), "P - Q", "P - Q");
    check(|_, [p, q, ..]| p - (-q), "P + Q", "P + Q");
    check(|_, [p, q, ..]| -(p + q), "-(P + Q)", r"-\left(P + Q\right)");
    check(
        |_, [p, q, _, c]| (p + q) * c,
        "c * (P + Q)",
        r"c \, \left(P + Q\right)",
    );
    check(
        |_, [p, q, r, _]| p.matmul(q.matmul(r)),
        "P @ (Q @ R)",
        r"P \, \left(Q \, R\right)",
    );
    check(
        |_, [p, q, r, _]| p.matmul(q) * r,
        "P @ Q * R",
        r"\left(P \, Q\right) \odot R",
    );
    check(
        |_, [p, q, r, _]| (p * q).matmul(r),
        "P * Q @ R",
        r"\left(P \odot Q\right) \, R",
    );
    check(
        |_, [p, q, r, _]| p / (q / r),
        "P / (Q / R)",
        r"\frac{P}{\frac{Q}{R}}",
    );
    check(
        |_, [p, q, ..]| (p / q).square(),
        "(P / Q)^2",
        r"\left(\frac{P}{Q}\right)^{\odot 2}",
    );
    check(
        |_, [p, ..]| p.t().square(),
        "(P^T)^2",
        r"\left(P^{\top}\right)^{\odot 2}",
    );
    check(
        |_, [p, q, _, c]| (c * p.matmul(q.t())).t(),
        "c * (Q @ P^T)",
        r"c \, Q \, P^{\top}",
    );
    check(
        |b, [p, _, _, c]| c.if_less(0, 1, b.ratio(-3, 4)) * p,
        "(1 if c < 0 else -3/4) * P",
        r"\left(\begin{cases} 1 & \text{if } c < 0 \\ -\frac{3}{4} & \text{otherwise} \end{cases}\right) \, P",
    );
}

#[test]
fn a_state_keeps_its_prefix_where_the_short_name_is_taken() {
    let step = StepBuilder::new();
    let one = Dim::one();
    let w = step.parameter("A", &one, &one);
    let lr = step.hyperparameter("lr_A", "lr", false);
    let state = step.state("lr_A", lr);
    step.update(state, state * 2);
    step.update(w, w - state);
    step.set_loss(w);
    assert_eq!(
        texts(&step.finish().unwrap()),
        [
            "loss = A",
            "state.lr_A⁽⁰⁾ = lr_A",
            "state.lr_A⁺ = 2 * state.lr_A",
            "A⁺ = A - state.lr_A",
        ]
    );
}
