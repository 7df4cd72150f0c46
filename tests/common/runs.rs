//! Scenarios, their runs and the distance of two runs.

use lora_gauge::arith::{Arithmetic, Ratio, parse_ratio};
use lora_gauge::exec::{self, ExecError, Options, Outputs, Trajectory};
use lora_gauge::graph::StepGraph;
use lora_gauge::scenario::{Scenario, ScenarioFile};

pub fn ratio(text: &str) -> Ratio {
    parse_ratio(text).expect("a rational number")
}

/// The scenario that a TOML text describes.
pub fn scenario(text: &str) -> Scenario {
    let file = ScenarioFile::from_toml(text).expect("a scenario file");
    file.scenario().expect("a complete scenario")
}

/// The run of a scenario, without the outputs of its step.
pub fn run<A: Arithmetic>(ctx: A, scenario: &Scenario) -> Result<Trajectory<A::Elem>, ExecError> {
    let step = scenario.recipe.build().expect("a recipe that can be built");
    run_of(ctx, scenario, &step, Outputs::None)
}

/// The run of a scenario along `step`, which observes more than the recipe's own may.
pub fn run_of<A: Arithmetic>(
    ctx: A,
    scenario: &Scenario,
    step: &StepGraph,
    outputs: Outputs,
) -> Result<Trajectory<A::Elem>, ExecError> {
    let options = Options {
        outputs,
        ..Options::default()
    };
    let (sizes, values) = (&scenario.sizes, &scenario.values);
    exec::run(ctx, step, sizes, values, scenario.steps, &options)
}

#[cfg(feature = "mp")]
pub use distance::drift;

#[cfg(feature = "mp")]
mod distance {
    use lora_gauge::arith::{Arithmetic, Interval, MpIntervals, Ratio, Surd};
    use nalgebra::DMatrix;
    use rug::Float;
    use rug::float::Round;

    /// The least absolute value in an interval, rounded down.
    fn least(x: &Interval<Float>) -> Float {
        match (*x.inf() > 0, *x.sup() < 0) {
            (true, _) => Float::with_val_round(64, x.inf(), Round::Down).0,
            (_, true) => -Float::with_val_round(64, x.sup(), Round::Up).0,
            _ => Float::new(64),
        }
    }

    /// max |y − c·x| / max |c·x|, rounded down; `None` where nothing is relative to 0.
    pub fn drift(x: &DMatrix<Ratio>, y: &DMatrix<Ratio>, c: &Surd, bits: u32) -> Option<Float> {
        let ctx = MpIntervals::new(bits);
        let c = ctx.from_surd(c).expect("a factor");
        let (mut apart, mut size) = (Float::new(64), Float::new(64));
        for (x, y) in x.iter().zip(y) {
            let of = |q| ctx.from_ratio(q).expect("a number");
            let (mut scaled, mut difference) = (ctx.zero(), ctx.zero());
            ctx.mul(&mut scaled, &c, &of(x));
            ctx.sub(&mut difference, &of(y), &scaled);
            apart.max_mut(&least(&difference));
            for end in [scaled.inf(), scaled.sup()] {
                size.max_mut(&Float::with_val_round(64, end.abs_ref(), Round::Up).0);
            }
        }
        match (apart == 0, size == 0) {
            (true, _) => Some(apart),
            (_, true) => None,
            _ => Some(Float::with_val_round(64, apart / size, Round::Down).0),
        }
    }
}
