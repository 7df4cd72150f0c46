//! Two runs in a float format have the same bits.

use super::{Draft, JudgeError};
use crate::arith::{
    Arithmetic, ArithmeticName, Ratio, UnknownArithmetic, WithArithmetic, show_ratio,
    with_arithmetic,
};
use crate::audit::evidence::{SEED, decide, describe, drawn};
use crate::audit::{Claim, Evidence, Rung, Verdict};
use crate::gauge::MapDecision;
use crate::scenario::{CheckError, Difference, Outcome, Powers, Property, Scenario, check};
use crate::search::{Finding, WitnessError};

/// Runs that are compared.
const SEEDS: u64 = 20;
const STEPS: usize = 20;

struct Compare<'a> {
    left: &'a Scenario,
    right: &'a Scenario,
}

impl WithArithmetic for Compare<'_> {
    type Output = Result<Outcome, CheckError>;
    fn call<A: Arithmetic>(self, ctx: A) -> Self::Output {
        check(
            &ctx,
            &Property::same_run(),
            self.left,
            self.right,
            self.left.steps,
        )
    }
}

pub(super) fn judge(claim: &Claim) -> Result<Draft, JudgeError> {
    let (Some(arithmetic), Some(k)) = claim.bits() else {
        return Err(claim.field("arithmetic, k", "missing").into());
    };
    let step = claim.symbolic()?.build()?;
    let numeric = claim.numeric()?;
    let powers = claim.map().resolve(&step)?;
    let map = describe(&step, &powers);
    let (mut same, mut compared) = (0u32, 0usize);
    for seed in 0..SEEDS {
        let left = drawn(&numeric, [8, 6, 5, 3], STEPS, SEED + seed, &claim.start())?;
        let right = powers.apply(&left, &k)?;
        let Some(outcome) = compare(arithmetic, &left, &right)? else {
            continue;
        };
        match outcome {
            Outcome::Holds { compared: values } => {
                same += 1;
                compared += values;
            }
            Outcome::Fails(difference) => {
                return Ok(differs(claim, arithmetic, (left, right), difference, &map));
            }
            _ => {}
        }
    }
    let exact = scales_by_powers_of_two(&powers, &k);
    let proof = match decide(&step, &powers, &[], claim.nonzero())? {
        MapDecision::Homogeneous(proof) if exact => proof,
        _ => {
            let mut draft = Draft::new(
                Verdict::Unknown,
                format!(
                    "{same} of {SEEDS} drawn runs have the same bits, and nothing says that all do"
                ),
            );
            draft
                .evidence
                .push(Evidence::new(Rung::Search, "Drawn runs, no difference.").with("runs", same));
            return Ok(draft);
        }
    };
    let mut draft = Draft::new(
        Verdict::ProvedIf,
        format!("{map} multiplies every quantity by a power of two, which commutes with rounding"),
    );
    draft.conditions = vec![format!(
        "no result over- or underflows in {arithmetic}, in either run"
    )];
    draft.evidence.push(crate::audit::evidence::certificate(
        &proof.certificate,
        format!(
            "At k = {} every quantity of the step is multiplied by a power of two.",
            show_ratio(&k)
        ),
    ));
    draft.evidence.push(
        Evidence::new(
            Rung::BitEqual,
            format!("Drawn runs in {arithmetic} have the same bits, loss and W at every step."),
        )
        .with("runs", format!("{same} of {SEEDS}"))
        .with("compared", compared),
    );
    Ok(draft)
}

/// `None` where a run leaves the range of the format.
fn compare(
    arithmetic: ArithmeticName,
    left: &Scenario,
    right: &Scenario,
) -> Result<Option<Outcome>, JudgeError> {
    let outcome = with_arithmetic(arithmetic, Compare { left, right });
    match outcome.map_err(|e: UnknownArithmetic| JudgeError::from(WitnessError::from(e)))? {
        Ok(outcome) => Ok(Some(outcome)),
        Err(CheckError::Run(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn differs(
    claim: &Claim,
    arithmetic: ArithmeticName,
    (left, right): (Scenario, Scenario),
    difference: Difference,
    map: &str,
) -> Draft {
    let finding = Finding::Differs(difference);
    let mut draft = Draft::new(
        Verdict::Refuted,
        format!("under {map} two runs in {arithmetic} differ in their bits"),
    );
    draft.evidence.push(
        Evidence::new(Rung::BitEqual, format!("{}.", finding.describe()))
            .with("arithmetic", arithmetic),
    );
    draft.witness = Some(super::witness_in(
        claim,
        arithmetic,
        &Property::same_run(),
        (&left, &right),
        finding,
        "two runs that differ by the claimed map",
    ));
    draft
}

/// Whether the map multiplies by powers of two only.
fn scales_by_powers_of_two(powers: &Powers, k: &Ratio) -> bool {
    let exponent = |n: &num_bigint::BigInt| {
        let bits = n.bits();
        (n.magnitude().count_ones() == 1).then(|| bits as i64 - 1)
    };
    let (Some(num), Some(den)) = (exponent(k.numer()), exponent(k.denom())) else {
        return false;
    };
    let log = Ratio::from_integer((num - den).into());
    let all = powers
        .hyperparameters
        .values()
        .chain(powers.initial.values());
    all.into_iter().all(|power| (power * &log).is_integer())
}
