//! `torch.optim.LBFGS` with a fixed step: Liu and Nocedal 1989, as minFunc has it.
//!
//! All tensors are one vector w; Σ runs over all its entries.
//!
//! ```text
//! nothing happens while max |∇| ≤ tolerance_grad; else
//! g ← ±∇
//! first step: d ← −g,  τ ← min(1, 1 / Σ|g|) · lr
//! later:      y ← g − g_prev,  s ← τ · d
//!             where Σys > 10⁻¹⁰: (y, s) is the newest of history_size pairs,
//!                                H ← Σys / Σyy, from 1
//!             d ← −(the two-loop recursion on g over the pairs, from H · I)
//!             τ ← lr
//! w ← w + τ · d, unless Σgd > −tolerance_change
//! ```
//!
//! Source: the documentation of `torch.optim.LBFGS`; Mathematical Programming 45, 503–528; the
//! recursion is that of Nocedal 1980. The pairs are unrolled in the graph: 10 of them by default,
//! where PyTorch keeps 100. Each step takes one iteration (`max_iter` = 1). Not here: more
//! iterations, and `line_search_fn = "strong_wolfe"`. These are loops whose length depends on the
//! data, and they need the gradient at several places in one step.

use super::vector::Vector;
use super::{Hyperparameter, Optimizer, PLAIN, Regime};
use crate::graph::Expr;
use crate::zoo::{Factor, Trainer};

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "lbfgs",
    title: "L-BFGS with a fixed step",
    source: "torch.optim.LBFGS; Liu and Nocedal 1989",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1"),
        Hyperparameter::optional("tolerance_grad", "1e-7"),
        Hyperparameter::optional("tolerance_change", "1e-9"),
    ],
    flags: &["maximize"],
    counts: &[("history_size", 10)],
    fixed: &[
        ("max_iter", "1"),
        ("max_eval", "1"),
        ("line_search_fn", "null"),
    ],
    regimes: &[
        Regime {
            name: "first",
            when: "in the first step",
            otherwise: "in every later step",
        },
        Regime {
            name: "curvature",
            when: "the newest pair is taken up, its curvature being above 1e-10",
            otherwise: "the newest pair is not taken up",
        },
    ],
    build,
    ..PLAIN
};

fn build<'g>(trainer: &Trainer<'g>) {
    let memory = |name| Vector::memory(trainer, name);
    let number = |name| trainer.state(name, trainer.ratio(0, 1));
    let w = Vector::of(trainer, Factor::weight);
    let g = Vector::of(trainer, Factor::signed_gradient);
    let (d_old, g_old) = (memory("d"), memory("prev_flat_grad"));
    let (tau_old, taken) = (number("t"), number("n_iter"));
    let first = |then: Expr<'g>, otherwise: Expr<'g>| {
        let decide = |then, otherwise| taken.if_equal(0, then, otherwise);
        trainer.regime("first", then, otherwise, decide)
    };
    let largest = g.each(|g| g.abs().row_max().t().row_max());
    let unless_flat = |old: Expr<'g>, new: Expr<'g>| {
        largest.parts().fold(old, |next, largest| {
            largest.if_less_equal(trainer.hyper("tolerance_grad"), next, new)
        })
    };
    let set = |old: Expr<'g>, new: Expr<'g>| trainer.update_state(old, unless_flat(old, new));

    let old = Memory::of(trainer);
    let new = old.next(g.zip(&g_old, |g, old| g - old), d_old.times(tau_old));
    let d = g.zip(&new.direction(&g), |g, later| first(-g, later));
    let lr = trainer.lr();
    let tau = first((1 / g.each(Expr::abs).sum()).min(1) * lr, lr);
    let slope = g.dot(&d);
    for (f, moved) in trainer.factors().zip(w.plus(tau, &d).parts()) {
        let descends = -trainer.hyper("tolerance_change");
        f.update(unless_flat(
            f.weight(),
            descends.if_less(slope, f.weight(), moved),
        ));
    }

    for (old, new) in old.parts().zip(new.parts()) {
        set(old, first(old, new));
    }
    for (old, new) in [(&d_old, &d), (&g_old, &g)] {
        old.parts()
            .zip(new.parts())
            .for_each(|(old, new)| set(old, new));
    }
    set(tau_old, tau);
    set(taken, taken + 1);
}

/// A pair (y, s) with ρ = 1 / Σys; all zero while there is none, which leaves a recursion alone.
struct Pair<'t, 'g> {
    y: Vector<'t, 'g>,
    s: Vector<'t, 'g>,
    rho: Expr<'g>,
}

impl<'g> Pair<'_, 'g> {
    fn parts(&self) -> impl Iterator<Item = Expr<'g>> {
        self.y.parts().chain(self.s.parts()).chain([self.rho])
    }
}

/// The pairs, newest first, and H; 0 stands for an H that was not set yet and is 1.
struct Memory<'t, 'g> {
    trainer: &'t Trainer<'g>,
    pairs: Vec<Pair<'t, 'g>>,
    h: Expr<'g>,
}

impl<'t, 'g> Memory<'t, 'g> {
    fn of(trainer: &'t Trainer<'g>) -> Self {
        let number = |name: &str| trainer.state(name, trainer.ratio(0, 1));
        let pair = |i| Pair {
            y: Vector::memory(trainer, &format!("old_dirs_{i}")),
            s: Vector::memory(trainer, &format!("old_stps_{i}")),
            rho: number(&format!("ro_{i}")),
        };
        Self {
            trainer,
            pairs: trainer.turns("history_size").map(pair).collect(),
            h: number("H_diag"),
        }
    }

    fn parts(&self) -> impl Iterator<Item = Expr<'g>> {
        self.pairs.iter().flat_map(Pair::parts).chain([self.h])
    }

    /// The memory with the pair (y, s), where its curvature is large enough.
    fn next(&self, y: Vector<'t, 'g>, s: Vector<'t, 'g>) -> Self {
        let curvature = y.dot(&s);
        let threshold = self.trainer.ratio(1, 10_000_000_000);
        let curved = |then: Expr<'g>, otherwise: Expr<'g>| {
            let decide = |then, otherwise| threshold.if_less(curvature, then, otherwise);
            self.trainer.regime("curvature", then, otherwise, decide)
        };
        let h = curved(curvature / y.dot(&y), self.h.if_equal(0, 1, self.h));
        let rho = 1 / curvature;
        let newest = Pair { y, s, rho };
        let shifted = std::iter::once(&newest).chain(&self.pairs);
        let pairs = shifted.zip(&self.pairs).map(|(new, old)| Pair {
            y: new.y.zip(&old.y, curved),
            s: new.s.zip(&old.s, curved),
            rho: curved(new.rho, old.rho),
        });
        Self {
            pairs: pairs.collect(),
            h,
            ..*self
        }
    }

    /// Minus the approximate inverse Hessian times g, by the two-loop recursion.
    fn direction(&self, g: &Vector<'t, 'g>) -> Vector<'t, 'g> {
        let mut q = g.each(|g| -g);
        let mut alphas = Vec::new();
        for pair in &self.pairs {
            let alpha = pair.s.dot(&q) * pair.rho;
            q = q.plus(-alpha, &pair.y);
            alphas.push(alpha);
        }
        let mut r = q.times(self.h);
        for (pair, alpha) in self.pairs.iter().zip(alphas).rev() {
            let beta = pair.y.dot(&r) * pair.rho;
            r = r.plus(alpha - beta, &pair.s);
        }
        r
    }
}
