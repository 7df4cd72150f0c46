//! `lora-gauge rules`.

use serde_json::{Value, json};

use super::{command, finish, lora};

fn sgd(options: &[&str]) -> Value {
    let ran = lora(&[&["rules", "sgd", "--json"], options].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let json = ran.json();
    assert_eq!(json["schema"], "lora-gauge/rules/1");
    assert_eq!(json["rules"].as_array().unwrap().len(), 1);
    json["rules"][0].clone()
}

#[test]
fn the_rule_of_sgd() {
    for model in ["linear", "opaque"] {
        let rule = sgd(&["--model", model]);
        assert_eq!(rule["optimizer"], "sgd");
        assert_eq!(rule["model"], model);
        assert_eq!(rule["basis"], json!(["p", "q"]));
        let regime = &rule["regimes"][0];
        assert_eq!(regime["name"], "always");
        assert_eq!(regime["dimension"], 2);
        for (quantity, weight) in [
            ("A", json!(["1", "0"])),
            ("B", json!(["0", "1"])),
            ("s", json!(["-1", "-1"])),
            ("lr_A", json!(["2", "0"])),
            ("lr_B", json!(["0", "2"])),
            ("weight_decay_A", json!(["-2", "0"])),
            ("weight_decay_B", json!(["0", "-2"])),
            ("momentum_A", json!(["0", "0"])),
            ("state.momentum_buffer_A", json!(["-1", "0"])),
            ("state.momentum_buffer_B", json!(["0", "-1"])),
        ] {
            assert_eq!(regime["weights"][quantity], weight, "{quantity}");
        }
        let shared = &regime["shared_lr"];
        assert_eq!(shared["dimension"], 1);
        for (quantity, weight) in [("A", "-1"), ("B", "-1"), ("s", "2"), ("lr", "-2")] {
            assert_eq!(shared["weights_in_sqrt_k"][quantity], weight, "{quantity}");
        }
        assert_eq!(regime["conflicts"], json!([]));
        assert!(regime["invariants"].as_array().unwrap().len() >= 3);
        let certificate = &rule["certificate"];
        assert_eq!(certificate["checked"], true);
        assert!(certificate["nodes"].as_u64().unwrap() > 20);
        assert_eq!(certificate["sha256"].as_str().unwrap().len(), 64);
    }
}

#[test]
fn clipping_by_norm_conflicts_at_its_constant() {
    let rule = sgd(&["--clip", "norm"]);
    let regime = &rule["regimes"][0];
    assert_eq!(regime["dimension"], 0);
    let conflict = &regime["conflicts"][0];
    assert_eq!(conflict["constant"], "1e-6");
    assert!(conflict["node"].as_str().unwrap().starts_with("clip."));
    assert!(
        conflict["because"]
            .as_str()
            .unwrap()
            .contains("adds the constant 1e-6")
    );
    assert_eq!(conflict["without_it"], "exact");
    assert_eq!(conflict["provided"], json!(["p = q"]));
    assert_eq!(conflict["weights"]["A"], conflict["weights"]["B"]);
    assert_eq!(conflict["weights"]["max_norm"], json!(["-1"]));
    let words = lora(&["rules", "sgd", "--clip", "norm"]).out;
    assert!(words.contains("A and B must scale alike"), "{words}");
    // The same without the constant.
    let exact = sgd(&["--clip", "norm-exact"]);
    assert_eq!(exact["regimes"][0]["dimension"], 1);
    assert_eq!(exact["regimes"][0]["remains"], json!(["p = q"]));
    assert_eq!(sgd(&["--clip", "value"])["regimes"][0]["dimension"], 2);
}

#[test]
fn one_rate_for_both_factors_leaves_one_free_factor() {
    let regime = &sgd(&["--shared-lr"])["regimes"][0];
    assert_eq!(regime["dimension"], 1);
    let ties = regime["ties"].as_array().unwrap();
    assert!(ties.iter().any(|tie| tie["tied"] == "lr"), "{ties:?}");
}

#[test]
fn nesterov_leaves_dampening_out_as_pytorch_demands() {
    let ran = lora(&["rules", "sgd", "--flag", "nesterov", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("dampening"), "{}", ran.err);
    let options = &ran.json()["rules"][0]["options"];
    assert_eq!(options["flags"], json!(["nesterov"]));
    assert_eq!(options["off"], json!(["dampening"]));
    assert!(
        lora(&["rules", "sgd", "--flag", "nesterov", "--quiet"])
            .err
            .is_empty()
    );
    let ran = lora(&["rules", "sgd", "--flag", "nesterov", "--off", "momentum"]);
    assert_eq!(ran.code, 64);
    assert!(ran.err.contains("nesterov needs momentum"), "{}", ran.err);
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for (columns, options) in [
        ("120", &[][..]),
        ("80", &[]),
        ("", &[]),
        ("120", &["--clip", "norm"]),
        ("80", &["--clip", "norm", "sgd"]),
        ("80", &["--invariants", "adamw", "sgd"]),
    ] {
        let ran = finish(command(&[&["rules"], options].concat()).env("COLUMNS", columns));
        let width = columns.parse().unwrap_or(120);
        for line in ran.out.lines() {
            assert!(line.chars().count() <= width, "{line}");
        }
    }
}

#[test]
fn without_names_one_row_for_each_optimizer() {
    let table = lora(&["rules"]).out;
    let row = |name: &str| {
        let mut rows = table
            .lines()
            .filter(|l| l.split_whitespace().nth(1) == Some(name));
        rows.next()
            .unwrap_or_else(|| panic!("{name}: {table}"))
            .to_owned()
    };
    for (name, cells) in [
        ("sgd", ["p^2", "p^-2", "–", "k^-1"]),
        ("adam", ["p", "p^-2", "p^-1", "k^(-1/2)"]),
        ("adamw", ["p", "p^-1", "p^-1", "k^(-1/2)"]),
    ] {
        let row = row(name);
        assert!(row.starts_with('✓'), "{row}");
        let found: Vec<&str> = row.split_whitespace().skip(2).take(4).collect();
        assert_eq!(found, cells, "{row}");
    }
    // With a conflict, what stands in the way.
    let clipped = lora(&["rules", "--clip", "norm"]).out;
    assert!(clipped.contains("1e-6 in clip.denominator"), "{clipped}");
}

#[test]
fn directions_with_the_scale_fixed_and_with_one_tensor_alone() {
    let regime = &sgd(&[])["regimes"][0];
    let directions = regime["directions"].as_array().unwrap();
    let names: Vec<&str> = directions
        .iter()
        .map(|d| d["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["k = 1", "A alone", "B alone"]);
    assert_eq!(directions[0]["basis"], json!(["t"]));
    assert_eq!(directions[0]["weights"]["lr_B"], json!(["-2"]));
    assert_eq!(directions[0]["weights"]["s"], json!(["0"]));
    assert_eq!(directions[2]["weights"]["s"], json!(["1"]));
    assert_eq!(directions[2]["weights"]["B"], json!(["-1"]));
    assert_eq!(directions[2]["quotients"]["lr_B/lr_A"], json!(["-2"]));
    let words = lora(&["rules", "sgd"]).out;
    assert!(
        words.contains("With alpha·k and B alone: B·k^-1, lr_B·k^-2"),
        "{words}"
    );
    assert!(
        words.contains("change sign together: A, s, state."),
        "{words}"
    );
}

#[test]
fn invariants_and_latex() {
    let invariants = lora(&["rules", "sgd", "--invariants"]).out;
    assert!(invariants.contains("No rescaling changes:"), "{invariants}");
    let latex = lora(&["rules", "sgd", "--latex"]);
    assert_eq!(latex.code, 0);
    assert!(latex.out.contains("\\begin{document}") && latex.out.contains("p^{2}"));
}

#[test]
fn unknown_names_list_the_choices() {
    for (args, words) in [
        (
            &["rules", "sdg"][..],
            "unknown optimizer `sdg`: expected one of sgd",
        ),
        (
            &["rules", "--model", "cubic"],
            "unknown model `cubic`: expected one of linear, linear_dropout",
        ),
        (
            &["rules", "--loss", "l3"],
            "unknown loss `l3`: expected one of mse, l1",
        ),
        (
            &["rules", "--clip", "paper"],
            "unknown clipping `paper`: expected one of value, norm, norm-exact",
        ),
        (
            &["rules", "sgd", "--flag", "fast"],
            "unknown switch `fast`: expected one of nesterov, maximize",
        ),
        (
            &["rules", "sgd", "--off", "lr"],
            "unknown setting that may be zero `lr`",
        ),
        (
            &["rules", "--model", "opaque", "--loss", "l1"],
            "the opaque model stands for every loss",
        ),
    ] {
        let ran = lora(args);
        assert_eq!(ran.code, 64, "{args:?}");
        assert!(ran.err.contains(words), "{args:?}: {}", ran.err);
    }
}
