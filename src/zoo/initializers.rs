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

/// The effect that the frozen weight with s·B·A makes of the network before the first step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The network of W, whatever alpha is.
    Kept,
    /// Another one for every alpha.
    Moves,
    /// That of W, or the nearest to it that there is, where s = 1, and another one elsewhere.
    KeptAtOne,
}

impl First {
    /// The same in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Kept => "that of W",
            Self::Moves => "moves with alpha",
            Self::KeptAtOne => "near that of W for s = 1 alone",
        }
    }
}

/// An initialisation scheme.
#[derive(Debug)]
pub struct Initializer {
    /// The value of PEFT's `init_lora_weights`, or the library's name.
    pub name: &'static str,
    /// A line on the method and where it is published.
    pub source: &'static str,
    /// The network before the first step.
    pub first: First,
    /// The further part that alpha has in it.
    pub remark: Option<&'static str>,
    /// The formulas.
    pub build: for<'g> fn(&'g StepBuilder) -> Initial<'g>,
}

/// All schemes.
pub static INITIALIZERS: &[Initializer] = &[
    Initializer {
        name: "default",
        source: "loralib and PEFT `true`: A Kaiming-uniform, B = 0",
        first: First::Kept,
        remark: None,
        build: |step| drawn_a(step, "kaiming_uniform"),
    },
    Initializer {
        name: "false",
        source: "PEFT `false`: both factors Kaiming-uniform, as `nn.Linear` starts",
        first: First::Moves,
        remark: None,
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
        first: First::Kept,
        remark: None,
        build: |step| drawn_a(step, "normal"),
    },
    Initializer {
        name: "embedding",
        source: "loralib and PEFT embeddings: A = 0, B normal",
        first: First::Kept,
        remark: None,
        build: |step| drawn_b(step, "normal"),
    },
    Initializer {
        name: "mica",
        source: "PEFT `mica` (arXiv 2604.01694): A = 0, B the left singular vectors of W's smallest singular values",
        first: First::Kept,
        remark: None,
        build: |step| drawn_b(step, "minor_U"),
    },
    Initializer {
        name: "orthogonal",
        source: "PEFT `orthogonal`: normal matrices times the odd and the even rows of one random orthogonal r × r matrix, over 10",
        first: First::Kept,
        remark: None,
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
        first: First::Kept,
        remark: None,
        build: |step| shared_out(step, "V"),
    },
    Initializer {
        name: "pissa_niter",
        source: "PEFT `pissa_niter_N`: as `pissa`, with triplets from N rounds of a randomised decomposition",
        first: First::Kept,
        remark: None,
        build: |step| shared_out(step, "V"),
    },
    Initializer {
        name: "corda",
        source: "PEFT `corda` (Yang et al. 2024, arXiv 2406.05223): singular triplets of W·C, with C the covariance of the inputs, V taken back by C⁻¹, shared out by √(Σ/s)",
        first: First::Kept,
        remark: None,
        build: |step| shared_out(step, "C_inverse_V"),
    },
    Initializer {
        name: "eva",
        source: "PEFT `eva` (Paischer et al. 2024, arXiv 2410.07170): A the right singular vectors of the layer's inputs, B = 0",
        first: First::Kept,
        remark: Some(
            "where ranks are shared out anew, alpha becomes alpha·r'/r in a layer of rank r' \
             (adjust_scaling_factors, the default): alpha/r stays, alpha/√r does not",
        ),
        build: |step| drawn_a(step, "input_V"),
    },
    Initializer {
        name: "olora",
        source: "PEFT `olora` (Büyükakyüz 2024, arXiv 2406.01775): leading columns and rows of W = Q·R",
        first: First::Kept,
        remark: None,
        build: |step| {
            let [n_in, n_out, r] = dims();
            let s = step.hyperparameter("s", "s", false);
            let a = step.data("R", &r, &n_in);
            let b = step.data("Q", &n_out, &r);
            let w0 = step.data("W", &n_out, &n_in) - s * b.matmul(a);
            Initial { a, b, w0 }
        },
    },
    Initializer {
        name: "loftq",
        source: "PEFT `loftq` (Li et al. 2023, arXiv 2310.08659): W quantised, and the principal singular triplets of what is missing, shared out by √Σ without s",
        first: First::KeptAtOne,
        remark: Some(
            "what B·A makes up for is missing in full, so only alpha = r (s = 1) makes up for it",
        ),
        build: |step| {
            let [n_in, n_out, r] = dims();
            let root = step.data("sigma", &r, &Dim::one()).sqrt();
            Initial {
                a: root * step.data("V", &n_in, &r).t(),
                b: step.data("U", &n_out, &r) * root.t(),
                w0: step.data("quantised_W", &n_out, &n_in),
            }
        },
    },
    Initializer {
        name: "lora_ga",
        source: "PEFT `lora_ga`, scale `stable` (Wang et al. 2024, arXiv 2407.05000): singular triplets of the gradient, B times √√n_out/√γ",
        first: First::Kept,
        remark: None,
        build: |step| of_gradient(step, Some("stable_factor"), false),
    },
    Initializer {
        name: "lora_ga_gd_scale",
        source: "PEFT `lora_ga`, scale `gd_scale`: both factors over s",
        first: First::Kept,
        remark: None,
        build: |step| of_gradient(step, None, true),
    },
    Initializer {
        name: "lora_ga_unit",
        source: "PEFT `lora_ga`, scale `unit`: the triplets as they are",
        first: First::Kept,
        remark: None,
        build: |step| of_gradient(step, None, false),
    },
    Initializer {
        name: "lora_ga_weight_svd",
        source: "PEFT `lora_ga`, scale `weight_svd`: B times the largest singular value of W over that of the gradient",
        first: First::Kept,
        remark: None,
        build: |step| of_gradient(step, Some("weight_over_gradient"), false),
    },
];

fn dims() -> [Dim; 3] {
    ["n_in", "n_out", "r"].map(Dim::named)
}

/// Singular triplets, each factor with √(Σ/s), and W without their part.
fn shared_out<'g>(step: &'g StepBuilder, right: &str) -> Initial<'g> {
    let [n_in, n_out, r] = dims();
    let s = step.hyperparameter("s", "s", false);
    let sigma = step.data("sigma", &r, &Dim::one());
    let root = (sigma / s).sqrt();
    let a = root * step.data(right, &n_in, &r).t();
    let b = step.data("U", &n_out, &r) * root.t();
    let w0 = step.data("W", &n_out, &n_in) - s * b.matmul(a);
    Initial { a, b, w0 }
}

/// Singular triplets of the gradient, those of B with their values and perhaps times a factor,
/// both perhaps over s, and W without their part.
fn of_gradient<'g>(step: &'g StepBuilder, factor: Option<&str>, over_s: bool) -> Initial<'g> {
    let [n_in, n_out, r] = dims();
    let s = step.hyperparameter("s", "s", false);
    let mut a = step.data("gradient_V", &n_in, &r).t();
    let values = step.data("gradient_sigma", &r, &Dim::one());
    let mut b = step.data("gradient_U", &n_out, &r) * values.t();
    if let Some(name) = factor {
        b = step.data(name, &Dim::one(), &Dim::one()) * b;
    }
    if over_s {
        (a, b) = (a / s, b / s);
    }
    let w0 = step.data("W", &n_out, &n_in) - s * b.matmul(a);
    Initial { a, b, w0 }
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
