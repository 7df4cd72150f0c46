//! Walking along a run.

use std::ops::ControlFlow;

use super::{ExecError, Machine};
use crate::arith::Arithmetic;

impl<A: Arithmetic> Machine<'_, A> {
    /// Takes steps until so many have been taken since the set-up, and evaluates loss and outputs
    /// there. Several runs that are compared step by step go on in turn like this.
    ///
    /// # Errors
    /// Those of [`Machine::advance`] and [`Machine::forward`].
    pub fn run_to(&mut self, steps: usize) -> Result<(), ExecError> {
        while self.taken < steps {
            self.advance()?;
        }
        self.forward()
    }

    /// Shows the machine to `observe` before the first of `steps` steps and after each, with loss
    /// and outputs evaluated and the number of steps taken, until it breaks off: the value with
    /// which it does.
    ///
    /// # Errors
    /// Those of [`Machine::run_to`]. After the last step that was observed, the run either cannot
    /// take the next one or has no value there.
    pub fn walk<B>(
        &mut self,
        steps: usize,
        mut observe: impl FnMut(usize, &mut Self) -> ControlFlow<B>,
    ) -> Result<Option<B>, ExecError> {
        for taken in 0..=steps {
            self.run_to(taken)?;
            if let ControlFlow::Break(value) = observe(taken, self) {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// As [`Machine::walk`], to the end.
    ///
    /// # Errors
    /// Those of [`Machine::run_to`].
    pub fn watch(
        &mut self,
        steps: usize,
        mut observe: impl FnMut(usize, &Self),
    ) -> Result<(), ExecError> {
        let walked = self.walk::<()>(steps, |taken, machine| {
            observe(taken, machine);
            ControlFlow::Continue(())
        });
        walked.map(|_| ())
    }
}
