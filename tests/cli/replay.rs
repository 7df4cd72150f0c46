//! `lora-gauge replay`.

use super::{Scratch, content, lora};

const WITNESS: &str = "tests/scenarios/rate_alone.json";

#[test]
fn a_confirmed_refutation_is_1_and_says_in_words_what_differs() {
    let ran = lora(&["replay", WITNESS]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let words = "after 1 step, loss at row 0, column 0 is 49/256 on the left and 1/16 on the right";
    assert!(ran.out.contains(words), "{}", ran.out);
    assert!(ran.out.contains("refuted, exactly as the file says"));
    assert!(ran.err.is_empty(), "{}", ran.err);
}

#[test]
fn the_json_has_its_fields() {
    let json = lora(&["replay", WITNESS, "--json"]).json();
    assert_eq!(json["schema"], "lora-gauge/replay/1");
    assert_eq!(json["verdict"], "refuted");
    assert_eq!(json["agrees"], true);
    assert_eq!(json["found"]["difference"], "33/256");
    assert_eq!(json["recorded"], json["found"]);
}

#[test]
fn a_replay_that_contradicts_the_file_is_2_and_says_so_even_when_quiet() {
    let scratch = Scratch::new();
    let text = content(WITNESS);
    let another = text.replacen("\"difference\": \"33/256\"", "\"difference\": \"-1\"", 1);
    // With k = 1 both sides are alike.
    let nothing = text.replacen("\"k\": \"4\"", "\"k\": \"1\"", 1);
    for (changed, words) in [(another, "another difference"), (nothing, "property holds")] {
        assert_ne!(changed, text);
        let file = scratch.file("witness.json", changed);
        let ran = lora(&["replay", &file, "--quiet"]);
        assert_eq!(ran.code, 2, "{}", ran.out);
        assert!(
            ran.err.contains("CONTRADICTS") && ran.err.contains(words),
            "{}",
            ran.err
        );
        assert_eq!(lora(&["replay", &file, "--json"]).json()["agrees"], false);
    }
}

#[test]
fn a_file_that_is_no_witness_says_what_is_wrong() {
    let scratch = Scratch::new();
    let text = content(WITNESS);
    for (from, to, words) in [
        (
            "lora-gauge/witness/2",
            "lora-gauge/witness/9",
            "field `schema`: found `lora-gauge/witness/9`",
        ),
        (
            "\"arithmetic\": \"rational\"",
            "\"arithmetic\": \"decimal\"",
            "field `arithmetic`: unknown arithmetic `decimal`",
        ),
        (
            "\"arithmetic\": \"rational\"",
            "\"arithmetic\": \"f32\"",
            "field `arithmetic`: found f32",
        ),
        (
            "\"verdict\": \"refuted\"",
            "\"verdict\": \"proved\"",
            "field `verdict`: found `proved`, expected `refuted`",
        ),
        (
            "\"optimizer\": \"sgd\"",
            "\"optimizer\": \"sdg\"",
            "field `run`",
        ),
        (
            "\"optimizer\": \"sgd\"",
            "\"optimizer\": \"signsgd\"",
            "field `run`",
        ),
        ("\"steps\": 1", "\"stops\": 1", "unknown field `stops`"),
        ("\"steps\": 1", "\"steps\": 100000000", "field `run.steps`"),
        ("\"n_in\": 1", "\"n_in\": 1000000000000", "field `run.sizes"),
        ("\"n_in\": 1", "\"n_in\": 2", "tensors"),
        ("\"k\": \"4\"", "\"k\": \"-4\"", "field `k`"),
        (
            "\"id\": \"rate-alone\"",
            "\"id\": \"S2\"",
            "field `claim.id`",
        ),
        ("\"lr\": -1", "\"lt\": -1", "lt"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let file = scratch.file("witness.json", changed);
        let ran = lora(&["replay", &file]);
        assert_eq!(ran.code, 64, "{to}: {}", ran.out);
        assert!(
            ran.err.contains(words) && ran.err.contains("witness.json"),
            "{}",
            ran.err
        );
    }
    let ran = lora(&["replay", "tests/golden/sgd.json"]);
    assert_eq!(ran.code, 64);
    assert!(ran.err.contains("not a witness"), "{}", ran.err);
}

/// Two unrelated runs under the name of a proved claim, a list that is empty, runs of different
/// shapes, control sequences: nothing of that is confirmed, and nothing reaches the terminal.
#[test]
fn false_refutations_are_not_confirmed() {
    for name in [
        "false_refutation_S2.json",
        "false_refutation_hunted.json",
        "panic_shapes.json",
        "terminal_escape.json",
    ] {
        let ran = lora(&["replay", &format!("tests/findings/replay/{name}")]);
        assert_eq!(ran.code, 64, "{name}: {}{}", ran.out, ran.err);
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        let control = |text: &str| text.contains(['\u{1b}', '\u{7}']);
        assert!(!control(&ran.out) && !control(&ran.err), "{name}");
    }
    // The same in today's form.
    let scratch = Scratch::new();
    let text = content(WITNESS).replacen("rate-alone", "x\\u001b]0;PWN\\u0007", 1);
    let ran = lora(&["replay", &scratch.file("escape.json", text)]);
    assert_eq!(ran.code, 64);
    assert!(!ran.err.contains('\u{1b}') && !ran.err.contains('\u{7}'));
    let text = content(WITNESS).replacen("alpha times 4", "\\u001b[2Jalpha\\u0007", 1);
    let ran = lora(&["replay", &scratch.file("escape.json", text)]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(!ran.out.contains('\u{1b}') && !ran.out.contains('\u{7}'));
}
