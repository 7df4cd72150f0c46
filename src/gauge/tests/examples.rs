//! Steps of a LoRA layer under gradient descent and its relatives.

use crate::arith::Ratio;
use crate::graph::{Dim, Expr, StepBuilder, StepGraph, gradient};

/// What surrounds the gradient.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Setup {
    pub loss: Loss,
    pub decay: bool,
    pub momentum: bool,
    pub clip_norm: bool,
    pub clip_value: bool,
    pub direction: Direction,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Loss {
    #[default]
    Mse,
    L1,
    Huber,
    CrossEntropy,
    Opaque,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Direction {
    #[default]
    Gradient,
    Sign,
    Adam,
}

/// One parameter with its gradient on the way to its update.
struct Trained<'g> {
    name: &'static str,
    value: Expr<'g>,
    gradient: Expr<'g>,
}

pub fn sgd(setup: Setup) -> StepGraph {
    let b = StepBuilder::new();
    let (n_in, n_out, r, batch) = (
        Dim::named("n_in"),
        Dim::named("n_out"),
        Dim::named("r"),
        Dim::named("batch"),
    );
    let x = b.data("X", &batch, &n_in);
    let y = b.data("Y", &batch, &n_out);
    let w0 = b.data("W0", &n_out, &n_in);
    let a = b.parameter("A", &r, &n_in);
    let bb = b.parameter("B", &n_out, &r);
    let s = b.hyperparameter("s", "s", false);
    let full = w0 + s * bb.matmul(a);
    let z = (x.matmul(w0.t()) + s * x.matmul(a.t()).matmul(bb.t())).named("Z");
    let loss = loss(setup.loss, z, y, full).named("loss");
    b.output("W", full);
    b.set_loss(loss);
    let gradients = gradient(loss, &[a, bb]).unwrap();
    let mut trained = [
        Trained {
            name: "A",
            value: a,
            gradient: gradients[0].named("grad_A"),
        },
        Trained {
            name: "B",
            value: bb,
            gradient: gradients[1].named("grad_B"),
        },
    ];
    if setup.clip_norm {
        clip_by_norm(&b, &mut trained);
    }
    if setup.clip_value {
        for t in &mut trained {
            let limit = b.hyperparameter(&format!("clip_value_{}", t.name), "clip_value", false);
            t.gradient = t.gradient.min(limit).max(-limit);
        }
    }
    for t in trained {
        update(&b, setup, t);
    }
    b.finish().unwrap()
}

fn loss<'g>(kind: Loss, z: Expr<'g>, y: Expr<'g>, full: Expr<'g>) -> Expr<'g> {
    match kind {
        Loss::Mse => (z - y).square().mean(),
        Loss::L1 => (z - y).abs().mean(),
        Loss::Huber => {
            let delta = z.builder().hyperparameter("delta", "delta", false);
            let size = (z - y).abs();
            let half = z.builder().ratio(1, 2);
            size.if_less_equal(delta, half * size.square(), delta * (size - half * delta))
                .sum()
        }
        Loss::CrossEntropy => {
            let shifted = z - z.row_max().detach();
            (shifted.exp().sum_rows().ln() - (shifted * y).sum_rows()).mean()
        }
        Loss::Opaque => full.opaque_loss(),
    }
}

/// `torch.nn.utils.clip_grad_norm_`.
fn clip_by_norm<'g>(b: &'g StepBuilder, trained: &mut [Trained<'g>; 2]) {
    let [a, bb] = trained;
    let total = a.gradient.square().sum() + bb.gradient.square().sum();
    let norm = total.named("clip.total").sqrt().named("clip.norm");
    let limit = b.hyperparameter("max_norm", "max_norm", false);
    let denominator = (norm + b.ratio(1, 1_000_000)).named("clip.denominator");
    let coef = (limit / denominator)
        .named("clip.ratio")
        .min(1)
        .named("clip.coef");
    for t in trained {
        t.gradient = t.gradient * coef;
    }
}

fn update<'g>(b: &'g StepBuilder, setup: Setup, t: Trained<'g>) {
    let own = |base: &str, zero| b.hyperparameter(&format!("{base}_{}", t.name), base, zero);
    let mut g = t.gradient;
    if setup.decay {
        g = g + own("weight_decay", true) * t.value;
    }
    if setup.momentum {
        let buffer = b.zero_state(&format!("momentum_buffer_{}", t.name), &t.value.shape());
        let started = own("momentum", true) * buffer + g;
        g = b.step_number().if_equal(1, g, started);
        b.update(buffer, g);
    }
    let direction = match setup.direction {
        Direction::Gradient => g,
        Direction::Sign => g.sign(),
        Direction::Adam => {
            let (beta1, beta2) = (b.ratio(9, 10), b.ratio(999, 1000));
            let m = b.zero_state(&format!("m_{}", t.name), &t.value.shape());
            let v = b.zero_state(&format!("v_{}", t.name), &t.value.shape());
            let m_next = beta1 * m + (1 - beta1) * g;
            let v_next = beta2 * v + (1 - beta2) * g.square();
            b.update(m, m_next);
            b.update(v, v_next);
            m_next / (v_next.sqrt() + own("eps", true))
        }
    };
    b.update(t.value, t.value - own("lr", false) * direction);
}

/// The node of the constant `value`.
pub fn constant(step: &StepGraph, value: &Ratio) -> crate::graph::NodeId {
    let is = |op: &crate::graph::Op| matches!(op, crate::graph::Op::Constant(q) if q == value);
    step.graph
        .ids()
        .find(|id| is(&step.graph.node(*id).op))
        .unwrap()
}
