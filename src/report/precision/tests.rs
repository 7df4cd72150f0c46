//! The forms of a small study in which some numbers are missing.

use std::collections::BTreeMap;

use super::*;
use crate::bound::study::*;

fn magnitude(text: &str, log2: f64) -> Magnitude {
    Magnitude {
        text: text.to_owned(),
        log2: Some(log2),
    }
}

fn quantity(certified: Bound) -> Quantity {
    let drift = magnitude("1.000e-7", -23.25);
    Quantity {
        factor: "1".to_owned(),
        measured: Ok(Drift {
            up: drift.clone(),
            down: drift.clone(),
        }),
        bounds: Bounds {
            certified,
            ..Bounds::none("left <out>")
        },
        by_step: vec![Some(Magnitude::zero()), Some(drift)],
        certified_by_step: vec![None, None],
    }
}

fn study() -> Study {
    let quantities = BTreeMap::from([
        (
            "W".to_owned(),
            quantity(Ok(magnitude("1.234e-330", -1094.9))),
        ),
        ("loss".to_owned(), quantity(Err("a branch".to_owned()))),
    ]);
    let row = Row {
        arith: "f32".to_owned(),
        precision: 24,
        k: "3".to_owned(),
        k_near: 3.0,
        split: Split::Sqrt,
        steps: 1,
        quantities,
        ratio: Ok(magnitude("3.253e1", 5.1)),
        bit_equal: false,
        bits_left: Some(23.2),
        growth_per_step: None,
        own_errors: OwnErrors {
            left: BTreeMap::new(),
            right: BTreeMap::new(),
        },
        ending: Some(Ending {
            step: 3,
            node: "sign(x)".to_owned(),
            entry: (1, 2),
            why: "straddles 0".to_owned(),
        }),
        jump_count: 1,
        jumps: vec![Jump {
            step: 5,
            node: "sign(x)".to_owned(),
            entry: (1, 2),
            left: "+".to_owned(),
            right: "−".to_owned(),
            left_value: "0x1p-9".to_owned(),
            right_value: "-0x1p-9".to_owned(),
        }],
        bit_exact: Err("no | range".to_owned()),
        probability: None,
    };
    Study {
        scenario: Summary {
            name: "<b>".to_owned(),
            model: "linear".to_owned(),
            loss: "l1".to_owned(),
            optimizer: "sgd".to_owned(),
            sizes: BTreeMap::new(),
            ranges: BTreeMap::new(),
        },
        leading: "W".to_owned(),
        rows: vec![row],
        fits: vec![Fit {
            k: "3".to_owned(),
            of: "measured".to_owned(),
            points: vec![(24, (-24.0, -23.5)), (53, (-53.0, -52.0))],
            slope: (-1.0000001, -0.9999999),
            intercept: 0.0,
        }],
        enough: vec![Enough {
            k: "3".to_owned(),
            wanted: 16,
            measured: Some("f32".to_owned()),
            certified: None,
            fitted_bits: Some(17),
            tried_bits: Some(18),
        }],
        reproduce: "lora-gauge precision".to_owned(),
    }
}

#[test]
fn json_has_the_fields_of_the_interface_and_reasons_for_nulls() {
    let value: serde_json::Value = serde_json::from_str(&json(&study()).unwrap()).unwrap();
    assert_eq!(value["schema"], "lora-gauge/precision/1");
    let row = &value["rows"][0];
    assert_eq!(row["drift"]["W"], "1.000e-7");
    assert_eq!(row["bound"]["W"], "1.234e-330");
    assert!(row["bound"]["loss"].is_null());
    assert_eq!(row["why"]["bound"]["loss"], "a branch");
    assert_eq!(row["why"]["adversarial"]["W"], "left <out>");
    assert!(row["bit_exact_k_exponents"].is_null());
    assert_eq!(row["why"]["bit_exact_k_exponents"][""], "no | range");
    assert_eq!(
        (&row["bits_left"], &row["ratio"]),
        (&"23.2".into(), &"3.253e1".into())
    );
    assert_eq!(row["ends_before_jump"], 2);
    assert_eq!(row["bit_equal"], false);
    assert_eq!(
        (&row["optimizer"], &row["loss"], &row["steps"]),
        (&"sgd".into(), &"l1".into(), &1.into())
    );
}

#[test]
fn no_form_has_a_number_that_is_none_or_markup_from_a_file() {
    let study = study();
    let page = html(&study).unwrap();
    for text in [
        &page,
        &markdown(&study),
        &json(&study).unwrap(),
        &terminal(&study, 120),
    ] {
        assert!(!text.contains("NaN") && !text.contains("inf,") && !text.contains("∞"));
    }
    assert!(page.contains("&lt;b&gt;") && !page.contains("<b>"));
    for bad in ["http://", "https://", "<script", "@import", "url("] {
        assert!(!page.contains(bad), "{bad}");
    }
    assert!(page.contains("prefers-color-scheme: dark"));
    assert_eq!(page, html(&study).unwrap());
}

#[test]
fn words_say_where_a_branch_fell_and_how_long_before_the_certificate_ended() {
    let text = terminal(&study(), 120);
    assert!(
        text.contains("the first in step 5: sign(x) at row 1, column 2"),
        "{text}"
    );
    assert!(
        text.contains("the certificate ends in step 3, 2 steps before the first jump"),
        "{text}"
    );
    assert!(text.contains("between −1.000001 and −0.999999"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 120));
}

#[test]
fn ratios_are_written_plainly_where_that_is_short() {
    for (text, plain) in [
        ("5.716e0", "5.716"),
        ("3.253e1", "32.53"),
        ("1.234e3", "1234"),
        ("1.234e4", "1.234e4"),
        ("1.234e-1", "1.234e-1"),
        ("0", "0"),
    ] {
        assert_eq!(super::words::plain(text), plain);
    }
}
