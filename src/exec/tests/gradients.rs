//! The reverse mode against exact difference quotients, without a tolerance.
//!
//! Along a line `θ + h·e` a polynomial loss of degree at most 8 is a polynomial in `h`. The
//! central difference with steps 1, 2, 3, 4 and the weights 4/5, −1/5, 4/105, −1/280 gives the
//! derivative at 0 of every polynomial up to degree 8 exactly, so in rational arithmetic the
//! gradient must equal it; and so in the prime field, where those weights exist as well.

use super::*;
use crate::arith::{Arithmetic, Prime};

fn slopes_are_gradients<A: Arithmetic>(ctx: &A) {
    let options = Options {
        outputs: Outputs::All,
        ..Options::default()
    };
    let weights = ["4/5", "-1/5", "4/105", "-1/280"].map(|w| ctx.from_ratio(&q(w)).unwrap());
    for (loss, seed, sizes) in [
        (Loss::Mse, 1, sizes(2, 3, 2, 2)),
        (Loss::Quartic, 2, sizes(2, 3, 2, 2)),
        (Loss::Quartic, 3, sizes(3, 1, 2, 1)),
    ] {
        let step = lora(loss);
        let values = problem(&step, &sizes, seed);
        let at = |values: &Values| {
            let mut machine = Machine::new(ctx.clone(), &step, &sizes, values, &options).unwrap();
            machine.forward().unwrap();
            machine
        };
        let machine = at(&values);
        for name in ["A", "B"] {
            let gradient = machine.output(&format!("g_{name}")).unwrap();
            let tensor = &values.tensors[name];
            let (rows, cols) = (tensor.rows(), tensor.cols());
            for i in 0..rows * cols {
                let moved = |h: f64| {
                    let mut entries = tensor.values().to_vec();
                    entries[i] += h;
                    let mut values = values.clone();
                    values.set_tensor(name, Tensor::new(rows, cols, entries).unwrap());
                    at(&values).loss().clone()
                };
                let (mut slope, mut difference, mut scratch) = (ctx.zero(), ctx.zero(), ctx.zero());
                for (h, weight) in (1..).zip(&weights) {
                    let h = f64::from(h);
                    ctx.sub(&mut difference, &moved(h), &moved(-h));
                    ctx.mul_add(&mut slope, weight, &difference, &mut scratch);
                }
                let entry = &gradient[(i / cols, i % cols)];
                assert_eq!(ctx.same(entry, &slope), Ok(true), "{name} {i}");
            }
        }
    }
}

#[test]
fn the_gradient_is_the_exact_derivative() {
    slopes_are_gradients(&Prime);
    #[cfg(feature = "mp")]
    slopes_are_gradients(&crate::arith::Rational);
}
