//! A step in `f32` or `f64` takes nothing from the heap.
//!
//! The only unsafe code of the crate: an allocator that counts and hands on to the system's.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use lora_gauge::arith::{Arithmetic, F32, F64, Surd};
use lora_gauge::exec::{Keep, Machine, Options, Outputs, Sizes, random};
use lora_gauge::graph::{Dim, StepBuilder, StepGraph, gradient};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

fn count() -> usize {
    COUNT.with(Cell::get)
}

// SAFETY: every request is handed on to the system's allocator unchanged; the counter is a
// thread-local number without a destructor and allocates nothing itself.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|c| c.set(c.get() + 1));
        // SAFETY: the caller's promise about `layout` is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: `memory` came from `alloc` above, so from the system, with this layout.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A step that uses every operation there is: LoRA, softmax, momentum with bias correction,
/// clipping.
fn busy_step() -> StepGraph {
    let step = StepBuilder::new();
    let [batch, n_in, n_out, r] = ["batch", "n_in", "n_out", "r"].map(Dim::named);
    let x = step.data("X", &batch, &n_in);
    let y = step.data("Y", &batch, &n_out);
    let w0 = step.data("W0", &n_out, &n_in);
    let a = step.parameter("A", &r, &n_in);
    let b = step.parameter("B", &n_out, &r);
    let s = step.hyperparameter("s", "s", false);
    let w = w0 + s * b.matmul(a);
    step.output("W", w);
    let z = x.matmul(w.t());
    let shifted = z - z.row_max().detach();
    let cross_entropy = (y * (shifted.exp().sum_rows().ln() - shifted)).sum();
    let error = (z - y).abs();
    let huber = error.if_less(1, error.square() / 2, error - step.ratio(1, 2));
    let loss = cross_entropy / step.count(&batch) + huber.mean();
    step.set_loss(loss);
    let t = step.step_number();
    let schedule = (t / 100).cos_pi();
    for (p, g) in [a, b].into_iter().zip(gradient(loss, &[a, b]).unwrap()) {
        let norm = g.square().sum().sqrt();
        let g = g * (1 / norm.max(1)).min(1);
        let name = if p.id() == a.id() { "m_A" } else { "m_B" };
        let m = step.zero_state(name, &p.shape());
        let next = (9 * m + g) / 10;
        step.update(m, next);
        let direction = next / (next.square().sqrt() + step.ratio(1, 1000)) + g.sign();
        let decay = step.ratio(1, 1000).broadcast_to(&p.shape());
        step.update(p, p + schedule * (-direction) / 100 - decay * p);
    }
    step.finish().unwrap()
}

fn steps_without_allocation<A: Arithmetic>(ctx: A, keep: Keep) {
    let step = busy_step();
    let sizes = Sizes::from([("batch", 7), ("n_in", 5), ("n_out", 6), ("r", 3)]);
    let mut values = random::values(&step, &sizes, 11, |name| match name {
        "Y" => random::Draw::OneHot,
        _ => random::Draw::default(),
    })
    .unwrap();
    values.set_scalar("s", Surd::from(2));
    let options = Options {
        keep,
        outputs: Outputs::All,
    };
    let mut machine = Machine::new(ctx, &step, &sizes, &values, &options).unwrap();
    let before = count();
    for _ in 0..100 {
        machine.forward().unwrap();
        machine.advance().unwrap();
    }
    assert_eq!(count() - before, 0);
    assert_eq!(machine.step_number(), 101);
}

#[test]
fn machine_floats_step_without_the_heap() {
    let before = count();
    drop(std::hint::black_box(vec![1u8]));
    assert_eq!(count() - before, 1, "the allocator counts");
    for keep in [Keep::Results, Keep::Everything] {
        steps_without_allocation(F32, keep);
        steps_without_allocation(F64, keep);
    }
}
