//! Constraints in words.

use std::collections::BTreeSet;

use crate::arith::{FloatFormat, Ratio, parse_ratio};
use crate::gauge::Options;
use crate::gauge::constrain::{Origin, System};
use crate::gauge::linear::Form;
use crate::gauge::words::{equation, explain, meeting};
use crate::graph::{Dim, StepBuilder};

#[test]
fn operands_that_must_weigh_the_same_meet_in_words() {
    let b = StepBuilder::new();
    let n = Dim::named("n");
    let (a, x) = (b.parameter("A", &n, &n), b.data("X", &n, &n));
    b.set_loss(a.opaque_loss());
    let cases = [
        (a + x, "adds l to r"),
        (a - x, "subtracts r from l"),
        (a.max(x), "takes the larger of l and r"),
        (a.min(x), "takes the smaller of l and r"),
        (a.if_less(x, a, x), "sets l against r"),
        (a.atan2(x), "joins l and r"),
    ];
    let cases = cases.map(|(x, shown)| (x.id(), shown));
    b.update(a, a);
    let step = b.finish().unwrap();
    for (id, shown) in cases {
        assert_eq!(meeting(&step, id, "l", "r"), shown);
    }
}

#[test]
fn constraints_are_said_in_words_with_their_equations() {
    let b = StepBuilder::new();
    let one = Dim::one();
    let (a, x) = (b.parameter("A", &one, &one), b.data("X", &one, &one));
    let (c, d) = (
        b.hyperparameter("c", "c", false),
        b.hyperparameter("d", "d", false),
    );
    b.set_loss(a.opaque_loss());
    let reads = [
        ("sum", a + c * c / d),
        ("exp", a.exp()),
        ("choice", a.if_less(x, x, x)),
        ("cast", a.cast(FloatFormat::F16)),
        ("power", a.pow(b.step_number())),
    ];
    let [leaf, other] = [c.id(), d.id()];
    b.update(a, a);
    for (name, read) in reads {
        b.output(name, read);
    }
    let step = b.finish().unwrap();
    let options = Options {
        held: ["c".to_owned()].into(),
        ..Options::default()
    };
    let system = System::<Ratio>::new(&step, &options, &BTreeSet::new());
    let said = |origin: &Origin, form: &Form<Ratio>| explain(&step, &system, origin, form);
    let all: Vec<String> = system
        .equations
        .iter()
        .map(|e| said(&e.origin, &e.form))
        .collect();
    let expected = [
        "the rest of the network reads `A`: w(A) = 0",
        "`sum` adds `A` to `(c² / d)`: w(A) + w(d) = 2·w(c)",
        "exp is taken of `A`: w(A) = 0",
        "`choice` sets `A` against `X`: w(A) = 0",
        "rounding `A` to f16 commutes with powers of two only: w(A) = 0",
        "`power` follows no factor of `A`: w(A) = 0",
        "`c` is held fixed: w(c) = 0",
    ];
    assert_eq!(all, expected);
    let column = |id| {
        let at = system.columns.iter().position(|c| c.node() == Some(id));
        Form::unknown(at.unwrap())
    };
    for (power, claimed, first) in [
        (
            "0",
            "the map leaves `c` alone",
            "the map leaves the first value of `c` alone",
        ),
        (
            "2",
            "the map multiplies `c` by k^2",
            "the map multiplies the first value of `c` by k^2",
        ),
        (
            "-1/2",
            "the map multiplies `c` by k^(-1/2)",
            "the map multiplies the first value of `c` by k^(-1/2)",
        ),
    ] {
        let power = parse_ratio(power).unwrap();
        let origins = [
            Origin::Claimed {
                leaf,
                power: power.clone(),
            },
            Origin::ClaimedInitial { leaf, power },
        ];
        for (origin, shown) in origins.iter().zip([claimed, first]) {
            assert_eq!(said(origin, &column(leaf)), format!("{shown}: w(c) = 0"));
        }
    }
    // In whole numbers, and with the first unknown on the left.
    let half = Ratio::new(1.into(), 2.into());
    let form = column(other).scaled(&half).minus(&column(leaf));
    assert_eq!(equation(&step, &system, &form), "2·w(c) = w(d)");
}
