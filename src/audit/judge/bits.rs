//! Two runs in a float format have the same bits.

use super::{Draft, JudgeError};
use crate::arith::{ArithmeticName, Ratio, show_ratio};
use crate::audit::case::{Case, SEED};
use crate::audit::claim::MapFile;
use crate::audit::counter::{Trial, Tried};
use crate::audit::evidence::of_map;
use crate::audit::words::describe;
use crate::audit::{Claim, Evidence, Rung, Verdict};
use crate::gauge::{self, MapDecision, MapQuestion};

/// Runs that are compared.
const SEEDS: u64 = 20;
/// Their steps in turn; some settings leave the range of a format after a few.
const STEPS: [usize; 2] = [20, 2];

pub(super) fn judge(
    claim: &Claim,
    case: &Case<'_>,
    map: &MapFile,
    arithmetic: ArithmeticName,
    k: &Ratio,
) -> Result<Draft, JudgeError> {
    let powers = map.powers(&case.symbolic)?;
    let words = describe(&case.symbolic, &powers);
    let trial = Trial::Rescaled {
        powers: map.powers(&case.step)?,
        k: k.clone(),
        property: case.same_run(),
    };
    let mut same = 0u32;
    let mut remarks = vec![];
    for seed in 0..SEEDS {
        let steps = STEPS[seed as usize % STEPS.len()];
        let run = case.example([8, 6, 5, 3], steps, SEED + seed)?;
        // A run that leaves the range of the format says nothing.
        match trial.run_in(case, &run, arithmetic) {
            Ok((Some(finding), _)) => {
                let because =
                    format!("under {words} two runs in {arithmetic} differ in their bits");
                let tried = Tried {
                    trial,
                    run,
                    finding,
                    arithmetic,
                };
                let draft = Draft::new(Verdict::Refuted, because);
                let says = format!("two runs that differ by {words} at k = {}", show_ratio(k));
                return Ok(draft.with_counterexample(claim, None, &tried, &says));
            }
            Ok((None, None)) => same += 1,
            Ok((None, Some(why))) => remarks.push(why),
            Err(e) => remarks.push(e.to_string()),
        }
    }
    remarks.dedup();
    let unknown = |why: &str| {
        let mut draft = Draft::unknown(format!(
            "{same} of {SEEDS} drawn runs have the same bits, and {why}"
        ));
        let runs = Evidence::new(Rung::Search, "Drawn runs, no difference.").with("runs", same);
        draft.evidence.push(runs);
        draft.remarks.clone_from(&remarks);
        draft
    };
    if !powers.negated.is_empty() {
        return Ok(unknown("a change of sign turns zeros, whose sign is a bit"));
    }
    let Some(log2_k) = log2(k) else {
        return Ok(unknown("k is no power of two, so nothing says that all do"));
    };
    let question = MapQuestion {
        log2_k: Some(log2_k),
        conditions: vec![],
        ..case.question(&powers)
    };
    let MapDecision::Holds(proof) = gauge::decide(&case.symbolic, &question)? else {
        let why = "no certificate multiplies every quantity by a power of two, so nothing says that all do";
        return Ok(unknown(why));
    };
    if same == 0 {
        return Ok(unknown(
            "none goes through in this format, so there is nothing to speak of",
        ));
    }
    let because = format!(
        "{words} multiplies every quantity of the step by a power of two, which commutes with rounding"
    );
    let mut draft = Draft::new(Verdict::ProvedIf, because);
    let range = format!("no result over- or underflows in {arithmetic}, in either run");
    draft.conditions.push(range);
    let under = format!("At k = {} by powers of two only: ", show_ratio(k));
    draft.evidence.extend(of_map(case, &proof, &under));
    let says =
        format!("Drawn runs in {arithmetic} have the same bits, loss and outputs at every step.");
    let runs = format!("{same} of {SEEDS}");
    draft
        .evidence
        .push(Evidence::new(Rung::BitEqual, says).with("runs", runs));
    draft.remarks = remarks;
    Ok(draft)
}

/// The exponent of a power of two.
fn log2(k: &Ratio) -> Option<Ratio> {
    let exponent =
        |n: &num_bigint::BigInt| (n.magnitude().count_ones() == 1).then(|| n.bits() as i64 - 1);
    Some(Ratio::from_integer(
        (exponent(k.numer())? - exponent(k.denom())?).into(),
    ))
}
