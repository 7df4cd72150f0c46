//! A gradient against a quotient of differences where the loss is no polynomial.
//!
//! By the mean value theorem the quotient over x ± h is the slope at a point between. So it lies
//! in what interval arithmetic makes of the gradient over the whole of x ± h, if that gradient is
//! the slope. A wrong one is apart from it as soon as h is small.

use super::gradient::{Compared, Place, moved};
use crate::arith::{Arithmetic, Interval, MpIntervals, ratio_from_f64};
use crate::exec::{Machine, Options};
use crate::graph::StepGraph;
use crate::scenario::Scenario;

/// Precision of the enclosures: what is left of it after a difference is divided by h is plenty.
const BITS: u32 = 256;
/// Binary logarithms of the steps that are tried.
const STEPS: [i32; 3] = [-40, -20, -10];

/// Looks at one entry; `None` where no step gives enclosures, as on a kink.
pub(super) fn compare(
    step: &StepGraph,
    options: &Options,
    run: &Scenario,
    place: Place<'_>,
) -> Option<Compared> {
    STEPS.iter().find_map(|exponent| {
        let h = libm::exp2(f64::from(*exponent));
        let trial = Trial { step, options, run };
        trial.compare(place, h)
    })
}

struct Trial<'a> {
    step: &'a StepGraph,
    options: &'a Options,
    run: &'a Scenario,
}

impl Trial<'_> {
    fn compare(&self, place: Place<'_>, h: f64) -> Option<Compared> {
        let ctx = MpIntervals::new(BITS);
        let exact = ratio_from_f64(h)?;
        let mut around = self.run.clone();
        let tensor = around.values.tensors.remove(place.tensor)?;
        let both = ctx.from_ratio(&(&exact + &exact)).ok()?;
        around
            .values
            .set_tensor(place.tensor, tensor.within(&exact));
        let slope = self.slope(&ctx, &around, place)?;
        let up = self.loss(&ctx, &moved(self.run, place, h)?)?;
        let down = self.loss(&ctx, &moved(self.run, place, -h)?)?;
        let (mut apart, mut quotient) = (ctx.zero(), ctx.zero());
        ctx.sub(&mut apart, &up, &down);
        ctx.div(&mut quotient, &apart, &both).ok()?;
        Some(Compared {
            agree: ctx.same(&slope, &quotient) != Ok(false),
            slope: ctx.show(&slope),
            quotient: ctx.show(&quotient),
        })
    }

    fn forward<T>(
        &self,
        ctx: &MpIntervals,
        run: &Scenario,
        read: impl FnOnce(&Machine<'_, MpIntervals>) -> Option<T>,
    ) -> Option<T> {
        let machine = Machine::new(*ctx, self.step, &run.sizes, &run.values, self.options);
        let mut machine = machine.ok()?;
        machine.forward().ok()?;
        read(&machine)
    }

    fn loss(&self, ctx: &MpIntervals, run: &Scenario) -> Option<Interval<rug::Float>> {
        self.forward(ctx, run, |machine| Some(machine.loss().clone()))
    }

    fn slope(
        &self,
        ctx: &MpIntervals,
        run: &Scenario,
        place: Place<'_>,
    ) -> Option<Interval<rug::Float>> {
        self.forward(ctx, run, |machine| {
            machine.output(place.gradient)?.get(place.entry).cloned()
        })
    }
}
