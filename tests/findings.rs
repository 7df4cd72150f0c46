//! Claims that once came out wrong, what is right, and more of each kind.

use lora_gauge::audit::{Judged, Verdict, parse_claim};

use crate::common::rules::judged;

const REFUTED: &[Verdict] = &[Verdict::Refuted];
const PROVED: &[Verdict] = &[Verdict::Proved];
const IF: &[Verdict] = &[Verdict::ProvedIf];
const UNKNOWN: &[Verdict] = &[Verdict::Unknown];
const PROVED_OR_UNKNOWN: &[Verdict] = &[Verdict::Proved, Verdict::Unknown];
const REFUTED_OR_UNKNOWN: &[Verdict] = &[Verdict::Refuted, Verdict::Unknown];

fn file(name: &str) -> String {
    let path = format!("{}/tests/findings/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The verdict, and that a refutation by a run replays.
fn expect(text: &str, expected: &[Verdict]) -> Judged {
    let judged = judged(text);
    let judgement = &judged.judgement;
    let verdict = judgement.verdict;
    assert!(
        expected.contains(&verdict),
        "{verdict}: {}\nfor\n{text}",
        judgement.because
    );
    if let Some(witness) = &judged.witness {
        let replayed = witness.replay().unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert!(replayed.agrees, "the witness does not replay\n{text}");
    }
    judged
}

fn refused(text: &str, words: &str) {
    match parse_claim("claim.toml", text) {
        Ok(_) => panic!("accepted\n{text}"),
        Err(e) => assert!(e.to_string().contains(words), "{e}\nexpected `{words}`"),
    }
}

fn claim(kind: &str, rest: &str) -> String {
    format!("id = \"x\"\ntitle = \"t\"\nkind = \"{kind}\"\n{rest}")
}

#[test]
fn files_of_claims_come_out_right() {
    for (name, expected) in [
        ("k-b7", REFUTED),
        ("h-b4", IF),
        ("c-K2", REFUTED),
        ("e-a1", PROVED),
        ("c-I2", REFUTED),
        ("c-F5", PROVED),
        ("c-C1", REFUTED),
        ("c-B4", REFUTED),
        ("c-A1", PROVED),
        ("c-D2", REFUTED),
        ("e-f3", REFUTED),
        ("n-a1", PROVED),
        ("n-a3", PROVED),
        ("d-b1", PROVED),
    ] {
        expect(&file(&format!("claims/{name}.toml")), expected);
    }
    refused(&file("claims/h-a3.toml"), "`arithmetic`");
    refused(&file("claims/c-B1.toml"), "`banana`");
}

#[test]
fn files_from_the_field_come_out_right() {
    for (name, expected) in [
        ("02-alpha-pattern/claim", UNKNOWN),
        ("02-alpha-pattern/perlayer", UNKNOWN),
        ("02-alpha-pattern/invariant-shared", REFUTED),
        ("02-alpha-pattern/invariant", PROVED),
        ("03-lokr-alpha/claim", REFUTED),
        ("03-lokr-alpha/cube", PROVED),
        ("03-lokr-alpha/freedom", PROVED),
        ("04-weight-decay/alpha", UNKNOWN),
        ("04-weight-decay/claim", UNKNOWN),
        ("04-weight-decay/alpha-eps-on", REFUTED),
        ("04-weight-decay/alpha-eps-moved", REFUTED),
        ("04-weight-decay/claim-eps-on", REFUTED),
        ("04-weight-decay/prior", PROVED),
        ("12-baked-scale/claim", PROVED),
        ("12-baked-scale/rslora", PROVED),
        ("12-baked-scale/pissa", PROVED),
        ("12-baked-scale/perlayer", REFUTED),
        ("14-rank/sgd", PROVED),
        ("14-rank/lion", PROVED),
        ("14-rank/signsgd", PROVED),
        ("14-rank/adam", PROVED_OR_UNKNOWN),
        ("14-rank/adamw", PROVED_OR_UNKNOWN),
        ("14-rank/muon", PROVED_OR_UNKNOWN),
        ("14-rank/claim", REFUTED_OR_UNKNOWN),
        ("30-rslora-serving/times-sqrt", PROVED),
        ("30-rslora-serving/times-rank", REFUTED),
        ("30-rslora-serving/lr-only", REFUTED),
    ] {
        let judged = expect(&file(&format!("field/{name}.toml")), expected);
        if expected == UNKNOWN {
            let because = &judged.judgement.because;
            let says = because.contains("no such run") && because.contains("leave eps on");
            assert!(says, "{name}: {because}");
        }
    }
}

#[test]
fn maps_are_composed_quantity_by_quantity() {
    // Both sides the same in other words.
    let same = "[left]\nlr = 1\n[right]\nlr_A = 1\nlr_B = 1\n";
    expect(&claim("equivalence", same), PROVED);
    // The special name stands for the general one on its own side only.
    let special = "[left]\ninit = 1\nlr = 2\nalpha = -2\n[right]\ninit = 1\ninit_A = 0\n";
    expect(&claim("equivalence", special), IF);
    for (beside, words) in [
        ("[map]\nalpha = 1\n[left]\nlr = 1\n", "`map`"),
        ("[map]\nalpha = 1\n[right]\nlr = 1\n", "`map`"),
    ] {
        refused(&claim("equivalence", beside), words);
    }
}

#[test]
fn a_variant_has_the_whole_setting_of_its_claim() {
    let survey = |setting: &str, variant: &str| {
        let map = "[map]\nalpha = 1\nlr = -1\ninit = \"-1/2\"\n";
        claim(
            "survey",
            &format!("{setting}{map}[[variant]]\nname = \"v\"\n{variant}"),
        )
    };
    expect(&survey("clip = \"norm\"\n", "loss = \"l1\"\n"), REFUTED);
    expect(
        &survey("terms = [\"weight_decay\"]\n", "reduction = \"sum\"\n"),
        REFUTED,
    );
    // Its own field takes the place of the claim's.
    let off = survey(
        "terms = [\"weight_decay\"]\n",
        "without = [\"weight_decay\"]\n",
    );
    expect(&off, PROVED);
    // Signs are changed in every variant.
    let signs = "negate = [\"alpha\"]\n[map]\nalpha = 0\n[[variant]]\nname = \"v\"\n";
    expect(&claim("survey", signs), IF);
}

#[test]
fn signs_know_the_start() {
    let negative = |start: &str| {
        let map = "negate = [\"alpha\"]\n[map]\nalpha = 1\nlr = -1\ninit = \"-1/2\"\n";
        claim("equivalence", &format!("{start}{map}"))
    };
    expect(&negative("start = \"lora\"\n"), PROVED);
    expect(&negative("start = [\"A\"]\n"), PROVED);
    let judged = expect(&negative(""), IF);
    assert_eq!(judged.alternatives.len(), 4, "{:?}", judged.alternatives);
    // In an embedding A starts at zero.
    expect(
        &negative("model = \"embedding\"\nstart = \"lora\"\n"),
        PROVED,
    );
}

#[test]
fn names_and_fields_that_say_nothing_are_refused() {
    for (kind, rest, words) in [
        ("equivalence", "k = 4\n[map]\nalpha = 1\n", "`k`"),
        (
            "equivalence",
            "vary = [\"lr\"]\n[map]\nalpha = 1\n",
            "`vary`",
        ),
        (
            "identity",
            "start = \"lora\"\nformula = \"A\"\nequals = \"A\"\n",
            "`start`",
        ),
        (
            "identity",
            "formula = \"A\"\nequals = \"A\"\n[map]\nalpha = 1\n",
            "`map`",
        ),
        ("initialisation", "optimizer = \"adam\"\n", "`optimizer`"),
        (
            "freedom",
            "vary = [\"lr\", \"banana\"]\n[map]\nalpha = 1\n",
            "`banana`",
        ),
        (
            "knobs",
            "vary = [\"alpha\"]\neffective = 1\nfollow = [\"epsilon\"]\n",
            "`epsilon`",
        ),
        (
            "uniqueness",
            "vary = [\"init_C\"]\n[map]\nalpha = 1\n",
            "`init_C`",
        ),
        (
            "bits",
            "arithmetic = \"rational\"\nk = 4\n[map]\nalpha = 1\n",
            "`arithmetic`",
        ),
        (
            "equivalence",
            "start = [\"C\"]\n[map]\nalpha = 1\n",
            "`start`",
        ),
        (
            "equivalence",
            "[sizes]\nheads = 2\n[map]\nalpha = 1\n",
            "heads",
        ),
        ("equivalence", "[map]\nbeta = 1\n", "beta"),
        (
            "survey",
            "variant = [{ name = \"SGD\", map.lr = 1 }, { name = \"SGD\", map.lr = -1 }]\n",
            "two are called `SGD`",
        ),
    ] {
        refused(&claim(kind, rest), words);
    }
    let many = "\"A\", ".repeat(65);
    let rest = format!("conclusion = [{many}]\n[map]\nalpha = 1\n");
    refused(
        &claim("invariant", &rest),
        "65 entries, expected at most 64",
    );
}

#[test]
fn settings_that_are_one_number_are_one() {
    let knobs = |vary: &str, effective: usize| {
        claim(
            "knobs",
            &format!("vary = [{vary}]\neffective = {effective}\n"),
        )
    };
    expect(&knobs("\"alpha\", \"init\", \"lr_A\", \"lr_B\"", 3), PROVED);
    expect(
        &knobs("\"alpha\", \"init_A\", \"init_B\", \"lr_A\", \"lr_B\"", 3),
        PROVED,
    );
    expect(
        &knobs("\"alpha\", \"init_A\", \"init_B\", \"lr\"", 3),
        PROVED,
    );
    expect(
        &knobs("\"alpha\", \"init_A\", \"init_B\", \"lr\"", 2),
        REFUTED,
    );
}

#[test]
fn what_does_not_exist_is_refuted_for_all_powers() {
    let freedom = |rest: &str| claim("freedom", &format!("{rest}[map]\nalpha = 1\n"));
    expect(&freedom("start = \"lora\"\nvary = [\"init\"]\n"), REFUTED);
    expect(&freedom("start = \"lora\"\nvary = [\"lr_B\"]\n"), PROVED);
    expect(&freedom("vary = [\"lr_A\", \"lr_B\"]\n"), REFUTED);
    // No list of examples stands for all powers.
    let maps = |powers: [&str; 2]| {
        let variant =
            |p: &str| format!("[[variant]]\nname = \"{p}\"\nmap = {{ alpha = 1, lr = \"{p}\" }}\n");
        let variants = powers.map(variant).concat();
        claim(
            "survey",
            &format!("start = \"lora\"\ncontrary = true\n{variants}"),
        )
    };
    expect(&maps(["0", "-1"]), PROVED);
}

#[test]
fn necessary_is_what_a_run_shows() {
    // mu and the averages are read by nothing that is compared.
    expect(
        &claim("equivalence", "optimizer = \"asgd\"\n[map]\nt0 = 2\n"),
        PROVED,
    );
    let decay = "optimizer = \"adamw\"\nwithout = [\"eps\"]\n[map]\nalpha = 1\nlr = \"-1/2\"\ninit = \"-1/2\"\n";
    let judged = expect(&claim("equivalence", decay), IF);
    let because = &judged.judgement.because;
    assert!(
        because.contains("if weight_decay = 0, and not otherwise"),
        "{because}"
    );
    assert!(judged.witness.is_some());
}

#[test]
fn evidence_that_cannot_be_had_is_a_remark() {
    // Roots of every order, and runs that overflow in f32.
    let fifths = "[map]\nalpha = 1\ninit_A = \"-1/5\"\ninit_B = \"-4/5\"\nlr_A = \"-2/5\"\nlr_B = \"-8/5\"\n";
    expect(&claim("equivalence", fifths), PROVED);
    let sevenths = "[map]\nalpha = 1\ninit_A = \"-1/97\"\ninit_B = \"-96/97\"\nlr_A = \"-2/97\"\nlr_B = \"-192/97\"\n";
    let judged = expect(&claim("equivalence", sevenths), PROVED);
    assert!(!judged.judgement.remarks.is_empty());
}

#[test]
fn constants_are_conserved_and_what_moves_is_not() {
    expect(
        &claim("conserved", "formula = \"s * lr_A / lr_B\"\n"),
        PROVED,
    );
    expect(&claim("conserved", "formula = \"s * A\"\n"), REFUTED);
    expect(&claim("conserved", "formula = \"W - W\"\n"), PROVED);
    expect(&claim("conserved", "formula = \"W / W\"\n"), UNKNOWN);
    // A starts at rest where B is zero, and moves from the second step on.
    expect(
        &claim("conserved", "start = \"lora\"\nformula = \"A\"\n"),
        REFUTED,
    );
}

#[test]
fn identities_know_signs_and_shapes() {
    let identity = |left: &str, right: &str| {
        claim(
            "identity",
            &format!("formula = \"{left}\"\nequals = \"{right}\"\n"),
        )
    };
    expect(&identity("sqrt(A * A)", "A"), REFUTED);
    expect(&identity("s * (A + A)", "2 * s * A"), PROVED);
    expect(&identity("(B @ A).T", "A.T @ B.T"), PROVED);
}

#[test]
fn an_experiment_checks_its_rule_first() {
    let experiment = |setting: &str, lr: &str| {
        let map = format!("[map]\nalpha = 1\nlr = \"{lr}\"\ninit = \"-1/2\"\n");
        let wrong = "[[wrong]]\nname = \"w\"\nmap = { alpha = 1 }\n";
        claim("experiment", &format!("{setting}{map}{wrong}"))
    };
    expect(&experiment("loss = \"l1\"\n", "-2"), REFUTED);
    expect(&experiment("loss = \"l1\"\n", "-1"), IF);
    expect(&experiment("loss = \"mse\"\n", "-1"), UNKNOWN);
    expect(
        &experiment("loss = \"l1\"\noptimizer = \"adam\"\n", "-1"),
        UNKNOWN,
    );
}

#[test]
fn every_model_is_judged_also_where_the_claim_is_false() {
    for model in [
        "attention",
        "mlp_tanh",
        "mlp_relu",
        "loha",
        "lokr",
        "embedding",
        "joint",
        "lora_bias",
        "dora",
    ] {
        let text = |kind: &str, rest: &str| {
            let map = "[map]\nalpha = 1\nlr = 3\n";
            claim(kind, &format!("model = \"{model}\"\n{rest}{map}"))
        };
        expect(&text("equivalence", ""), REFUTED);
        expect(&text("invariant", "conclusion = [\"loss\"]\n"), REFUTED);
        expect(
            &text("survey", "").replace("lr = 3\n", "lr = 3\n[[variant]]\nname = \"v\"\n"),
            REFUTED,
        );
        expect(&text("bits", "arithmetic = \"f32\"\nk = 3\n"), REFUTED);
    }
}

#[test]
fn a_claim_and_its_denial_are_never_both_accepted() {
    let accepted = |text: &str| {
        let verdict = judged(text).judgement.verdict;
        matches!(verdict, Verdict::Proved | Verdict::ProvedIf)
    };
    for (kind, rest) in [
        (
            "equivalence",
            "[map]\nalpha = 1\nlr = -1\ninit_A = \"-1/2\"\n",
        ),
        ("equivalence", "negate = [\"alpha\"]\n[map]\nalpha = 0\n"),
        (
            "freedom",
            "optimizer = \"adam\"\nvary = [\"lr\", \"init\"]\n[map]\nalpha = 1\n",
        ),
        (
            "bits",
            "arithmetic = \"bf16\"\nk = 4\n[map]\nalpha = 1\nlr = -1\ninit = \"-1/2\"\n",
        ),
        ("knobs", "vary = [\"alpha\", \"lr\"]\neffective = 2\n"),
    ] {
        let plain = claim(kind, rest);
        let contrary = claim(kind, &format!("contrary = true\n{rest}"));
        assert!(!(accepted(&plain) && accepted(&contrary)), "{plain}");
    }
}

/// Where exact arithmetic has no answer a difference is one of two enclosures; with too few digits
/// nothing can be told, which is no agreement and no contradiction.
#[test]
fn a_witness_in_enclosures_needs_enough_digits() {
    let text = "model = \"attention\"\n[map]\nsq = 1\nlr = -1\n";
    let judged = expect(&claim("equivalence", text), REFUTED);
    let witness = judged.witness.expect("a witness");
    assert_eq!(witness.arithmetic, "interval:256");
    let coarse = lora_gauge::audit::Witness {
        arithmetic: "interval:4".into(),
        ..witness
    };
    let replayed = coarse.replay().expect("two runs");
    assert!(!replayed.agrees && replayed.found.is_none() && replayed.doubt.is_some());
}
