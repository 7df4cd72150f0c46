//! All trained tensors as one vector, for optimizers that do not keep them apart.

use crate::graph::Expr;
use crate::zoo::{Factor, Trainer};

/// One part for each trained tensor.
pub(super) struct Vector<'t, 'g> {
    trainer: &'t Trainer<'g>,
    parts: Vec<Expr<'g>>,
}

impl<'t, 'g> Vector<'t, 'g> {
    /// A quantity of every tensor.
    pub fn of(trainer: &'t Trainer<'g>, part: impl Fn(&Factor<'t, 'g>) -> Expr<'g>) -> Self {
        let parts = trainer.factors().map(|f| part(&f)).collect();
        Self { trainer, parts }
    }

    /// Memory of every tensor's shape that starts at zero.
    pub fn memory(trainer: &'t Trainer<'g>, name: &str) -> Self {
        Self::of(trainer, |f| f.zero_state(name))
    }

    /// The parts, in the order of the tensors.
    pub fn parts(&self) -> impl Iterator<Item = Expr<'g>> {
        self.parts.iter().copied()
    }

    /// `f(x)` part by part.
    pub fn each(&self, f: impl Fn(Expr<'g>) -> Expr<'g>) -> Self {
        let parts = self.parts().map(f).collect();
        Self { parts, ..*self }
    }

    /// `f(x, y)` part by part.
    pub fn zip(&self, y: &Self, f: impl Fn(Expr<'g>, Expr<'g>) -> Expr<'g>) -> Self {
        let parts = self.parts().zip(y.parts()).map(|(x, y)| f(x, y)).collect();
        Self { parts, ..*self }
    }

    /// c · x
    pub fn times(&self, c: Expr<'g>) -> Self {
        self.each(|x| c * x)
    }

    /// x + c · y
    pub fn plus(&self, c: Expr<'g>, y: &Self) -> Self {
        self.zip(y, |x, y| x + c * y)
    }

    /// The sum of all entries.
    pub fn sum(&self) -> Expr<'g> {
        let sums = self.parts().map(Expr::sum).reduce(|x, y| x + y);
        sums.unwrap_or_else(|| self.trainer.ratio(0, 1))
    }

    /// The scalar product.
    pub fn dot(&self, y: &Self) -> Expr<'g> {
        self.zip(y, |x, y| x * y).sum()
    }
}
