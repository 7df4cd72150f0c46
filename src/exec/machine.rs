//! Evaluates a plan in one arithmetic, one step after the other.

use std::sync::Arc;

use nalgebra::DMatrix;

use super::kernels::{Context, View};
use super::plan::{Instruction, Kernel, Move};
use super::slot::{CauseNumber, Causes, Slot};
use super::{ExecError, Options, Plan, Sizes, Values};
use crate::arith::{Arithmetic, OpError, Surd};
use crate::fault::{Fault, planted};
use crate::graph::print::place;
use crate::graph::{Binary, LeafKind, NodeId, Op, StepGraph, Unary};

/// How far the current step has been evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Nothing,
    Forward,
    Everything,
}

/// What may change the value of a node before it is used.
pub type Tamper<'t, E> = dyn FnMut(NodeId, &mut DMatrix<E>) + 't;

/// A step that is being run: the buffers of a [`Plan`] with elements of one arithmetic.
///
/// A step is `forward` (loss and outputs at the current parameters), `complete` (the next
/// parameters and states) and `advance` (the next values become the current ones, all at once).
/// Each does what is still missing before it; none does anything twice. After an error the
/// machine still holds the values before the step.
#[derive(Debug, Clone)]
pub struct Machine<'g, A: Arithmetic> {
    ctx: A,
    plan: Arc<Plan<'g>>,
    slots: Vec<Slot<A::Elem>>,
    causes: Causes,
    /// How many of the causes belong to what is computed once.
    lasting_causes: usize,
    zero: A::Elem,
    scratch: A::Elem,
    /// The step about to be taken; 0 during set-up.
    number: u64,
    stage: Stage,
}

impl<'g, A: Arithmetic> Machine<'g, A> {
    /// Plans `step` and sets it up with `values`.
    ///
    /// # Errors
    /// Those of [`Plan::new`] and [`Machine::with_plan`].
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
    /// Every number is formed exactly and rounded once. Values of leaves that the step does not
    /// have are ignored.
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
        for (id, slot) in &plan.given {
            machine.load(*id, *slot, values)?;
            let entries = machine.slots[*slot].matrix.iter_mut();
            entries.for_each(|entry| adapt(*id, entry));
        }
        machine.execute(&plan.once);
        machine.lasting_causes = machine.causes.count();
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
        let slots = shapes.map(|shape| Slot::filled(*shape, &zero)).collect();
        Self {
            scratch: zero.clone(),
            ctx,
            slots,
            causes: Causes::default(),
            lasting_causes: 0,
            zero,
            number: plan.step().first_step,
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
        let Some((known, slot)) = read else {
            let node = graph.describe(leaf);
            return Err(ExecError::NotRead { node });
        };
        let slot = &mut self.slots[slot];
        if slot.matrix.shape() != value.shape() {
            return Err(ExecError::WrongShape {
                leaf: known.name.clone(),
                shape: graph.node(leaf).shape.clone(),
                expected: slot.matrix.shape(),
                found: value.shape(),
            });
        }
        slot.declare_all_defined();
        slot.matrix.clone_from(value);
        self.stage = Stage::Nothing;
        Ok(())
    }

    /// Computes anew what never changes from step to step, and lets `tamper` change each result
    /// before it is used.
    pub fn settle(&mut self, tamper: &mut Tamper<'_, A::Elem>) {
        let plan = Arc::clone(&self.plan);
        self.causes.forget_after(0);
        self.execute_with(&plan.once, tamper);
        self.lasting_causes = self.causes.count();
        self.stage = Stage::Nothing;
    }

    /// As [`Machine::complete`], where `tamper` may change each result before it is used; without
    /// `next`, as [`Machine::forward`].
    ///
    /// # Errors
    /// As [`Machine::complete`].
    pub(crate) fn complete_with(
        &mut self,
        next: bool,
        tamper: &mut Tamper<'_, A::Elem>,
    ) -> Result<(), ExecError> {
        let plan = Arc::clone(&self.plan);
        let mut seen = Ok(());
        if self.stage < Stage::Forward {
            self.begin()?;
            self.execute_with(&plan.forward, tamper);
            seen = self.refuse_undefined(plan.seen.iter().copied());
            if seen.is_ok() {
                self.stage = Stage::Forward;
            }
        }
        if next && self.stage < Stage::Everything {
            // Even where the run ends here: no node is to read as it was a step ago.
            self.execute_with(&plan.rest, tamper);
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
        self.causes.forget_after(self.lasting_causes);
        if let Some((id, slot)) = self.plan.step_number {
            let off = planted(Fault::StepNumberOff) && self.rounds_in_binary();
            let number = self.ctx.from_integer(self.number - u64::from(off));
            self.slots[slot].matrix[(0, 0)] =
                number.map_err(|source| self.error(id, (0, 0), source))?;
        }
        Ok(())
    }

    /// Takes the step: all next values, computed from the old ones, become current together.
    /// Loss and outputs keep the values from before the step until the next `forward` (one that
    /// is itself a parameter or state shows the new value at once).
    ///
    /// # Errors
    /// Those of [`Machine::complete`]; then nothing has become current.
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
        self.stage = Stage::Nothing;
        Ok(())
    }

    /// Whether this is the run of a binary format, in which some faults are planted.
    fn rounds_in_binary(&self) -> bool {
        use crate::arith::ArithmeticName::{Bf16, F16, F32, F64};
        matches!(self.ctx.name(), F32 | F64 | Bf16 | F16)
    }

    /// The loss as of the last `forward`; zero before the first.
    pub fn loss(&self) -> &A::Elem {
        &self.slots[self.plan.loss].matrix[(0, 0)]
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
        Some(&self.slots[*self.plan.outputs.get(name)?].matrix)
    }

    /// The value of a node, as far as the step has been evaluated; `None` where the plan does
    /// not keep it. An undefined entry reads as zero: see [`Machine::is_defined`].
    pub fn node(&self, id: NodeId) -> Option<&DMatrix<A::Elem>> {
        Some(&self.slots[self.plan.buffers.readable(id)?].matrix)
    }

    /// Whether the entry of a kept node at `row`, `col` (from 0) has a value.
    pub(crate) fn is_defined(&self, id: NodeId, row: usize, col: usize) -> bool {
        self.plan.buffers.readable(id).is_some_and(|slot| {
            let slot = &self.slots[slot];
            let (rows, cols) = slot.matrix.shape();
            row < rows && col < cols && slot.number_at(row, col) == 0
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

    fn load(&mut self, id: NodeId, slot: usize, values: &Values) -> Result<(), ExecError> {
        let graph = &self.plan.step().graph;
        let shape = &graph.node(id).shape;
        let Some(leaf) = graph.leaf_at(id) else {
            return Ok(());
        };
        let missing = || ExecError::MissingValue {
            leaf: leaf.name.clone(),
            shape: shape.clone(),
        };
        let ctx = self.ctx.clone();
        if let LeafKind::Hyperparameter { .. } = leaf.kind {
            let value = values.scalars.get(&leaf.name).ok_or_else(missing)?;
            return self.fill(id, slot, 1, [ctx.from_surd(value)].into_iter());
        }
        let tensor = values.tensors.get(&leaf.name).ok_or_else(missing)?;
        let expected = self.plan.buffers.shapes[slot];
        let found = (tensor.rows(), tensor.cols());
        if found != expected {
            return Err(ExecError::WrongShape {
                leaf: leaf.name.clone(),
                shape: shape.clone(),
                expected,
                found,
            });
        }
        if let Some(radius) = tensor.scaled_radius() {
            let entries = tensor.entries().map(|x| ctx.from_ball(&x, &radius));
            self.fill(id, slot, found.1, entries)
        } else if *tensor.scale() == Surd::from(1) {
            let entries = tensor.values().iter().map(|x| ctx.from_f64(*x));
            self.fill(id, slot, found.1, entries)
        } else {
            let entries = tensor.entries().map(|x| ctx.from_surd(&x));
            self.fill(id, slot, found.1, entries)
        }
    }

    /// Writes a leaf's entries, given row after row.
    fn fill(
        &mut self,
        id: NodeId,
        slot: usize,
        cols: usize,
        entries: impl Iterator<Item = Result<A::Elem, OpError>>,
    ) -> Result<(), ExecError> {
        for (i, entry) in entries.enumerate() {
            let at = (i / cols, i % cols);
            let value = entry.map_err(|source| self.error(id, at, source))?;
            self.slots[slot].matrix[at] = value;
        }
        Ok(())
    }

    fn error(&self, id: NodeId, entry: (usize, usize), source: OpError) -> ExecError {
        let graph = &self.plan.step().graph;
        ExecError::Operation {
            node: place(graph, id),
            step: self.number,
            entry,
            source,
        }
    }

    /// The earliest cause of an undefined entry in `slots`, as an error.
    fn refuse_undefined(&self, slots: impl Iterator<Item = usize>) -> Result<(), ExecError> {
        let earliest: Option<CauseNumber> = slots.filter_map(|s| self.slots[s].earliest()).min();
        let Some(number) = earliest else {
            return Ok(());
        };
        let cause = self.causes.get(number);
        Err(self.error(cause.node, cause.entry, cause.source.clone()))
    }

    fn move_all(&mut self, moves: &[Move]) {
        for Move { from, to } in moves {
            if let Ok([from, to]) = self.slots.get_disjoint_mut([*from, *to]) {
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

    fn execute_with(&mut self, instructions: &[Instruction], tamper: &mut Tamper<'_, A::Elem>) {
        for instruction in instructions {
            self.evaluate(instruction);
            tamper(instruction.node, &mut self.slots[instruction.out].matrix);
        }
    }

    fn evaluate(&mut self, instruction: &Instruction) {
        // An operand never shares its buffer with the result, so the result can be taken out.
        let mut out = std::mem::take(&mut self.slots[instruction.out]);
        let slots = &self.slots;
        let (ctx, number) = (&self.ctx, self.number);
        let mut k = Context {
            ctx,
            node: instruction.node,
            causes: &mut self.causes,
            zero: &self.zero,
            scratch: &mut self.scratch,
        };
        let o = &mut out;
        let shape = o.matrix.shape();
        let view = |x: usize| View::broadcast(&slots[x], shape);
        match instruction.kernel {
            Kernel::Constant => {
                if let Op::Constant(q) = &self.plan.step().graph.node(instruction.node).op {
                    k.scalar(o, ctx.from_ratio(q));
                }
            }
            Kernel::Identity => k.identity(o),
            Kernel::Count(n) => k.scalar(o, ctx.from_integer(n as u64)),
            Kernel::Unary(op, x) => match op {
                Unary::Neg => k.map(o, &view(x), sure(|o, x| ctx.neg(o, x))),
                Unary::Abs => k.map(o, &view(x), |o, x| ctx.abs(o, x)),
                Unary::Sign => k.map(o, &view(x), |o, x| ctx.sign(o, x)),
                Unary::Sqrt => k.map(o, &view(x), |o, x| ctx.sqrt(o, x)),
                Unary::Function(f) => k.map(o, &view(x), |o, x| ctx.function(f, o, x)),
                Unary::Transpose => {
                    k.map(o, &View::transposed(&slots[x]), sure(|o, x| ctx.set(o, x)));
                }
                Unary::Detach | Unary::Broadcast => k.map(o, &view(x), sure(|o, x| ctx.set(o, x))),
                Unary::SumTo => k.sum(o, &slots[x]),
                Unary::RowMax => k.row_max(o, &slots[x]),
                Unary::Inverse => k.inverse(o, &slots[x]),
                Unary::MatrixSqrt => k.matrix_sqrt(o, &slots[x]),
                Unary::Cast(to) => k.map(o, &view(x), |o, x| ctx.cast(o, x, to)),
                // Refused by the plan.
                Unary::OpaqueLoss | Unary::OpaqueGradient => {}
            },
            Kernel::Binary(op, x, y) => {
                let twice = x == y;
                let (vx, x, y) = (view(x), &slots[x], &slots[y]);
                match op {
                    Binary::Mul if twice => k.map(o, &vx, sure(|o, x| ctx.square(o, x))),
                    Binary::Add => k.zip(o, x, y, sure2(|o, x, y| ctx.add(o, x, y))),
                    Binary::Sub => k.zip(o, x, y, sure2(|o, x, y| ctx.sub(o, x, y))),
                    Binary::Mul => k.zip(o, x, y, sure2(|o, x, y| ctx.mul(o, x, y))),
                    Binary::Div => k.zip(o, x, y, |o, x, y| ctx.div(o, x, y)),
                    Binary::Max => k.zip(o, x, y, |o, x, y| ctx.max(o, x, y)),
                    Binary::Min => k.zip(o, x, y, |o, x, y| ctx.min(o, x, y)),
                    Binary::MatMul => k.matmul(o, x, y),
                    Binary::Power => k.map(o, &vx, |o, x| ctx.power(o, x, number)),
                    Binary::Atan2 => k.zip(o, x, y, |o, y, x| ctx.atan2(o, y, x)),
                }
            }
            Kernel::Select {
                comparison,
                lhs,
                rhs,
                then,
                otherwise,
            } => {
                let operands = [lhs, rhs, then, otherwise].map(|x| &slots[x]);
                k.select(o, comparison, operands);
            }
        }
        self.slots[instruction.out] = out;
    }
}

/// An operation that always has an answer, as one that might not.
fn sure<E>(f: impl Fn(&mut E, &E)) -> impl Fn(&mut E, &E) -> Result<(), OpError> {
    move |out, x| {
        f(out, x);
        Ok(())
    }
}

/// The same with two operands.
fn sure2<E>(f: impl Fn(&mut E, &E, &E)) -> impl Fn(&mut E, &E, &E) -> Result<(), OpError> {
    move |out, x, y| {
        f(out, x, y);
        Ok(())
    }
}
