//! A map leaves something unchanged at every step: loss and outputs (an equivalence), or formulas
//! (an invariant).

use super::{Draft, JudgeError};
use crate::arith::Ratio;
use crate::audit::case::{Case, at_k};
use crate::audit::claim::{Invariant, MapFile, Side};
use crate::audit::counter::{Trial, Tried};
use crate::audit::evidence::{bit_runs, derivation, of_map, prime_run};
use crate::audit::words::{describe, ends, listed};
use crate::audit::{Claim, Evidence, Rung, Verdict};
use crate::gauge::{Alternative, Condition, MapDecision, MapProof, MapQuestion, decide};
use crate::graph::{Binary, NodeId, Op, StepGraph, Unary};
use crate::scenario::{Powers, Property};
use crate::search::{Finding, Found};

/// Judges `kind = "equivalence"`.
pub(super) fn equivalence(
    claim: &Claim,
    case: &Case<'_>,
    map: &MapFile,
) -> Result<Draft, JudgeError> {
    let powers = map.powers(&case.symbolic)?;
    let on_runs = map.powers(&case.step)?;
    let mut draft = unchanged(claim, None, case, (&powers, &on_runs))?;
    if draft.verdict == Verdict::Refuted && !map.is_one_sided() {
        let side = |side| {
            map.side(side, &case.symbolic)
                .map(|p| describe(&case.symbolic, &p))
        };
        let (left, right) = (side(Side::Left)?, side(Side::Right)?);
        draft.because = format!("{left} and {right} are not the same: {}", draft.because);
    }
    Ok(draft)
}

/// The draft on a map that is to leave loss and outputs of a setting unchanged.
pub(super) fn unchanged(
    claim: &Claim,
    variant: Option<&str>,
    case: &Case<'_>,
    (powers, on_runs): (&Powers, &Powers),
) -> Result<Draft, JudgeError> {
    Asked {
        claim,
        variant,
        case,
        question: case.question(powers),
        symbolic: case.symbolic.clone(),
        powers,
        on_runs,
        property: case.same_run(),
    }
    .judge()
}

/// Judges `kind = "invariant"`.
pub(super) fn invariant(
    claim: &Claim,
    case: &Case<'_>,
    own: &Invariant,
) -> Result<Draft, JudgeError> {
    let named: Vec<(String, &String)> = (own.conclusion.iter().enumerate())
        .map(|(i, formula)| (format!("claimed.{i}"), formula))
        .collect();
    let outputs: Vec<(&str, &str)> = named
        .iter()
        .map(|(n, f)| (n.as_str(), f.as_str()))
        .collect();
    // An unknown network lacks what only a run has, such as its output.
    let recipes = [&case.setting.symbolic, &case.setting.numeric];
    let mut steps = recipes.into_iter().map(|r| r.build_observing(&outputs));
    let symbolic = match (steps.next(), steps.next()) {
        (Some(Ok(step)), _) | (_, Some(Ok(step))) => step,
        (_, Some(Err(e))) => return Err(e.into()),
        _ => return Ok(Draft::unknown("there is no formula")),
    };
    let powers = own.map().powers(&symbolic)?;
    let on_runs = own.map().powers(&case.step)?;
    let loss = |formula: &String| formula.trim() == "loss";
    let asked = Asked {
        claim,
        variant: None,
        case,
        question: MapQuestion {
            kept: named.iter().map(|(n, _)| n.clone()).collect(),
            free_loss: !own.conclusion.iter().any(loss),
            ..case.question(&powers)
        },
        powers: &powers,
        on_runs: &on_runs,
        property: Property {
            conclusion: own.conclusion.clone(),
            ..Property::default()
        },
        symbolic,
    };
    let divisors = asked.divisors(&named);
    let mut draft = asked.judge()?;
    if !divisors.is_empty() {
        let conditions: Vec<String> = divisors
            .iter()
            .map(|d| format!("no entry of {d} is 0"))
            .collect();
        draft.conditions.extend(conditions);
        if draft.verdict == Verdict::Proved {
            draft.verdict = Verdict::ProvedIf;
        }
    }
    Ok(draft)
}

struct Asked<'a> {
    claim: &'a Claim,
    variant: Option<&'a str>,
    case: &'a Case<'a>,
    question: MapQuestion,
    symbolic: StepGraph,
    powers: &'a Powers,
    on_runs: &'a Powers,
    property: Property,
}

impl Asked<'_> {
    fn map(&self) -> String {
        describe(&self.symbolic, self.powers)
    }

    fn judge(&self) -> Result<Draft, JudgeError> {
        match decide(&self.symbolic, &self.question)? {
            MapDecision::Holds(proof) => self.holds(&proof),
            MapDecision::HoldsIf(all) => self.holds_if(all),
            MapDecision::Fails { conflict } => {
                let reasons = conflict.iter().map(|c| format!("{}: {}", c.node, c.says));
                self.fails(&reasons.collect::<Vec<_>>().join("; "))
            }
        }
    }

    /// A certificate, which exact runs may not contradict.
    fn holds(&self, proof: &MapProof) -> Result<Draft, JudgeError> {
        let case = self.case;
        let because = format!(
            "under {} every quantity scales by a power of k, and what is compared by none",
            self.map()
        );
        let mut draft = Draft::new(Verdict::Proved, because);
        draft.conditions.push(match self.powers.negated.is_empty() {
            true => "k > 0".into(),
            false => "k < 0; a power of k is one of |k|".into(),
        });
        draft.evidence.extend(of_map(case, proof, ""));
        draft.derivation = Some(derivation(
            &self.symbolic,
            &proof.scaling.certificate,
            "The step and the power of k at each quantity",
        ));
        if let Some(found) = self.supported(&mut draft)? {
            return Ok(self.contradicted(draft, &found));
        }
        if case.setting.zero.is_empty() {
            let zero_at_start = case.setting.numeric.model.zero_at_start.iter();
            let zero: Vec<Condition> = zero_at_start
                .map(|name| Condition::InitialZero((*name).to_owned()))
                .collect();
            if let Some(none) = case.no_run(&case.under(&zero))? {
                let words: Vec<String> = zero.iter().map(ToString::to_string).collect();
                draft.conditions.push(format!(
                    "there is a run: not where {}, since then {}",
                    words.join(" and "),
                    ends(&none.error)
                ));
            }
        }
        Ok(draft)
    }

    /// The verdict where a run contradicts a certificate: a quotient without a value
    /// refutes the claim, a difference is a defect of this program.
    fn contradicted(&self, draft: Draft, (found, k): &(Found, Ratio)) -> Draft {
        match &found.finding {
            // Only a start that has the zero makes the claim void; elsewhere it is a condition.
            Finding::Undefined { .. } if self.case.setting.zero.is_empty() => draft,
            Finding::Undefined { reason, .. } => {
                let because = format!("a formula has no value along a run: {reason}");
                let mut refuted = Draft::new(Verdict::Refuted, because);
                refuted.evidence = draft.evidence;
                self.refuted(refuted, found, k)
            }
            finding => Draft::unknown(format!(
                "certificate and exact runs contradict each other, which is a defect: {}",
                finding.describe()
            )),
        }
    }

    fn refuted(&self, draft: Draft, found: &Found, k: &Ratio) -> Draft {
        let trial = Trial::Rescaled {
            powers: self.on_runs.clone(),
            k: k.clone(),
            property: self.property.clone(),
        };
        let says = format!(
            "two runs that differ by {} at {}",
            self.map(),
            at_k(self.powers, k)
        );
        draft.with_counterexample(self.claim, self.variant, &Tried::of(trial, found), &says)
    }

    /// Adds what runs on numbers can add to a certificate; what they contradict.
    fn supported(&self, draft: &mut Draft) -> Result<Option<(Found, Ratio)>, JudgeError> {
        let case = self.case;
        match self
            .on_runs
            .factor_with_roots(&Ratio::new(3.into(), 2.into()))
        {
            None => draft
                .remarks
                .push("no factor has all the roots that the map asks for".into()),
            Some(k) => match case.hunt_map(&case.as_it_is(), &self.property, self.on_runs, &k) {
                Err(e) => draft.remarks.push(format!("exact runs: {e}")),
                Ok(hunted) => {
                    if let Some(found) = hunted.found {
                        return Ok(Some((found, k)));
                    }
                    let says = format!(
                        "At {}, random runs of random shapes are equal number by number in exact arithmetic, before every step and after the last.",
                        at_k(self.powers, &k)
                    );
                    let runs = Evidence::new(Rung::Exact, says)
                        .with("runs", hunted.held)
                        .with("undecided", hunted.undecided);
                    draft.evidence.extend((hunted.held > 0).then_some(runs));
                }
            },
        }
        draft.gather(
            "the prime field",
            prime_run(case, &self.property, self.on_runs),
        );
        draft.gather("bits", bit_runs(case, &self.property, self.on_runs));
        Ok(None)
    }

    /// Alternatives, as far as there are runs under them.
    fn holds_if(&self, all: Vec<Alternative>) -> Result<Draft, JudgeError> {
        let case = self.case;
        let mut offered = vec![];
        for alternative in all {
            let under = case.under(&alternative.conditions);
            if case.no_run(&under)?.is_none() && case.moves(&under)? {
                offered.push(alternative);
            }
        }
        if offered.is_empty() {
            return self.fails("the conditions under which it would hold leave no run that moves");
        }
        let mut shown = vec![];
        let mut necessary = true;
        for alternative in &offered {
            for condition in &alternative.conditions {
                let others = alternative.conditions.iter().filter(|c| *c != condition);
                let others: Vec<Condition> = others.cloned().collect();
                match self.differs(&others)? {
                    Some(found) => shown.push(found),
                    None => necessary = false,
                }
            }
        }
        let sets: Vec<Vec<String>> = offered
            .iter()
            .map(|a| a.conditions.iter().map(ToString::to_string).collect())
            .collect();
        let words: Vec<String> = sets.iter().map(|set| listed(set)).collect();
        let words = words.join(", or if ");
        let Some((found, k)) = self.counterexample()?.filter(|_| !shown.is_empty()) else {
            let mut draft = Draft::unknown(format!(
                "it holds if {words}; without that there is neither a certificate nor a run that differs"
            ));
            let first = &offered[0];
            draft
                .evidence
                .extend(of_map(case, &first.proof, &format!("If {words}: ")));
            return Ok(draft);
        };
        let otherwise = match necessary {
            true => ", and not otherwise",
            false => "; whether each of these is needed is not known",
        };
        let because = format!(
            "under {} the run is the same if {words}{otherwise}",
            self.map()
        );
        let mut draft = Draft::new(Verdict::ProvedIf, because);
        draft.conditions.push(match self.powers.negated.is_empty() {
            true => "k > 0".into(),
            false => "k < 0; a power of k is one of |k|".into(),
        });
        draft.conditions.push(words);
        for (alternative, set) in offered.iter().zip(&sets) {
            let under = format!("If {}: ", listed(set));
            draft
                .evidence
                .extend(of_map(case, &alternative.proof, &under));
        }
        draft.derivation = Some(derivation(
            &self.symbolic,
            &offered[0].proof.scaling.certificate,
            "The step under the first of its conditions",
        ));
        draft.alternatives = offered.into_iter().map(|a| a.conditions).collect();
        Ok(self.refuted(draft, &found, &k))
    }

    /// A run under these conditions that the map changes.
    fn differs(&self, conditions: &[Condition]) -> Result<Option<(Found, Ratio)>, JudgeError> {
        let under = self.case.under(conditions);
        let mut powers = self.on_runs.clone();
        for condition in conditions {
            if let Condition::SignChanges(name) = condition {
                powers.negated.insert(name.clone());
            }
        }
        let Some(k) = powers.factor_with_roots(&Ratio::from_integer(2.into())) else {
            return Ok(None);
        };
        let hunted = self.case.hunt_map(&under, &self.property, &powers, &k);
        Ok(hunted.ok().and_then(|h| h.found).map(|found| (found, k)))
    }

    fn counterexample(&self) -> Result<Option<(Found, Ratio)>, JudgeError> {
        let under = self.case.as_it_is();
        self.case
            .counterexample(&under, &self.property, self.on_runs)
    }

    fn fails(&self, reasons: &str) -> Result<Draft, JudgeError> {
        let Some((found, k)) = self.counterexample()? else {
            return Ok(Draft::unknown(format!(
                "no weights fit ({reasons}), and no counterexample was found"
            )));
        };
        let mut because = format!(
            "{} changes the run: {}",
            self.map(),
            found.finding.describe()
        );
        if let Some(instead) = self.instead()? {
            because = format!("{because}. What holds instead: {instead}");
        }
        let mut draft = Draft::new(Verdict::Refuted, because);
        draft.evidence.push(Evidence::new(
            Rung::Certificate,
            format!("No weights fit; these requirements contradict each other: {reasons}."),
        ));
        Ok(self.refuted(draft, &found, &k))
    }

    /// The derived rule that moves the scales, or else the first thing, as the claim does.
    fn instead(&self) -> Result<Option<String>, JudgeError> {
        super::exists::rule_instead(self.case, &self.symbolic, &self.question)
    }

    /// The divisors that stand in the formulas, by name.
    fn divisors(&self, named: &[(String, &String)]) -> Vec<String> {
        let mut found = Vec::new();
        for (name, _) in named {
            if let Some(output) = self.symbolic.outputs.iter().find(|o| o.name == *name) {
                collect(&self.symbolic, output.node, &mut found);
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

/// Walks the formula only: labelled quantities of the step are its atoms.
fn collect(step: &StepGraph, id: NodeId, found: &mut Vec<String>) {
    let label = step.graph.label(id);
    if label.is_some_and(|l| !l.starts_with("claimed.")) {
        return;
    }
    match &step.graph.node(id).op {
        Op::Binary(Binary::Div, x, y) => {
            found.push(step.graph.describe(*y));
            collect(step, *x, found);
            collect(step, *y, found);
        }
        Op::Binary(_, x, y) => {
            collect(step, *x, found);
            collect(step, *y, found);
        }
        Op::Unary(Unary::Neg | Unary::Transpose, x) => collect(step, *x, found),
        _ => {}
    }
}
