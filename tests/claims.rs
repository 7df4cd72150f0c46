//! The built-in claims and their verdicts, wrong rules and their witnesses, malformed files.

use lora_gauge::audit::{Audit, Judged, Rung, Verdict, Witness, parse_claim};

use crate::common::rules::{built_in, judged};

#[test]
fn every_claim_gets_the_expected_verdict() {
    let mut judgements = Vec::new();
    for (claim, judged) in built_in() {
        if let Some(listed) = claim.not_judged() {
            assert!(!listed.why.is_empty() && claim.expected().is_none());
            continue;
        }
        assert!(
            claim.expected().is_some(),
            "{} states what it expects",
            claim.id()
        );
        let Judged {
            judgement, witness, ..
        } = judged;
        assert!(judgement.holds(), "{}: {}", judgement.id, judgement.verdict);
        assert!(
            judgement.evidence.iter().any(|e| e.rung < Rung::Search),
            "{} rests on more than a search",
            judgement.id
        );
        assert_eq!(judgement.witness.is_some(), witness.is_some());
        // What is denied and yet holds has a certificate, and a count no single run.
        let by_a_run = !matches!(judgement.kind.as_str(), "freedom" | "knobs");
        if judgement.verdict == Verdict::Refuted && by_a_run {
            let witness = witness.as_ref().expect("a refutation has a witness");
            let again = Witness::parse(&witness.to_json().expect("JSON")).expect("readable");
            assert!(again.replay().expect("a replay").agrees, "{}", judgement.id);
        }
        judgements.push(judgement.clone());
    }
    for n in 1..=14 {
        let id = format!("S{n}");
        assert!(judgements.iter().any(|j| j.id == id), "{id} is missing");
    }
    assert_eq!(Audit::new(judgements).exit_status(), 0);
}

#[test]
fn headline_claims_show_a_compiled_theorem() {
    for (claim, judged) in built_in() {
        if ["S1", "S2", "S4", "S6", "S11"].contains(&claim.id()) {
            let judgement = &judged.judgement;
            let theorem = judgement.evidence.iter().find_map(|e| e.theorem.as_ref());
            let theorem = theorem.unwrap_or_else(|| panic!("{} shows no theorem", claim.id()));
            assert!(!theorem.hypotheses.is_empty(), "{}", theorem.name);
        }
    }
}

#[test]
fn the_note_carries_a_certificate_for_every_network() {
    let s2 = built_in().iter().find(|(claim, _)| claim.id() == "S2");
    let judgement = &s2.expect("S2").1.judgement;
    assert_eq!(judgement.verdict, Verdict::Proved);
    let rungs: Vec<Rung> = judgement.evidence.iter().map(|e| e.rung).collect();
    for rung in [
        Rung::Theorem,
        Rung::Certificate,
        Rung::Exact,
        Rung::BitEqual,
    ] {
        assert!(rungs.contains(&rung), "{rung:?} is missing");
    }
    let lines = &judgement.derivation.as_ref().expect("a derivation").lines;
    assert!(
        lines
            .iter()
            .any(|l| l.formula.contains("loss") && l.weight == ["0"])
    );
}

/// Rules that are off in one power: refuted by the smallest layer there is, within two steps.
#[test]
fn wrong_rules_are_refuted_by_the_smallest_witness() {
    let wrong = [
        ("rate-alone", "alpha = 1\nlr = -1"),
        ("init-alone", "alpha = 1\ninit = \"-1/2\""),
        (
            "rate-over-root",
            "alpha = 1\nlr = \"-1/2\"\ninit = \"-1/2\"",
        ),
        ("rate-over-square", "alpha = 1\nlr = -2"),
    ];
    for loss in ["mse", "l1", "huber", "smooth_l1"] {
        for (id, map) in wrong {
            let text = format!(
                "id = \"{id}\"\ntitle = \"wrong\"\nkind = \"equivalence\"\nloss = \"{loss}\"\n[map]\n{map}\n"
            );
            let Judged {
                judgement, witness, ..
            } = judged(&text);
            assert_eq!(judgement.verdict, Verdict::Refuted, "{id} with {loss}");
            let witness = witness.expect("a witness");
            let sizes: Vec<usize> = witness.run.sizes.values().copied().collect();
            assert_eq!(sizes, [1, 1, 1, 1], "{id} with {loss}");
            assert!(
                witness.run.steps <= 2,
                "{id} with {loss}: {} steps",
                witness.run.steps
            );
            assert!(
                witness.replay().expect("a replay").agrees,
                "{id} with {loss}"
            );
        }
    }
}

#[test]
fn a_right_rule_in_other_words_is_proved() {
    let text = "id = \"split\"\ntitle = \"all in B\"\nkind = \"equivalence\"\n[map]\nalpha = 1\nlr_B = -2\ninit_B = -1\n";
    assert_eq!(judged(text).judgement.verdict, Verdict::Proved);
}

/// Exact derivatives exclude all other powers, also where no theorem speaks.
#[test]
fn uniqueness_is_shown_by_derivatives() {
    let with = |terms: &str| {
        format!(
            "id = \"unique\"\ntitle = \"the only one\"\nkind = \"uniqueness\"\n{terms}\nvary = [\"lr\", \"init_A\", \"init_B\"]\n[map]\nalpha = 1\nlr = -1\ninit_A = \"-1/2\"\ninit_B = \"-1/2\"\n"
        )
    };
    assert_eq!(judged(&with("")).judgement.verdict, Verdict::ProvedIf);
    let momentum = judged(&with("terms = [\"momentum\"]"));
    assert_eq!(momentum.judgement.verdict, Verdict::ProvedIf);
}

/// A premise that was not looked at would let every pair of runs speak against the conclusion.
#[test]
fn premises_are_looked_at() {
    use lora_gauge::arith::{F64, Ratio};
    use lora_gauge::scenario::{Outcome, Property, ScaleMap, check, seed_script};
    let left = seed_script(1).expect("the seed's script");
    let step = left.recipe.build().expect("a step");
    let powers = ScaleMap::of(&[("lr", "1")]).expect("powers");
    let powers = powers.resolve(&step).expect("a map");
    let four = Ratio::from_integer(4.into());
    let right = powers.apply(&left, &four).expect("a run");
    for premise in ["lr_B * g_B", "lr_B * g_B / s"] {
        let property = Property {
            premise: vec![premise.into()],
            conclusion: vec!["loss".into()],
            ..Property::default()
        };
        let outcome = check(&F64, &property, &left, &right, 2).expect("two runs");
        assert!(
            matches!(outcome, Outcome::PremiseFails(_)),
            "{premise}: {outcome:?}"
        );
    }
}

#[test]
fn weight_decay_must_be_scaled() {
    let with = |decay: &str| {
        format!(
            "id = \"decay\"\ntitle = \"decay\"\nkind = \"equivalence\"\nterms = [\"weight_decay\"]\n[map]\nalpha = 1\nlr = -1\ninit = \"-1/2\"\nweight_decay = {decay}\n"
        )
    };
    assert_eq!(judged(&with("1")).judgement.verdict, Verdict::Proved);
    // A term that the claim names is not 0, so "if there is no decay" is no way out.
    assert_eq!(judged(&with("0")).judgement.verdict, Verdict::Refuted);
}

#[test]
fn malformed_claims_name_what_is_wrong() {
    let good = "id = \"x\"\ntitle = \"t\"\nkind = \"equivalence\"\n[map]\nalpha = 1\n";
    assert!(parse_claim("x.toml", good).is_ok());
    let cases = [
        ("", "id"),
        ("id = 3", "line 1"),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"folklore\"\n",
            "folklore",
        ),
        (
            "id = \"../x\"\ntitle = \"t\"\nkind = \"equivalence\"\n[map]\nalpha = 1\n",
            "`id`",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"equivalence\"\n",
            "`map`",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"equivalence\"\nlos = \"l1\"\n[map]\nalpha = 1\n",
            "los",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"equivalence\"\nloss = \"l3\"\n[map]\nalpha = 1\n",
            "l3",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"equivalence\"\noptimizer = \"sgdd\"\n[map]\nalpha = 1\n",
            "sgdd",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"equivalence\"\nterms = [\"momentums\"]\n[map]\nalpha = 1\n",
            "momentums",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"equivalence\"\nflags = [\"nesterov\"]\n[map]\nalpha = 1\n",
            "nesterov",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"equivalence\"\nclip = \"hard\"\n[map]\nalpha = 1\n",
            "hard",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"equivalence\"\n[map]\nalpha = \"one\"\n",
            "one",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"equivalence\"\n[map]\nalpha = \"sqrt(2)\"\n",
            "map.alpha",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"equivalence\"\n[map]\nbeta = 1\n",
            "beta",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"invariant\"\n[map]\nalpha = 1\n",
            "`conclusion`",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"invariant\"\nconclusion = [\"A +\"]\n[map]\nalpha = 1\n",
            "character",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"invariant\"\nconclusion = [\"A @ B\"]\n[map]\nalpha = 1\n",
            "shapes",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"equivalence\"\ntheorems = [\"Fermat\"]\n[map]\nalpha = 1\n",
            "Fermat",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"survey\"\n[map]\nalpha = 1\n",
            "`variant`",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"experiment\"\n[map]\nalpha = 1\n",
            "`wrong`",
        ),
        (
            "id = \"x\"\ntitle = \"t\"\nkind = \"equivalence\"\n[map]\nalpha = 1\n[expect]\nverdict = \"true\"\n",
            "true",
        ),
    ];
    for (text, expected) in cases {
        let error = parse_claim("x.toml", text).expect_err(text).to_string();
        assert!(error.starts_with("x.toml"), "{error}");
        assert!(
            error.contains(expected),
            "expected `{expected}` in: {error}\nfor:\n{text}"
        );
    }
}
