//! `mp:53` is `f64` with another exponent range: bit for bit, entry by entry, in random graphs.
#![cfg(feature = "mp")]

use proptest::prelude::*;

use super::*;
use crate::arith::{Arithmetic, F32, F64, Mp};

/// A random graph over + − · / √, matrix products, sums and selections: each triple adds one
/// node on two earlier ones. All nodes are outputs.
fn random_step(recipe: &[(u8, u8, u8)]) -> StepGraph {
    let step = StepBuilder::new();
    let n = Dim::named("n");
    let p = step.parameter("P", &n, &n);
    let d = step.data("D", &n, &n);
    let mut pool = vec![p, d];
    for (i, (op, x, y)) in recipe.iter().enumerate() {
        let pick = |k: &u8| pool[usize::from(*k) % pool.len()];
        let (x, y) = (pick(x), pick(y));
        let next = match op % 10 {
            0 => x + y,
            1 => x - y,
            2 => x * y,
            3 => x / y,
            4 => x.sqrt(),
            5 => x.abs().sqrt(),
            6 => x.matmul(y),
            7 => x + y.sum_rows(),
            8 => x.if_less(y, x.sum(), y.t()).broadcast_to(&p.shape()),
            _ => x.max(y) * x.sign() - x.row_max(),
        };
        step.output(&format!("o{i}"), next);
        pool.push(next);
    }
    step.set_loss(p.sum());
    step.update(p, p);
    step.finish().unwrap()
}

fn agree<A: Arithmetic, B: Arithmetic>(
    a: A,
    b: B,
    recipe: &[(u8, u8, u8)],
    n: usize,
    seed: u64,
    range: f64,
) -> Result<(), TestCaseError> {
    let step = random_step(recipe);
    let sizes = Sizes::from([("n", n)]);
    let values = random::values(&step, &sizes, seed, |_| random::Draw::default()).unwrap();
    let kept = Options {
        keep: Keep::Everything,
        outputs: Outputs::All,
    };
    let mut x = Machine::new(a, &step, &sizes, &values, &kept).unwrap();
    let mut y = Machine::new(b, &step, &sizes, &values, &kept).unwrap();
    let (outcome, other) = (x.complete(), y.complete());
    // Outside this range a product might leave the exponents of the machine format.
    let in_range = |m: &Machine<'_, B>| {
        step.graph.ids().filter_map(|id| m.node(id)).all(|node| {
            node.iter().all(|e| {
                let size = m.arithmetic().approx(e).abs();
                size == 0.0 || (size < range && size > range.recip())
            })
        })
    };
    prop_assume!(in_range(&y));
    prop_assert_eq!(outcome, other);
    for id in step.graph.ids() {
        let (Some(left), Some(right)) = (x.node(id), y.node(id)) else {
            continue;
        };
        for row in 0..left.nrows() {
            for col in 0..left.ncols() {
                let at = (row, col);
                prop_assert_eq!(x.is_defined(id, row, col), y.is_defined(id, row, col));
                let (a, b) = (x.arithmetic(), y.arithmetic());
                let (left, right) = (&left[at], &right[at]);
                prop_assert_eq!(a.to_ratio(left), b.to_ratio(right));
                // The sign of zero as well.
                let minus = |shown: String| shown.starts_with('-');
                prop_assert_eq!(minus(a.show(left)), minus(b.show(right)));
            }
        }
    }
    Ok(())
}

proptest! {
    // Failures are shown, not written into files of the repository.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mp_53_is_f64(
        recipe in prop::collection::vec(any::<(u8, u8, u8)>(), 1..12),
        n in 1usize..4,
        seed in any::<u64>(),
    ) {
        agree(F64, Mp::new(53), &recipe, n, seed, libm::exp2(400.0))?;
    }

    #[test]
    fn mp_24_is_f32(
        recipe in prop::collection::vec(any::<(u8, u8, u8)>(), 1..12),
        n in 1usize..4,
        seed in any::<u64>(),
    ) {
        agree(F32, Mp::new(24), &recipe, n, seed, libm::exp2(50.0))?;
    }
}
