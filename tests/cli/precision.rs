//! `lora-gauge precision`.

use super::{Ran, Scratch, lora};

const SMALL: &str = r#"
steps = 3
alpha = 1
[sizes]
batch = 4
n_in = 2
n_out = 2
r = 1
[hyperparameters]
lr = "1/10"
[random]
seed = 1
zero = ["B"]
[precision]
arithmetics = ["f32", "bf16", "mp:60"]
k = [3, 4]
steps = [1, 3]
against_bits = [40, 60, 80]
wanted = 12
"#;

fn small(more: &[&str]) -> Ran {
    let scratch = Scratch::new();
    let file = scratch.file("small.toml", SMALL);
    lora(&[&["precision", &file], more].concat())
}

#[test]
fn the_json_has_what_is_promised() {
    let ran = small(&["--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let value = ran.json();
    assert_eq!(value["schema"], "lora-gauge/precision/1");
    let rows = value["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 12);
    for row in rows {
        for key in [
            "arith",
            "k",
            "optimizer",
            "loss",
            "steps",
            "drift",
            "bound",
            "ratio",
            "bit_equal",
            "bits_left",
            "bit_exact_k_exponents",
        ] {
            assert!(row.get(key).is_some(), "{key}");
        }
        for quantity in ["loss", "W", "A", "B"] {
            assert!(row["drift"][quantity].is_string(), "{row}");
            let bound = &row["bound"][quantity];
            assert!(
                bound.is_string() || row["why"]["bound"][quantity].is_string(),
                "{row}"
            );
        }
        let is_exact = row["k"] == "4";
        assert_eq!(row["bit_equal"], is_exact, "{row}");
        assert_eq!(
            row["drift"]["W"] == "0" && row["drift"]["A"] == "0",
            is_exact,
            "{row}"
        );
        let is_format = row["arith"] != "mp:60";
        assert_eq!(row["bit_exact_k_exponents"].is_object(), is_format, "{row}");
    }
    let slope = |end: &str| -> f64 {
        let text = value["fits"][0][end].as_str().expect("a slope");
        text.parse().expect("a number")
    };
    assert!(slope("slope_from") <= slope("slope_to"));
    assert!((-1.3..-0.7).contains(&slope("slope_from")));
    assert_eq!(value["enough"][0]["measured"], "f32");
}

#[test]
fn the_same_bytes_for_any_number_of_threads() {
    let scratch = Scratch::new();
    // The report names its file, so it must be the same one.
    let file = scratch.file("small.toml", SMALL);
    let with = |threads| lora(&["precision", &file, "--json", "--threads", threads]).out;
    assert_eq!(with("1"), with("3"));
}

#[test]
fn reports_are_written_and_the_table_is_narrow() {
    let scratch = Scratch::new();
    let names =
        ["p.html", "p.md", "p.json"].map(|n| scratch.path(n).to_str().expect("UTF-8").to_owned());
    let ran = small(&[
        "--html",
        &names[0],
        "--markdown",
        &names[1],
        "--json",
        &names[2],
    ]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.lines().all(|line| line.chars().count() <= 120),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("Which precision is enough"), "{}", ran.out);
    for (name, start) in names.iter().zip(["<!doctype html>", "# Precision", "{"]) {
        let text = std::fs::read_to_string(name).expect("a report");
        assert!(text.trim_start().starts_with(start), "{name}");
    }
}

/// What `--example` prints, cut down to what a test has time for, runs.
#[test]
fn the_example_runs() {
    let ran = lora(&["precision", "--example"]);
    assert_eq!(ran.code, 0);
    let mut text = ran.out;
    for (from, to) in [
        (
            r#"["f32", "f64", "bf16", "mp:113", "mp:256", "mp:1024"]"#,
            r#"["f32"]"#,
        ),
        ("[24, 53, 113, 256, 512, 1024]", "[24, 53]"),
        ("steps = [5, 20]", "steps = [2]"),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let scratch = Scratch::new();
    let file = scratch.file("example.toml", &text);
    let ran = lora(&["precision", &file]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(lora(&["run", &file]).code, 0);
}

/// Over ranges of inputs a bound is no smaller, and an enclosure that does not know that both
/// runs have the same input is none.
#[test]
fn ranges_of_inputs_widen_the_bounds() {
    let scratch = Scratch::new();
    let of = |ranges: &str| {
        let text = SMALL
            .replace("[precision]", &format!("{ranges}\n[precision]"))
            .replace(r#"["f32", "bf16", "mp:60"]"#, r#"["f32"]"#)
            .replace("k = [3, 4]", "k = [3]");
        let file = scratch.file("ranges.toml", &text);
        let ran = lora(&["precision", &file, "--json"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let value = ran.json();
        let bound = value["rows"][1]["bound"]["W"].as_str().expect("a bound");
        (bound.parse::<f64>().expect("a number"), value)
    };
    let (point, _) = of("");
    let (over, value) = of("[ranges]\nX = \"1/64\"\nA = \"1/64\"");
    assert!(over > point, "{over} over ranges, {point} without");
    assert_eq!(value["scenario"]["ranges"]["X"], "1/64");
    let row = &value["rows"][1];
    assert!(row["enclosure"]["W"].is_null() && row["drift"]["W"].is_string());
    let why = row["why"]["enclosure"]["W"].as_str().expect("a reason");
    assert!(why.contains("the same one of the inputs"), "{why}");
}

/// The rows that the README shows are what the program prints.
#[test]
fn the_readme_shows_what_is_printed() {
    let example = lora(&["precision", "--example"]).out;
    let text = example
        .replace(
            r#"["f32", "f64", "bf16", "mp:113", "mp:256", "mp:1024"]"#,
            r#"["f32", "f64", "bf16"]"#,
        )
        .replace("[24, 53, 113, 256, 512, 1024]", "[24]")
        .replace("steps = [5, 20]", "steps = [20]");
    let scratch = Scratch::new();
    let file = scratch.file("readme.toml", &text);
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let printed: Vec<String> = lora(&["precision", &file]).out.lines().map(words).collect();
    let readme = include_str!("../../README.md");
    let shown = readme.split("<!-- precision -->").nth(1).expect("rows");
    let shown = shown.lines().map(words).filter(|line| {
        let first = line.split(' ').next().unwrap_or_default();
        ["f32", "f64", "bf16"].contains(&first)
    });
    let shown: Vec<String> = shown.collect();
    assert_eq!(shown.len(), 3, "{shown:?}");
    for line in shown {
        assert!(printed.contains(&line), "{line}\nin {printed:#?}");
    }
}

#[test]
fn bad_input_names_file_field_and_what_is_expected() {
    let scratch = Scratch::new();
    for (from, to, words) in [
        (
            "k = [3, 4]",
            "k = [\"sqrt(3)\"]",
            ["precision.k[0]", "a positive rational"],
        ),
        ("k = [3, 4]", "k = [3, -1]", ["precision.k[1]", "found -1"]),
        ("k = [3, 4]", "k = []", ["precision.k", "at least one"]),
        (
            "\"bf16\"",
            "\"rational\"",
            ["precision.arithmetics[1]", "does not round"],
        ),
        (
            "\"bf16\"",
            "\"f31\"",
            ["precision.arithmetics[1]", "unknown arithmetic `f31`"],
        ),
        (
            "[40, 60, 80]",
            "[40, 1]",
            ["precision.against_bits[1]", "found 1 bits"],
        ),
        ("wanted = 12", "wonted = 12", ["wonted", "expected"]),
        (
            "[precision]",
            "[ranges]\nX = \"-1/8\"\n[precision]",
            ["ranges.X", "not negative"],
        ),
        (
            "[precision]",
            "[ranges]\nQ = \"1/8\"\n[precision]",
            ["ranges.Q", "it has A, B"],
        ),
        ("wanted = 12", "split = \"c\"", ["split", "expected"]),
        (
            "steps = 3",
            "steps = 3\nclip = \"norm\"\n",
            ["precision.split", "sgd"],
        ),
    ] {
        let text = SMALL.replace("[hyperparameters]", "[hyperparameters]\nmax_norm = 1");
        let text = if to.contains("clip") {
            text
        } else {
            SMALL.to_owned()
        };
        assert!(text.contains(from), "{from}");
        let file = scratch.file("bad.toml", text.replacen(from, to, 1));
        let ran = lora(&["precision", &file]);
        assert_eq!(ran.code, 64, "{to}: {}", ran.out);
        assert!(ran.out.is_empty());
        assert!(ran.err.contains("bad.toml: "), "{}", ran.err);
        for word in words {
            assert!(ran.err.contains(word), "{word:?} in {}", ran.err);
        }
    }
    let file = scratch.file("small.toml", SMALL);
    assert_eq!(lora(&["precision", &file, "--json", &file]).code, 64);
    assert_eq!(lora(&["precision", "--json", &file]).code, 64);
    assert_eq!(std::fs::read_to_string(&file).expect("still there"), SMALL);
}
