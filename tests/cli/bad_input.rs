//! Input that is no run: the message names the file and the field, and nothing panics.

use super::{Scratch, command, content, finish, lora};

/// The file is refused with all of `words` in the message.
fn refused(scratch: &Scratch, text: impl AsRef<[u8]>, words: &[&str]) {
    let file = scratch.file("case.input", text);
    let ran = lora(&["run", &file]);
    assert_eq!(ran.code, 64, "{words:?}: {}", ran.out);
    assert!(ran.out.is_empty(), "{words:?}: {}", ran.out);
    assert!(
        ran.err.starts_with("error: ") && ran.err.contains("case.input: "),
        "{}",
        ran.err
    );
    for word in words {
        assert!(ran.err.contains(word), "expected {word:?} in {}", ran.err);
    }
}

#[test]
fn files_that_cannot_be_read() {
    let scratch = Scratch::new();
    let ran = lora(&["run", "tests/nowhere.json"]);
    assert_eq!(ran.code, 64);
    assert!(
        ran.err
            .contains("tests/nowhere.json: there is no such file"),
        "{}",
        ran.err
    );
    let ran = lora(&["run", "tests"]);
    assert_eq!(ran.code, 64);
    assert!(
        ran.err.contains("tests: found a folder, expected a file"),
        "{}",
        ran.err
    );
    refused(&scratch, "", &["the file is empty"]);
    refused(&scratch, " \n", &["the file is empty"]);
    refused(&scratch, b"steps = 1 # \xff\xfe", &["byte 12 is not UTF-8"]);
    let huge = scratch.path("case.input");
    let file = std::fs::File::create(huge).expect("a file");
    file.set_len((64 << 20) + 1).expect("a sparse file");
    let ran = lora(&["run", scratch.path("case.input").to_str().expect("UTF-8")]);
    assert_eq!(ran.code, 64);
    assert!(ran.err.contains("larger than 64 MiB"), "{}", ran.err);
}

#[test]
fn golden_files_with_one_thing_wrong() {
    let scratch = Scratch::new();
    let golden = content("tests/golden/sgd.json");
    for (from, to, words) in [
        (
            "lora-golden-v1",
            "lora-golden-v9",
            "field `format`: found `lora-golden-v9`, expected `lora-golden-v1`",
        ),
        (
            "\"format\": \"lora-golden-v1\", ",
            "",
            "fields `format` and `schema`: found neither",
        ),
        (
            "\"optimizer\": \"sgd\"",
            "\"optimizer\": \"sdg\"",
            "unknown optimizer `sdg`: expected one of sgd",
        ),
        (
            "\"loss\": \"mse\"",
            "\"loss\": \"mae\"",
            "unknown loss `mae`: expected one of mse, l1, huber, smooth_l1, cross_entropy",
        ),
        (
            "\"steps\": 22",
            "\"steps\": 23",
            "field `losses`: found 22 entries, expected one for each of 23 steps",
        ),
        (
            "\"X\": [-1.2154461538574315, ",
            "\"X\": [",
            "field `X`: 4 × 8 takes 32 values, found 31",
        ),
        (
            "\"X\": [-1.2154461538574315",
            "\"X\": [\"NaN\"",
            "invalid type: string \"NaN\"",
        ),
        (
            "\"X\": [-1.2154461538574315",
            "\"X\": [NaN",
            "not valid JSON",
        ),
        (
            "\"X\": [-1.2154461538574315",
            "\"X\": [1e999",
            "out of range",
        ),
        (
            "\"lr\": 0.05",
            "\"lr\": \"fast\"",
            "field `hyper_A.lr`: found \"fast\", expected a number",
        ),
        ("\"lr\": 0.05", "\"rate\": 0.05", "hyper_B.rate"),
        ("\"nesterov\": false", "\"nesterov\": true", "nesterov"),
        (
            "\"batch\": 4",
            "\"batch\": 18446744073709551615",
            "field `X`",
        ),
        ("\"batch\": 4", "\"batch\": -4", "invalid value"),
        ("\"losses\": ", "\"loses\": ", "missing field `losses`"),
    ] {
        let wrong = golden.replacen(from, to, 1);
        assert_ne!(wrong, golden, "{from}");
        refused(&scratch, wrong, &[words]);
    }
}

#[test]
fn classes_without_end_are_refused_before_they_are_laid_out() {
    let scratch = Scratch::new();
    let golden = content("tests/golden/sgd.json");
    let mut json: serde_json::Value = serde_json::from_str(&golden).expect("JSON");
    json["loss"] = "cross_entropy".into();
    json["Y"] = serde_json::json!([0, 1, 2, 3]);
    json["shapes"]["n_out"] = (1u64 << 62).into();
    refused(
        &scratch,
        json.to_string(),
        &["field `Y`: 4 × 4611686018427387904 is too large"],
    );
}

#[test]
fn scenarios_with_one_thing_wrong() {
    let scratch = Scratch::new();
    let seed = content("tests/scenarios/seed.toml");
    for (from, to, words) in [
        ("loss = \"l1\"", "loss = \"l7\"", "unknown loss `l7`"),
        ("model = \"linear\"", "model = \"opaque\"", "opaque"),
        (
            "optimizer = \"sgd\"",
            "optimizer = \"adamn\"",
            "unknown optimizer `adamn`: expected one of sgd",
        ),
        (
            "reduction = \"mean\"",
            "reduction = \"max\"",
            "unknown reduction `max`: expected one of mean, sum",
        ),
        ("alpha = \"1\"", "alpha = \"one\"", "`one` is not a number"),
        ("alpha = \"1\"", "", "field `alpha`: missing"),
        ("lr = \"1/10\"", "lr = \"NaN\"", "`NaN` is not a number"),
        ("lr = \"1/10\"", "lr = \"1/0\"", "`1/0` is not a number"),
        ("lr = \"1/10\"", "rate = \"1/10\"", "hyperparameters.rate"),
        ("steps = 5", "steps = -5", "steps"),
        (
            "steps = 5",
            "steps = 1000000000000",
            "field `steps`: found 1000000000000, too many",
        ),
        ("steps = 5", "stops = 5", "unknown field `stops`"),
        ("n_in = 4\n", "", "sizes.n_in"),
        ("n_in = 4", "n_in = 4000000000000", "too large"),
        ("r = 2", "r = 0", "field `sizes.r`"),
        ("[random]\nseed = 0\nzero = [\"B\"]", "", "missing: give"),
        ("[sizes]", "[sizes", "line 12"),
    ] {
        let wrong = seed.replacen(from, to, 1);
        assert_ne!(wrong, seed, "{from}");
        refused(&scratch, wrong, &[words]);
    }
}

#[test]
fn unknown_arithmetics_list_the_choices() {
    for (arith, words) in [
        ("f16x", "expected f32, f64, bf16, f16 (or"),
        ("mp:1", "BITS from 2 to"),
        ("mp:abc", "BITS from 2 to"),
        ("mp:99999999999", "BITS from 2 to"),
        ("mp", "BITS from 2 to"),
        ("interval:", "expected interval:BITS"),
        ("interval:1", "expected interval:BITS"),
        ("rational:7", "unknown arithmetic `rational:7`"),
        ("", "expected f32"),
    ] {
        let ran = lora(&["run", "tests/golden/sgd.json", "--arith", arith]);
        assert_eq!(ran.code, 64, "{arith}");
        assert!(ran.err.contains(words), "{arith}: {}", ran.err);
    }
}

/// Numbers from a fixed seed (Knuth's MMIX generator).
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}

#[test]
fn damaged_files_never_make_it_panic() {
    let scratch = Scratch::new();
    let mut draws = Draws(1);
    for name in [
        "tests/golden/sgd.json",
        "tests/golden/sgd_clip_value.json",
        "tests/scenarios/seed.toml",
        "tests/scenarios/rate_alone.json",
    ] {
        let whole = content(name).into_bytes();
        let cut = (0..50).map(|i| whole[..whole.len() * i / 50].to_vec());
        let flipped = (0..50).map(|_| {
            let mut bytes = whole.clone();
            for _ in 0..=draws.below(3) {
                let at = draws.below(bytes.len());
                // Mostly another printable character, so that some damage is well formed.
                bytes[at] = match draws.below(4) {
                    0 => bytes[at] ^ (1 << draws.below(8)),
                    _ => 0x20 + draws.below(0x5f) as u8,
                };
            }
            bytes
        });
        for bytes in cut.chain(flipped.collect::<Vec<_>>()) {
            let file = scratch.file("damaged", &bytes);
            let verbs: &[&[&str]] = if name.contains("rate_alone") {
                &[&["run"], &["replay"]]
            } else {
                &[&["run", "--steps", "2"]]
            };
            for verb in verbs {
                let ran = finish(&mut command(&[verb, &[file.as_str()][..]].concat()));
                let shown = || String::from_utf8_lossy(&bytes).into_owned();
                assert!(!ran.err.contains("panicked"), "{}\n{}", ran.err, shown());
                assert!(
                    [0, 1, 2, 64].contains(&ran.code),
                    "{}\n{}",
                    ran.err,
                    shown()
                );
            }
        }
    }
}
