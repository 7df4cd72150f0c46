//! `lora-gauge replay`.

use crate::{Scratch, content, lora};

const WITNESS: &str = "tests/scenarios/rate_alone.json";

#[test]
fn a_confirmed_refutation_is_1_and_says_in_words_what_differs() {
    let ran = lora(&["replay", WITNESS]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let words = "after 1 step, loss at row 0, column 0 is 1/4 on the left and 1 on the right";
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
    assert_eq!(json["found"]["difference"], "-3/4");
    assert_eq!(json["recorded"], json["found"]);
}

#[test]
fn a_replay_that_contradicts_the_file_is_2_and_says_so_even_when_quiet() {
    let scratch = Scratch::new();
    let text = content(WITNESS);
    let another = text.replacen("\"difference\": \"-3/4\"", "\"difference\": \"-1\"", 1);
    // Both sides alike: nothing differs.
    let nothing = text.replacen(
        "\"s\": \"4\", \"lr\": \"1/16\"",
        "\"s\": \"1\", \"lr\": \"1/4\"",
        1,
    );
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
            "lora-gauge/witness/1",
            "lora-gauge/witness/9",
            "field `schema`: found `lora-gauge/witness/9`",
        ),
        (
            "\"arithmetic\": \"rational\"",
            "\"arithmetic\": \"decimal\"",
            "field `arithmetic`: unknown arithmetic `decimal`",
        ),
        (
            "\"verdict\": \"refuted\"",
            "\"verdict\": \"proved\"",
            "field `verdict`: found `proved`, expected `refuted`",
        ),
        (
            "\"optimizer\": \"sgd\"",
            "\"optimizer\": \"sdg\"",
            "field `left`: unknown optimizer `sdg`: expected one of sgd",
        ),
        ("\"steps\": 2", "\"stops\": 2", "unknown field `stops`"),
        (
            "\"n_in\": 1",
            "\"n_in\": 1000000000000",
            "field `left.sizes",
        ),
        ("[\"loss\", \"W\"]", "[\"loss\", \"V\"]", "V"),
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
