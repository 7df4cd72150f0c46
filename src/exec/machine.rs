//! Evaluates a plan in one arithmetic, one step after the other.

use std::sync::Arc;

use nalgebra::DMatrix;

use super::buffer::{Buffer, CauseNumber, Causes};
use super::plan::{Instruction, Move};
use super::{ExecError, Options, Plan, Sizes, Values};
use crate::arith::{Arithmetic, OpError};
use crate::fault::{Fault, planted};
use crate::graph::print::place;
use crate::graph::{NodeId, StepGraph};

/// The part of the current step that has been evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Nothing,
    Forward,
    Everything,
}

/// A change to the value of a node before it is used.
pub type Perturb<'t, E> = dyn FnMut(NodeId, &mut DMatrix<E>) + 't;

/// A step that is being run: the buffers of a plan with elements of one arithmetic.
///
/// A step is `forward` (loss and outputs at the current parameters), `complete` (the next
/// parameters and states) and `advance` (the next values become the current ones, all at once).
/// Each does what is still missing before it; none does anything twice. After an error the
/// machine still holds the values before the step.
#[derive(Debug, Clone)]
pub struct Machine<'g, A: Arithmetic> {
    pub(super) ctx: A,
    pub(super) plan: Arc<Plan<'g>>,
    pub(super) buffers: Vec<Buffer<A::Elem>>,
    pub(super) causes: Causes,
    /// The number of causes that belong to hoisted nodes.
    hoisted_causes: usize,
    pub(super) zero: A::Elem,
    pub(super) scratch: A::Elem,
    /// The step about to be taken; 0 during set-up.
    pub(super) number: u64,
    /// The steps taken since the set-up.
    pub(super) taken: usize,
    stage: Stage,
}

impl<'g, A: Arithmetic> Machine<'g, A> {
    /// Plans `step` and sets it up with `values`.
    ///
    /// # Errors
    /// [`ExecError`] where a size or value is missing or does not fit, and where the first values have none.
    pub fn new(
        ctx: A,
        step: &'g StepGraph,
        sizes: &Sizes,
        values: &Values,
        options: &Options,
    ) -> Result<Self, ExecError> {
        let plan = Arc::new(Plan::new(step, sizes, options)?);
        Self::with_plan(ctx, plan, values)
    }

    /// Loads the leaves and computes the first states and everything that never changes.
    ///
    /// Values of leaves that the step does not have are ignored.
    ///
    /// # Errors
    /// [`ExecError::MissingValue`] and [`ExecError::WrongShape`] for a leaf that is read;
    /// [`ExecError::Operation`] with step 0 for an entry of a leaf that the arithmetic cannot
    /// hold, or for an undefined first state.
    pub(crate) fn with_plan(
        ctx: A,
        plan: Arc<Plan<'g>>,
        values: &Values,
    ) -> Result<Self, ExecError> {
        Self::with_leaves(ctx, plan, values, |_, _| {})
    }

    /// As [`Machine::with_plan`], for an arithmetic whose elements carry more than a number:
    /// `adapt` adds to every entry of a loaded leaf what only the leaf says.
    ///
    /// # Errors
    /// Those of [`Machine::with_plan`].
    pub(crate) fn with_leaves(
        ctx: A,
        plan: Arc<Plan<'g>>,
        values: &Values,
        adapt: impl Fn(NodeId, &mut A::Elem),
    ) -> Result<Self, ExecError> {
        let mut machine = Self::idle(ctx, Arc::clone(&plan));
        machine.number = 0;
        for (id, buffer) in &plan.given {
            machine.load(*id, *buffer, values)?;
            let entries = machine.buffers[*buffer].matrix.iter_mut();
            entries.for_each(|entry| adapt(*id, entry));
        }
        machine.execute(&plan.hoisted);
        machine.hoisted_causes = machine.causes.count();
        machine.execute(&plan.initial);
        machine.refuse_undefined(plan.first_states.iter().map(|m| m.from))?;
        machine.move_all(&plan.first_states);
        machine.number = machine.plan.step().first_step;
        Ok(machine)
    }

    /// A machine without values: every entry is zero until [`Machine::set`] gives it one. What
    /// depends on leaves that never change is brought up to date by [`Machine::settle`].
    pub(crate) fn idle(ctx: A, plan: Arc<Plan<'g>>) -> Self {
        let zero = ctx.zero();
        let shapes = plan.buffers.shapes.iter();
        let buffers = shapes.map(|shape| Buffer::filled(*shape, &zero)).collect();
        Self {
            scratch: zero.clone(),
            ctx,
            buffers,
            causes: Causes::default(),
            hoisted_causes: 0,
            zero,
            number: plan.step().first_step,
            taken: 0,
            stage: Stage::Nothing,
            plan,
        }
    }

    /// Replaces the value of a leaf that the plan reads.
    ///
    /// # Errors
    /// [`ExecError::NotRead`] for any other node, [`ExecError::WrongShape`] for a value with other
    /// numbers of rows and columns; nothing has changed then.
    #[cfg(feature = "mp")]
    pub(crate) fn set(&mut self, leaf: NodeId, value: &DMatrix<A::Elem>) -> Result<(), ExecError> {
        let graph = &self.plan.step().graph;
        let read = graph.leaf_at(leaf).zip(self.plan.buffers.readable(leaf));
        let Some((known, buffer)) = read else {
            let node = graph.describe(leaf);
            return Err(ExecError::NotRead { node });
        };
        let buffer = &mut self.buffers[buffer];
        if buffer.matrix.shape() != value.shape() {
            return Err(ExecError::WrongShape {
                leaf: known.name.clone(),
                shape: graph.node(leaf).shape.clone(),
                expected: buffer.matrix.shape(),
                found: value.shape(),
            });
        }
        buffer.declare_all_defined();
        buffer.matrix.clone_from(value);
        self.stage = Stage::Nothing;
        Ok(())
    }

    /// Computes anew what never changes from step to step, and lets `perturb` change each result
    /// before it is used.
    pub fn settle(&mut self, perturb: &mut Perturb<'_, A::Elem>) {
        let plan = Arc::clone(&self.plan);
        self.causes.forget_after(0);
        self.execute_with(&plan.hoisted, perturb);
        self.hoisted_causes = self.causes.count();
        self.stage = Stage::Nothing;
    }

    /// As [`Machine::complete`], where `perturb` may change each result before it is used; without
    /// `next`, as [`Machine::forward`].
    ///
    /// # Errors
    /// As [`Machine::complete`].
    pub(crate) fn complete_with(
        &mut self,
        next: bool,
        perturb: &mut Perturb<'_, A::Elem>,
    ) -> Result<(), ExecError> {
        let plan = Arc::clone(&self.plan);
        let mut seen = Ok(());
        if self.stage < Stage::Forward {
            self.begin()?;
            self.execute_with(&plan.forward, perturb);
            seen = self.refuse_undefined(plan.seen.iter().copied());
            if seen.is_ok() {
                self.stage = Stage::Forward;
            }
        }
        if next && self.stage < Stage::Everything {
            // Even where the run ends here: no node is to read as it was a step ago.
            self.execute_with(&plan.rest, perturb);
            seen?;
            self.refuse_undefined(plan.next.iter().copied())?;
            self.stage = Stage::Everything;
            return Ok(());
        }
        seen
    }

    /// Evaluates the loss and the outputs at the current parameters.
    ///
    /// # Errors
    /// [`ExecError::Operation`] when one of their entries is undefined.
    pub fn forward(&mut self) -> Result<(), ExecError> {
        self.complete_with(false, &mut |_, _| {})
    }

    /// Evaluates the next parameters and states without making them current, so that all values
    /// of one step can be read together.
    ///
    /// # Errors
    /// [`ExecError::Operation`] when an entry of loss, outputs or next values is undefined.
    pub(crate) fn complete(&mut self) -> Result<(), ExecError> {
        self.complete_with(true, &mut |_, _| {})
    }

    /// Brings the number of the step up to date.
    fn begin(&mut self) -> Result<(), ExecError> {
        self.causes.forget_after(self.hoisted_causes);
        if let Some((id, buffer)) = self.plan.step_number {
            let off = planted(Fault::StepNumberOff) && self.rounds_in_binary();
            let number = self.ctx.from_integer(self.number - u64::from(off));
            self.buffers[buffer].matrix[(0, 0)] =
                number.map_err(|source| self.error(id, (0, 0), source))?;
        }
        Ok(())
    }

    /// Takes the step: all next values, computed from the old ones, become current together.
    /// Loss and outputs keep the values from before the step until the next `forward` (one that
    /// is itself a parameter or state shows the new value at once).
    ///
    /// # Errors
    /// Those of `complete`; then nothing has become current.
    pub fn advance(&mut self) -> Result<(), ExecError> {
        self.complete()?;
        let plan = Arc::clone(&self.plan);
        if planted(Fault::ReadAfterWrite) && self.rounds_in_binary() {
            self.move_all(&plan.aside);
            self.move_all(&plan.commit);
            self.execute_with(&plan.rest, &mut |_, _| {});
        }
        self.move_all(&plan.aside);
        let stale = planted(Fault::StaleState) && self.rounds_in_binary();
        let kept = plan.commit.len() - usize::from(stale && plan.step().states.len() > 1);
        self.move_all(&plan.commit[..kept]);
        self.number += 1;
        self.taken += 1;
        self.stage = Stage::Nothing;
        Ok(())
    }

    /// `true` if this is the run of a binary format, in which some faults are planted.
    fn rounds_in_binary(&self) -> bool {
        use crate::arith::ArithmeticName::{Bf16, F16, F32, F64};
        matches!(self.ctx.name(), F32 | F64 | Bf16 | F16)
    }

    /// The loss as of the last `forward`; zero before the first.
    pub fn loss(&self) -> &A::Elem {
        &self.buffers[self.plan.loss].matrix[(0, 0)]
    }

    /// The current value of a parameter; `None` for an unknown name.
    pub fn parameter(&self, name: &str) -> Option<&DMatrix<A::Elem>> {
        self.node(self.plan.step().parameter(name)?.leaf)
    }

    /// The current value of a state (`momentum_buffer_A`, without `state.`); `None` for an
    /// unknown name.
    pub fn state(&self, name: &str) -> Option<&DMatrix<A::Elem>> {
        let states = &self.plan.step().states;
        self.node(states.iter().find(|s| s.name == name)?.leaf)
    }

    /// An output as of the last `forward`; `None` when it is unknown or was not asked for.
    pub fn output(&self, name: &str) -> Option<&DMatrix<A::Elem>> {
        Some(&self.buffers[*self.plan.outputs.get(name)?].matrix)
    }

    /// The value of a node, as far as the step has been evaluated; `None` where the plan does
    /// not keep it. An undefined entry reads as zero: `is_defined` tells.
    pub fn node(&self, id: NodeId) -> Option<&DMatrix<A::Elem>> {
        Some(&self.buffers[self.plan.buffers.readable(id)?].matrix)
    }

    /// `true` if the entry of a kept node at `row`, `col` (from 0) has a value.
    pub(crate) fn is_defined(&self, id: NodeId, row: usize, col: usize) -> bool {
        self.plan.buffers.readable(id).is_some_and(|buffer| {
            let buffer = &self.buffers[buffer];
            let (rows, cols) = buffer.matrix.shape();
            row < rows && col < cols && buffer.number_at(row, col) == 0
        })
    }

    /// The number of the step about to be taken, from 1.
    pub fn step_number(&self) -> u64 {
        self.number
    }

    /// Makes the step about to be taken the one with this number.
    #[cfg(feature = "mp")]
    pub(crate) fn set_step_number(&mut self, number: u64) {
        self.number = number;
        self.stage = Stage::Nothing;
    }

    /// The arithmetic.
    pub fn arithmetic(&self) -> &A {
        &self.ctx
    }

    /// The plan.
    pub(crate) fn plan(&self) -> &Plan<'g> {
        &self.plan
    }

    pub(super) fn error(&self, id: NodeId, entry: (usize, usize), source: OpError) -> ExecError {
        let graph = &self.plan.step().graph;
        ExecError::Operation {
            node: place(graph, id),
            step: self.number,
            entry,
            source,
        }
    }

    /// The earliest cause of an undefined entry in `buffers`, as an error.
    fn refuse_undefined(&self, buffers: impl Iterator<Item = usize>) -> Result<(), ExecError> {
        let earliest: Option<CauseNumber> =
            buffers.filter_map(|s| self.buffers[s].earliest()).min();
        let Some(number) = earliest else {
            return Ok(());
        };
        let cause = self.causes.get(number);
        Err(self.error(cause.node, cause.entry, cause.source.clone()))
    }

    fn move_all(&mut self, moves: &[Move]) {
        for Move { from, to } in moves {
            if let Ok([from, to]) = self.buffers.get_disjoint_mut([*from, *to]) {
                let entries = to.matrix.as_mut_slice().iter_mut();
                for (to, from) in entries.zip(from.matrix.as_slice()) {
                    self.ctx.set(to, from);
                }
            }
        }
    }

    fn execute(&mut self, instructions: &[Instruction]) {
        self.execute_with(instructions, &mut |_, _| {});
    }

    fn execute_with(&mut self, instructions: &[Instruction], perturb: &mut Perturb<'_, A::Elem>) {
        for instruction in instructions {
            self.evaluate(instruction);
            perturb(instruction.node, &mut self.buffers[instruction.out].matrix);
        }
    }
}
