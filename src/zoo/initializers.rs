//! How PEFT and loralib initialise the factors, as formulas over the drawn or decomposed
//! matrices. Which of them contain the scaling `s` is read off the formulas.

use crate::graph::{Dim, Expr, StepBuilder};

/// The values from which training starts.
#[derive(Debug, Clone, Copy)]
pub struct Initial<'g> {
    /// A, r × n_in.
    pub a: Expr<'g>,
    /// B, n_out × r.
    pub b: Expr<'g>,
    /// The frozen weight, n_out × n_in.
    pub w0: Expr<'g>,
}

/// An initialisation scheme.
#[derive(Debug)]
pub struct Initializer {
    /// The value of PEFT's `init_lora_weights`, or the library's name.
    pub name: &'static str,
    /// What it is and where it is published.
    pub source: &'static str,
    /// The formulas.
    pub build: for<'g> fn(&'g StepBuilder) -> Initial<'g>,
}

/// All schemes.
pub static INITIALIZERS: &[Initializer] = &[
    Initializer {
        name: "default",
        source: "loralib and PEFT `true`: A Kaiming-uniform, B = 0",
        build: |step| drawn_a(step, "kaiming_uniform"),
    },
    Initializer {
        name: "false",
        source: "PEFT `false`: both factors Kaiming-uniform, as `nn.Linear` starts",
        build: |step| {
            let [n_in, n_out, r] = dims();
            Initial {
                a: step.data("kaiming_uniform_A", &r, &n_in),
                b: step.data("kaiming_uniform_B", &n_out, &r),
                w0: step.data("W", &n_out, &n_in),
            }
        },
    },
    Initializer {
        name: "gaussian",
        source: "PEFT `gaussian`: A normal with standard deviation 1/r, B = 0",
        build: |step| drawn_a(step, "normal"),
    },
    Initializer {
        name: "embedding",
        source: "loralib and PEFT embeddings: A = 0, B normal",
        build: |step| drawn_b(step, "normal"),
    },
    Initializer {
        name: "mica",
        source: "PEFT `mica` (arXiv 2604.01694): A = 0, B the left singular vectors of W's smallest singular values",
        build: |step| drawn_b(step, "minor_U"),
    },
    Initializer {
        name: "orthogonal",
        source: "PEFT `orthogonal`: normal matrices times the odd and the even rows of one random orthogonal r × r matrix, over 10",
        build: |step| {
            let [n_in, n_out, r] = dims();
            let half = Dim::named("half_r");
            let tenth = step.ratio(1, 10);
            let odd = step.data("odd_rows", &half, &r);
            let even = step.data("even_rows", &half, &r);
            Initial {
                a: tenth * step.data("normal_A", &n_in, &half).matmul(odd).t(),
                b: tenth * step.data("normal_B", &n_out, &half).matmul(even),
                w0: step.data("W", &n_out, &n_in),
            }
        },
    },
    Initializer {
        name: "pissa",
        source: "PEFT `pissa` (Meng et al. 2024, arXiv 2404.02948): principal singular triplets of W, shared out by √(Σ/s)",
        build: |step| {
            let [n_in, n_out, r] = dims();
            let s = step.hyperparameter("s", "s", false);
            let sigma = step.data("sigma", &r, &Dim::one());
            let root = (sigma / s).sqrt();
            let a = root * step.data("V", &n_in, &r).t();
            let b = step.data("U", &n_out, &r) * root.t();
            let w0 = step.data("W", &n_out, &n_in) - s * b.matmul(a);
            Initial { a, b, w0 }
        },
    },
    Initializer {
        name: "olora",
        source: "PEFT `olora` (Büyükakyüz 2024, arXiv 2406.01775): leading columns and rows of W = Q·R",
        build: |step| {
            let [n_in, n_out, r] = dims();
            let s = step.hyperparameter("s", "s", false);
            let a = step.data("R", &r, &n_in);
            let b = step.data("Q", &n_out, &r);
            let w0 = step.data("W", &n_out, &n_in) - s * b.matmul(a);
            Initial { a, b, w0 }
        },
    },
];

fn dims() -> [Dim; 3] {
    ["n_in", "n_out", "r"].map(Dim::named)
}

/// A drawn, B = 0, the frozen weight as it was.
fn drawn_a<'g>(step: &'g StepBuilder, name: &str) -> Initial<'g> {
    let [n_in, n_out, r] = dims();
    let zero = step.ratio(0, 1);
    Initial {
        a: step.data(name, &r, &n_in),
        b: zero.broadcast_to(&crate::graph::Shape::new(n_out.clone(), r)),
        w0: step.data("W", &n_out, &n_in),
    }
}

/// A = 0, B drawn or taken from W, the frozen weight as it was.
fn drawn_b<'g>(step: &'g StepBuilder, name: &str) -> Initial<'g> {
    let [n_in, n_out, r] = dims();
    let zero = step.ratio(0, 1);
    Initial {
        a: zero.broadcast_to(&crate::graph::Shape::new(r.clone(), n_in.clone())),
        b: step.data(name, &n_out, &r),
        w0: step.data("W", &n_out, &n_in),
    }
}
