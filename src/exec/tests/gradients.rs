//! The reverse mode against exact difference quotients, without a tolerance.
//!
//! Along a line `θ + h·e` a polynomial loss of degree at most 8 is a polynomial in `h`. The
//! central difference with steps 1, 2, 3, 4 and the weights 4/5, −1/5, 4/105, −1/280 gives the
//! derivative at 0 of every polynomial up to degree 8 exactly, so in rational arithmetic the
//! gradient must equal it.
#![cfg(feature = "mp")]

use super::*;
use crate::arith::{Arithmetic, Rational};

fn loss_at(step: &StepGraph, sizes: &Sizes, values: &Values) -> Ratio {
    let mut machine = Machine::new(Rational, step, sizes, values, &Options::default()).unwrap();
    machine.forward().unwrap();
    Rational.to_ratio(machine.loss()).unwrap()
}

#[test]
fn the_gradient_is_the_exact_derivative() {
    let weights = ["4/5", "-1/5", "4/105", "-1/280"].map(q);
    for loss in [Loss::Mse, Loss::Quartic] {
        let step = lora(loss);
        for (seed, sizes) in [(1, sizes(2, 3, 2, 2)), (2, sizes(3, 1, 2, 1))] {
            let values = problem(&step, &sizes, seed);
            let options = Options {
                outputs: Outputs::All,
                ..Options::default()
            };
            let mut machine = Machine::new(Rational, &step, &sizes, &values, &options).unwrap();
            machine.forward().unwrap();
            for name in ["A", "B"] {
                let gradient = machine.output(&format!("g_{name}")).unwrap();
                let at = &values.tensors[name];
                for i in 0..at.values().len() {
                    let moved = |h: f64| {
                        let mut entries = at.values().to_vec();
                        entries[i] += h;
                        let mut values = values.clone();
                        values
                            .set_tensor(name, Tensor::new(at.rows(), at.cols(), entries).unwrap());
                        loss_at(&step, &sizes, &values)
                    };
                    let mut slope = Ratio::default();
                    for (h, weight) in (1..).zip(&weights) {
                        let h = f64::from(h);
                        slope += weight * (moved(h) - moved(-h));
                    }
                    let entry = &gradient[(i / at.cols(), i % at.cols())];
                    assert_eq!(Rational.to_ratio(entry).unwrap(), slope, "{name} {i}");
                }
            }
        }
    }
}
