//! The table in the README of what proves a claim of each kind, what refutes it and when it stays
//! unknown: every cell that names a way has a claim that goes it.

use lora_gauge::audit::{Judged, Kind, Rung, Verdict};

use crate::common::rules;

fn judged(kind: Kind, rest: &str) -> Judged {
    let kind = kind.name();
    rules::judged(&format!(
        "id = \"x\"\ntitle = \"t\"\nkind = \"{kind}\"\n{rest}"
    ))
}

const NOTE: &str = "[map]\nalpha = 1\nlr = -1\ninit = \"-1/2\"\n";

/// Claims that are proved (perhaps under conditions), refuted and unknown.
fn examples(kind: Kind) -> [Option<String>; 3] {
    let text = |text: &str| Some(text.to_owned());
    let with = |fields: &str, map: &str| Some(format!("{fields}{map}"));
    let wrong = "[[wrong]]\nname = \"w\"\nmap = { alpha = 1 }\n";
    match kind {
        Kind::Equivalence => [
            with("", NOTE),
            text("[map]\nalpha = 1\nlr = -1\n"),
            text("optimizer = \"adam\"\nwithout = [\"eps\"]\nstart = \"lora\"\n[map]\nalpha = 1\n"),
        ],
        Kind::Invariant => [
            with("conclusion = [\"s * A * A\"]\n", NOTE),
            with("conclusion = [\"s * A\"]\n", NOTE),
            text(
                "optimizer = \"adam\"\nwithout = [\"eps\"]\nstart = \"lora\"\nconclusion = [\"s\"]\n[map]\nlr = 1\n",
            ),
        ],
        Kind::Implication => [
            text("premise = [\"W\"]\nconclusion = [\"loss\"]\n"),
            text("premise = [\"loss\"]\nconclusion = [\"A\"]\n"),
            text("premise = [\"B @ A\"]\nconclusion = [\"W\"]\npremise_until = 9\n"),
        ],
        Kind::Uniqueness => [
            with("vary = [\"lr\"]\n", NOTE),
            with(
                "vary = [\"lr_A\", \"lr_B\", \"init_A\", \"init_B\"]\n",
                NOTE,
            ),
            text("vary = [\"lr\"]\n[map]\nalpha = 1\n"),
        ],
        Kind::Freedom => [
            text("vary = [\"lr\", \"init\"]\n[map]\nalpha = 1\n"),
            text("vary = [\"lr\"]\n[map]\nalpha = 1\n"),
            text(
                "optimizer = \"adam\"\nwithout = [\"eps\"]\nstart = \"lora\"\nvary = [\"lr\"]\n[map]\nalpha = 1\n",
            ),
        ],
        Kind::Experiment => [
            Some(format!("loss = \"l1\"\n{NOTE}{wrong}")),
            Some(format!("loss = \"l1\"\n[map]\nalpha = 1\n{wrong}")),
            Some(format!("{NOTE}{wrong}")),
        ],
        Kind::Initialisation => [text(""), None, None],
        Kind::Rank => [text(""), None, text("optimizer = \"adam\"\n")],
        Kind::Survey => [
            Some(format!("{NOTE}[[variant]]\nname = \"l1\"\nloss = \"l1\"\n")),
            Some(format!(
                "terms = [\"weight_decay\"]\n{NOTE}[[variant]]\nname = \"l1\"\nloss = \"l1\"\n"
            )),
            text(
                "[map]\nalpha = 1\n[[variant]]\nname = \"a\"\noptimizer = \"adam\"\nwithout = [\"eps\"]\nstart = \"lora\"\n",
            ),
        ],
        Kind::Identity => [
            text("formula = \"(B @ A).T\"\nequals = \"A.T @ B.T\"\n"),
            text("formula = \"A\"\nequals = \"2 * A\"\n"),
            text("formula = \"sqrt(A * A) * sqrt(A * A)\"\nequals = \"A * A\"\n"),
        ],
        Kind::Conserved => [
            text("formula = \"s * lr_A\"\n"),
            text("formula = \"A\"\n"),
            text("formula = \"A / A\"\n"),
        ],
        Kind::Knobs => [
            text("vary = [\"alpha\", \"init\", \"lr\"]\neffective = 2\n"),
            text("vary = [\"alpha\", \"init\", \"lr\"]\neffective = 3\n"),
            text(
                "optimizer = \"adam\"\nwithout = [\"eps\"]\nstart = \"lora\"\nvary = [\"lr\"]\neffective = 1\n",
            ),
        ],
        Kind::Bits => [
            with("arithmetic = \"bf16\"\nk = 4\n", NOTE),
            with("arithmetic = \"f32\"\nk = 3\n", NOTE),
            text("arithmetic = \"f32\"\nk = 3\n[map]\nalpha = 0\n"),
        ],
        Kind::Empirical => [None, None, text("why = \"it takes data\"\n")],
    }
}

/// The rows of the table, cell by cell.
fn rows() -> Vec<Vec<String>> {
    let readme = include_str!("../README.md");
    let table = readme.split("<!-- kinds -->").nth(1).expect("a table");
    let rows = table
        .lines()
        .filter(|line| line.starts_with("| `") && !line.contains("| `kind`"));
    let cells = |line: &str| line.split('|').map(|c| c.trim().to_owned()).collect();
    rows.map(cells).collect()
}

#[test]
fn every_way_to_a_verdict_is_gone() {
    let rows = rows();
    assert_eq!(rows.len(), Kind::ALL.len());
    for (kind, row) in Kind::ALL.iter().zip(&rows) {
        assert_eq!(row[1], format!("`{}`", kind.name()));
        let wanted: [&[Verdict]; 3] = [
            &[Verdict::Proved, Verdict::ProvedIf],
            &[Verdict::Refuted],
            &[Verdict::Unknown],
        ];
        for (i, example) in examples(*kind).into_iter().enumerate() {
            let way = &row[3 + i];
            let Some(example) = example else {
                // A scheme for each way there is no claim to choose.
                assert!(way == "never" || *kind == Kind::Initialisation, "{row:?}");
                continue;
            };
            assert_ne!(way, "never", "{row:?}");
            let judged = judged(*kind, &example);
            let (judgement, witness) = (&judged.judgement, &judged.witness);
            let verdict = judgement.verdict;
            let because = &judgement.because;
            assert!(
                wanted[i].contains(&verdict),
                "{verdict}: {because}\n{}\n{example}",
                kind.name()
            );
            match verdict {
                Verdict::Unknown => assert!(!because.is_empty()),
                Verdict::Refuted => {
                    let exact = judgement.evidence.iter().any(|e| e.rung < Rung::Search);
                    let replays = witness
                        .as_ref()
                        .is_none_or(|w| w.replay().is_ok_and(|r| r.agrees));
                    assert!(exact && replays, "{example}");
                    let by_a_run = !matches!(kind, Kind::Freedom | Kind::Knobs);
                    assert!(witness.is_some() || !by_a_run, "{example}");
                }
                Verdict::Proved | Verdict::ProvedIf => {
                    let rests = judgement.evidence.iter().any(|e| e.rung < Rung::Search);
                    assert!(rests, "{example}");
                }
            }
        }
    }
}
