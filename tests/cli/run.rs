//! `lora-gauge run`.

use super::{Scratch, content, lora};

#[test]
fn a_golden_file_agrees_with_pytorch_and_gives_its_json() {
    let ran = lora(&["run", "tests/golden/sgd.json", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let json = ran.json();
    assert_eq!(json["schema"], "lora-gauge/run/1");
    assert_eq!(json["case"], "sgd_s");
    assert_eq!(json["arith"], "f64");
    assert_eq!(json["steps"], 22);
    assert_eq!(json["losses"].as_array().unwrap().len(), 22);
    assert_eq!(json["A"].as_array().unwrap().len(), 22);
    assert_eq!(json["A"][0].as_array().unwrap().len(), 8);
    assert_eq!(json["B"][21].as_array().unwrap().len(), 7);
    assert!(json["final_loss"].as_str().unwrap().starts_with("0x1."));
    assert_eq!(json["pytorch"]["within"], true);
    assert!(json.get("outputs").is_none());
}

#[test]
fn every_golden_file_of_sgd_is_within_the_tolerance() {
    for name in [
        "sgd",
        "sgd_clip_norm",
        "sgd_clip_value",
        "sgd_loraplus",
        "sgd_maximize",
        "sgd_momentum_dampening",
        "sgd_nesterov",
        "sgd_wd",
    ] {
        let ran = lora(&["run", &format!("tests/golden/{name}.json")]);
        assert_eq!(ran.code, 0, "{name}: {}{}", ran.out, ran.err);
        assert!(ran.out.contains("within the tolerance"), "{}", ran.out);
    }
}

#[test]
fn leaving_the_tolerance_is_a_refutation_in_f64_only() {
    let golden = content("tests/golden/sgd.json");
    // One digit of one stored loss.
    let wrong = golden.replacen("\"losses\": [1.53", "\"losses\": [1.63", 1);
    assert_ne!(wrong, golden);
    let scratch = Scratch::new();
    let file = scratch.file("wrong.json", wrong);
    let ran = lora(&["run", &file]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.out.contains("OUTSIDE"), "{}", ran.out);
    assert!(ran.err.contains("leaves the tolerance"), "{}", ran.err);
    assert_eq!(lora(&["run", &file, "--arith", "f32"]).code, 0);
    let json = lora(&["run", &file, "--json"]);
    assert_eq!(
        (json.code, &json.json()["pytorch"]["within"]),
        (1, &false.into())
    );
}

#[test]
fn fewer_and_more_steps_than_the_file_has() {
    for (steps, losses) in [("0", 0), ("3", 3), ("30", 30)] {
        let ran = lora(&["run", "tests/golden/sgd.json", "--steps", steps, "--json"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(ran.json()["losses"].as_array().unwrap().len(), losses);
    }
}

#[test]
fn each_arithmetic_writes_exact_numbers_in_its_own_form() {
    for (arith, starts) in [
        ("f32", "0x1."),
        ("f64", "0x1."),
        ("mp:100", "2."),
        ("rational", ""),
        ("prime", ""),
    ] {
        // The prime field has no signs, so no L1 loss.
        let case = match arith {
            "prime" => "tests/golden/sgd.json",
            _ => "tests/scenarios/seed.toml",
        };
        let ran = lora(&["run", case, "--arith", arith, "--steps", "2", "--json"]);
        assert_eq!(ran.code, 0, "{arith}: {}", ran.err);
        let json = ran.json();
        assert_eq!(json["arith"], arith);
        let loss = json["losses"][0].as_str().unwrap();
        assert!(loss.starts_with(starts), "{arith}: {loss}");
        if arith == "rational" {
            assert!(loss.contains('/'), "{loss}");
        }
    }
}

#[test]
fn momentum_runs_where_numbers_have_no_order() {
    // Its first step is told by t = 1, which the prime field can decide.
    let ran = lora(&["run", "tests/golden/sgd_nesterov.json", "--arith", "prime"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn outputs_are_recorded_before_the_first_step_and_after_each() {
    let args = [
        "run",
        "tests/scenarios/seed.toml",
        "--outputs",
        "W",
        "--json",
    ];
    let json = lora(&args).json();
    assert_eq!(json["outputs"]["W"].as_array().unwrap().len(), 6);
    assert_eq!(json["outputs"]["W"][0].as_array().unwrap().len(), 16);
    let ran = lora(&["run", "tests/scenarios/seed.toml", "--outputs", "V"]);
    assert_eq!(ran.code, 64);
    assert!(
        ran.err.contains("no output `V`") && ran.err.contains('W'),
        "{}",
        ran.err
    );
}

#[test]
fn a_witness_has_two_sides() {
    let run = |side| {
        let file = "tests/scenarios/rate_alone.json";
        let ran = lora(&["run", file, "--side", side, "--arith", "rational", "--json"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.json()
    };
    assert_eq!(run("left")["final_loss"], "49/256");
    assert_eq!(run("right")["final_loss"], "1/16");
}

#[test]
fn what_an_arithmetic_cannot_do_names_node_step_and_entry() {
    let ran = lora(&["run", "tests/scenarios/seed.toml", "--arith", "prime"]);
    assert_eq!(ran.code, 64);
    for part in ["seed.toml", "step 1", "row 0, column 0", "prime", "help:"] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
}

#[cfg(feature = "mp")]
#[test]
fn intervals_show_both_end_points_and_tables_a_radius() {
    let case = "tests/golden/adamw.json";
    let ran = lora(&["run", case, "--arith", "interval:128", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let json = ran.json();
    assert_eq!(json["arith"], "interval:128");
    let loss = json["final_loss"].as_str().unwrap();
    assert!(loss.starts_with('[') && loss.ends_with(']') && loss.contains(", "));
    let ran = lora(&["run", case, "--arith", "interval:128", "--steps", "2"]);
    assert!(ran.out.contains('±'), "{}", ran.out);
    // The run is one number by number, so the loss stays within sight of PyTorch's.
    assert!(ran.out.contains("largest deviation from PyTorch"));
}
