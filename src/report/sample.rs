//! Results made by hand that use every field, for the tests of this room.

use crate::audit::{
    Audit, Derivation, DerivationLine, Evidence, Figure, Judgement, PrintedDefinition, Rung,
    Series, Table, Theorem, Verdict,
};
use crate::graph::print::definitions;
use crate::zoo::Recipe;

fn owned(items: &[&str]) -> Vec<String> {
    items.iter().map(|s| (*s).to_owned()).collect()
}

fn claim(id: &str, title: &str, verdict: Verdict, because: &str) -> Judgement {
    Judgement {
        id: id.to_owned(),
        title: title.to_owned(),
        source: "the note, its headline".to_owned(),
        group: String::new(),
        kind: "equivalence".to_owned(),
        verdict,
        because: because.to_owned(),
        conditions: vec![],
        evidence: vec![],
        remarks: vec![],
        witness: None,
        reproduce: format!("lora-gauge audit --only {id}"),
        expected: None,
        tables: vec![],
        figures: vec![],
        derivation: None,
    }
}

fn derivation() -> Derivation {
    let step = Recipe::new("linear", "mse", "sgd")
        .unwrap()
        .build()
        .unwrap();
    let weight = |name: &str| -> Vec<String> {
        let exponents: [&str; 2] = match name.trim_end_matches('⁺') {
            "A" => ["1", "0"],
            "B" => ["0", "1"],
            "u_1" => ["-1", "-1"],
            name if name.ends_with("_A") => ["-1", "0"],
            name if name.ends_with("_B") => ["0", "-1"],
            _ => ["0", "0"],
        };
        owned(&exponents)
    };
    Derivation {
        title: "One step of `sgd` on the linear layer, mean squared error".to_owned(),
        basis: owned(&["p", "q"]),
        lines: definitions(&step)
            .into_iter()
            .map(|d| DerivationLine {
                weight: weight(&d.name),
                quantity: d.name,
                formula: d.text,
                mathml: d.mathml,
            })
            .collect(),
        invariants: owned(&["s*A*B", "lr_A/A^2", "lr_B/B^2", "s^2*lr_A*lr_B"]),
        certificate: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
    }
}

fn theorem(assumptions: &[&str]) -> Theorem {
    Theorem {
        name: "LoraGauge.Trajectory.rescaled_run_is_the_same_run".to_owned(),
        says: "For every field, every size and every gradient oracle, the rescaled run visits the \
               rescaled parameters at every step."
            .to_owned(),
        hypotheses: owned(&[
            "`p` and `q` are not zero",
            "`s' = s/(p q)`",
            "one oracle for both runs",
        ]),
        statement: "forall t, run p q t = rescale p q (run 1 1 t)".to_owned(),
        definitions: vec![PrintedDefinition {
            name: "LoraGauge.Lora.rescale".to_owned(),
            text: "rescale = fun p q x => (p *: x.1, q *: x.2)".to_owned(),
        }],
        assumptions: owned(assumptions),
        prover: "Rocq 9.0".to_owned(),
    }
}

fn drift_figure() -> Figure {
    let line = |name: &str, unit: f64, grow: f64| Series {
        name: name.to_owned(),
        points: (0..=20)
            .map(|i| (f64::from(i), unit * f64::from(i) * grow.powi(i)))
            .collect(),
    };
    Figure {
        title: "Drift of `W` for k = 3, measured and bounded".to_owned(),
        x: "step".to_owned(),
        y: "largest relative difference".to_owned(),
        series: vec![
            line("measured, f32", 3e-8, 1.02),
            line("bound, f32", 2e-7, 1.2),
            line("measured, bf16", 2e-3, 1.03),
            line("bound, bf16 in any summation order", 1.5e-2, 1.2),
        ],
    }
}

fn sweep_figure() -> Figure {
    let ks = [0.25, 1.0, 4.0, 16.0, 64.0, 256.0];
    Figure {
        title: "Final loss over alpha".to_owned(),
        x: "alpha".to_owned(),
        y: "loss after 5 steps".to_owned(),
        series: vec![
            Series {
                name: "rescaled".to_owned(),
                points: ks.iter().map(|k| (*k, 3.17)).collect(),
            },
            Series {
                name: "rate alone".to_owned(),
                points: ks.iter().map(|k| (*k, 3.17 + k.ln().abs() / 9.0)).collect(),
            },
        ],
    }
}

fn bars_figure() -> Figure {
    let bar = |name: &str, y: f64| Series {
        name: name.to_owned(),
        points: vec![(0.0, y)],
    };
    Figure {
        title: "Bits that survive twenty steps".to_owned(),
        x: "arithmetic".to_owned(),
        y: "bits".to_owned(),
        series: vec![
            bar("f64", 49.2),
            bar("f32", 20.8),
            bar("f16", 7.1),
            bar("bf16", 4.4),
        ],
    }
}

/// Every verdict, every rung, every field, and texts that want to break out.
pub(super) fn full() -> Audit {
    let mut s2 = claim(
        "S2",
        "Multiplying alpha by k while dividing the learning rate by k and the initial weights by √k is a no-op",
        Verdict::ProvedIf,
        "The step is homogeneous under the map, so every quantity keeps its weight at every step.",
    );
    s2.conditions = owned(&[
        "k > 0, so that √k exists",
        "both factors are divided, `lora_B` too where it is not zero",
        "no absolute constant enters: no clipping by global norm with its `1e-6`",
    ]);
    let search = Evidence::new(Rung::Search, "No counterexample among random cases.")
        .with("cases", 100_000)
        .with("seed", 42);
    let bound = Evidence::new(
        Rung::Bound,
        "For k = 3 the two runs drift apart by rounding, inside the certified bound.",
    )
    .with("drift of W", "2.98e-7")
    .with("bound", "1.21e-5")
    .with("ratio", "40.6");
    let theorem_evidence = Evidence {
        theorem: Some(theorem(&[])),
        ..Evidence::new(Rung::Theorem, "Compiled from clean with the crate's tests.")
    };
    s2.evidence =
        vec![
        search,
        theorem_evidence,
        Evidence::new(
            Rung::Certificate,
            "A weight for each of 57 nodes, re-checked by the independent checker; holds for all \
             shapes, inputs and step counts.",
        )
        .with("nodes", 57),
        Evidence::new(Rung::Exact, "Equal as rationals for k = 9/4, two hundred random shapes.")
            .with("A at step 3, entry (0, 0)", "-2417851639229258349412352/9007199254740993"),
        Evidence::new(Rung::BitEqual, "Equal bit by bit in f32 for k = 4.")
            .with("exponents of k", "-61 to 57"),
        bound,
        Evidence::new(Rung::Bound, "The same in bf16."),
    ];
    s2.derivation = Some(derivation());
    s2.figures = vec![drift_figure(), sweep_figure(), bars_figure()];
    s2.tables = vec![Table {
        title: "Drift against bound".to_owned(),
        columns: owned(&[
            "arithmetic",
            "k",
            "steps",
            "drift of W",
            "bound",
            "ratio",
            "bit-equal",
        ]),
        rows: vec![
            owned(&["f32", "4", "20", "0", "0", "–", "yes"]),
            owned(&["f32", "3", "20", "0x1.4p-22", "0x1.9ap-17", "40.6", "no"]),
            owned(&[
                "mp:256",
                "3",
                "20",
                "0x1.1c3a5fp-251",
                "0x1.77p-240",
                "2711",
                "no",
            ]),
        ],
    }];
    s2.expected = Some(Verdict::ProvedIf);

    let mut s1 = claim(
        "S1",
        "Scaling alpha by k is equivalent to scaling the learning rate by k and the initial weights by √k",
        Verdict::Proved,
        "It is the inverse of S2.",
    );
    s1.evidence = vec![Evidence {
        theorem: Some(theorem(&[
            "Coq.Reals.ClassicalDedekindReals.sig_forall_dec",
            "functional_extensionality_dep",
        ])),
        ..Evidence::new(Rung::Theorem, "Over the reals.")
    }];
    s1.derivation = Some(derivation());

    let mut s4 = claim(
        "S4",
        "The condition D(f(AB), A_ij)/A_ij = c·D(f(kUV), U_ij)/U_ij, and the same for B",
        Verdict::Refuted,
        "At LoRA's initialisation `B = 0`, so the second condition divides by zero.",
    );
    s4.witness = Some("witnesses/S4-b-is-zero.json".to_owned());
    s4.expected = Some(Verdict::Proved);
    s4.evidence = vec![
        Evidence::new(Rung::Exact, "A 1×1 witness of rank 1 in two steps.")
            .with("difference", "1/4")
            .with("left", "0x1p+0")
            .with("right", "0x1.8p-1"),
    ];

    let mut f20 = claim(
        "F20",
        "The rule is exact in bf16 for k = 4",
        Verdict::Unknown,
        "No bound could be had: the interval of an entry straddles the kink of `sign` at step 2.",
    );
    f20.figures = vec![Figure {
        title: "Nothing measured".to_owned(),
        x: "step".to_owned(),
        y: "drift".to_owned(),
        series: vec![],
    }];

    let long = "an-identifier-without-any-place-to-break-".repeat(4);
    let mut hostile = claim(
        "<script>alert(1)</script>",
        "<script>alert('title')</script> & \"quotes\" | pipes\nand a second line",
        Verdict::Refuted,
        &format!("{long} {}", "A sentence that goes on and on. ".repeat(12)),
    );
    hostile.source = "</section><img src=x onerror=alert(1)>".to_owned();
    hostile.kind = "\"><script>".to_owned();
    hostile.conditions = vec![long.clone(), "`unbalanced".to_owned()];
    hostile.evidence =
        vec![Evidence::new(Rung::Search, "a | b `c|d` <script>").with("<script>", "</dd><script>")];
    hostile.reproduce = "lora-gauge audit '</code></pre><script>'".to_owned();
    hostile.witness = Some(long);
    hostile.tables = vec![Table {
        title: "<script>".to_owned(),
        columns: owned(&["a|b", "<script>"]),
        rows: vec![owned(&["1\n2"]), owned(&["1", "2"])],
    }];
    hostile.figures = vec![Figure {
        title: "<script>".to_owned(),
        x: "</svg><script>".to_owned(),
        y: "y".to_owned(),
        series: vec![Series {
            name: "</text><script>".to_owned(),
            points: vec![(0.0, 1.0), (1.0, 2.0)],
        }],
    }];
    hostile.derivation = Some(Derivation {
        title: "<script>".to_owned(),
        basis: owned(&["<script>", "q"]),
        lines: vec![DerivationLine {
            quantity: "<script>".to_owned(),
            formula: "x = <script>".to_owned(),
            mathml: "<math><script>alert(1)</script></math>".to_owned(),
            weight: owned(&["-1/2", "<script>"]),
        }],
        invariants: owned(&["<script>"]),
        certificate: "<script>".to_owned(),
    });
    // A second claim of the same name must not take the first one's anchor.
    let twin = claim(
        "S2",
        "A team's own S2",
        Verdict::Unknown,
        "Nothing was looked at.",
    );
    Audit::new(vec![s1, s2, s4, f20, hostile, twin])
}

/// The full result, one claim without anything, and none.
pub(super) fn audits() -> Vec<Audit> {
    let bare = claim("X", "", Verdict::Unknown, "");
    vec![full(), Audit::new(vec![bare]), Audit::new(vec![])]
}
