//! The test vectors of the IEEE 1788 community (ITF1788) for every operation that there is, in
//! `interval` and `interval:53`.
//!
//! They are read from the folder that `LORA_GAUGE_ITF1788` names, else from `../shared/itf1788`
//! beside the crate; where there is none, that is said and nothing is tested.
//!
//! How the standard's answers map to ours: elements are never empty, so an empty operand is left
//! out and an empty result must be `OpError::Undefined`. Where an operation is not defined on all
//! of its operands, the standard evaluates it on the rest, while here the answer must be
//! `OpError::Undecided` (also for the sign of an interval with 0 and other numbers). Else the
//! result must hold the standard's tightest one; how often it is that very one is counted.
//! `interval:53` has no largest number, so its results are rounded outward into binary64 first.
#![cfg(feature = "mp")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use lora_gauge::arith::{
    Arithmetic, F64, F64Intervals, Function, Interval, MpIntervals, OpError, parse_ratio,
};

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Empty,
    Decorated,
    Interval(f64, f64),
    Number(f64),
    Truth(bool),
}

/// The number that a C++ compiler reads, since the vectors were one's literals.
fn number(text: &str) -> Option<f64> {
    let lower = text.trim().to_lowercase();
    match lower.trim_start_matches('+') {
        "infinity" | "inf" => Some(f64::INFINITY),
        "-infinity" | "-inf" => Some(f64::NEG_INFINITY),
        "nan" => Some(f64::NAN),
        _ => F64.from_ratio(&parse_ratio(&lower).ok()?).ok(),
    }
}

/// The values in `text`, one after the other.
fn values(text: &str) -> Option<Vec<Value>> {
    let (mut rest, mut found) = (text.trim(), vec![]);
    while !rest.is_empty() {
        let end = match rest.starts_with('[') {
            true => rest.find(']')? + 1,
            false => rest.find(char::is_whitespace).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(end);
        rest = after;
        found.push(match token {
            "true" => Value::Truth(true),
            "false" => Value::Truth(false),
            _ if !token.starts_with('[') => Value::Number(number(token)?),
            _ => match token[1..token.len() - 1].trim() {
                "nai" => Value::Decorated,
                "empty" => Value::Empty,
                "entire" => Value::Interval(f64::NEG_INFINITY, f64::INFINITY),
                ends => {
                    let (inf, sup) = ends.split_once(',').unwrap_or((ends, ends));
                    Value::Interval(number(inf)?, number(sup)?)
                }
            },
        });
        if rest.starts_with('_') {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            rest = &rest[end..];
            *found.last_mut()? = Value::Decorated;
        }
        rest = rest.trim_start();
    }
    Some(found)
}

/// What came of one case.
enum Outcome {
    Skipped(&'static str),
    Tightest,
    Holds,
    /// Rightly refused.
    Refused,
}

trait Ours: Arithmetic {
    fn of(&self, inf: f64, sup: f64) -> Option<Self::Elem>;
    fn outward(&self, x: &Self::Elem) -> (f64, f64);
}

impl Ours for F64Intervals {
    fn of(&self, inf: f64, sup: f64) -> Option<Interval<f64>> {
        self.of(inf, sup)
    }
    fn outward(&self, x: &Interval<f64>) -> (f64, f64) {
        (*x.inf(), *x.sup())
    }
}

impl Ours for MpIntervals {
    fn of(&self, inf: f64, sup: f64) -> Option<Interval<rug::Float>> {
        let end = |x| rug::Float::with_val(53, x);
        self.of(end(inf), end(sup))
    }
    fn outward(&self, x: &Interval<rug::Float>) -> (f64, f64) {
        let x = self.to_f64_interval(x);
        (*x.inf(), *x.sup())
    }
}

fn run<C: Ours>(ctx: &C, op: &str, operands: &[Value], expected: &Value) -> Outcome {
    let (mut x, mut power) = (vec![], None);
    for operand in operands {
        match operand {
            Value::Empty => return Outcome::Skipped("an empty operand"),
            Value::Decorated => return Outcome::Skipped("decorated"),
            Value::Truth(_) => return Outcome::Skipped("no such operand"),
            Value::Number(n) => power = Some(*n),
            Value::Interval(inf, sup) => match ctx.of(*inf, *sup) {
                Some(found) => x.push(found),
                None => return Outcome::Skipped("no interval"),
            },
        }
    }
    let mut out = ctx.zero();
    let one = ctx.from_integer(1).expect("a small number");
    let function = |out: &mut C::Elem, f| ctx.function(f, out, &x[0]);
    let done = match (op, &x[..]) {
        ("pos", [x]) => {
            ctx.set(&mut out, x);
            Ok(())
        }
        ("neg", [x]) => {
            ctx.neg(&mut out, x);
            Ok(())
        }
        ("add", [x, y]) => {
            ctx.add(&mut out, x, y);
            Ok(())
        }
        ("sub", [x, y]) => {
            ctx.sub(&mut out, x, y);
            Ok(())
        }
        ("mul", [x, y]) => {
            ctx.mul(&mut out, x, y);
            Ok(())
        }
        ("fma", [x, y, z]) => {
            ctx.set(&mut out, z);
            ctx.mul_add(&mut out, x, y, &mut ctx.zero());
            Ok(())
        }
        ("sqr", [x]) => {
            ctx.square(&mut out, x);
            Ok(())
        }
        ("div", [x, y]) => ctx.div(&mut out, x, y),
        ("recip", [x]) => ctx.div(&mut out, &one, x),
        ("sqrt", [x]) => ctx.sqrt(&mut out, x),
        ("pown", [x]) => match power {
            Some(n) if n >= 0.0 => ctx.power(&mut out, x, n as u64),
            _ => return Outcome::Skipped("a negative power"),
        },
        ("exp", [_]) => function(&mut out, Function::Exp),
        ("log", [_]) => function(&mut out, Function::Ln),
        ("tanh", [_]) => function(&mut out, Function::Tanh),
        ("atan2", [y, x]) => ctx.atan2(&mut out, y, x),
        ("sign", [x]) => ctx.sign(&mut out, x),
        ("abs", [x]) | ("mag" | "mig", [x]) => ctx.abs(&mut out, x),
        ("min", [x, y]) => ctx.min(&mut out, x, y),
        ("max", [x, y]) => ctx.max(&mut out, x, y),
        ("inf" | "sup", [x]) => {
            ctx.set(&mut out, x);
            Ok(())
        }
        ("mid" | "rad", [x]) => {
            let found = if op == "mid" {
                ctx.approx(x)
            } else {
                ctx.radius(x)
            };
            let Value::Number(expected) = expected else {
                panic!("{op}: a number is expected");
            };
            assert!(
                op == "mid" || found >= *expected / 2.0,
                "{op}: {found:e}, {expected:e}"
            );
            return if found == *expected {
                Outcome::Tightest
            } else {
                Outcome::Holds
            };
        }
        ("precedes" | "strictPrecedes" | "disjoint", [x, y]) => {
            let answer = match op {
                "precedes" => ctx.less_equal(x, y) == Ok(true),
                "strictPrecedes" => ctx.less(x, y) == Ok(true),
                _ => ctx.same(x, y) == Ok(false),
            };
            assert_eq!(Value::Truth(answer), *expected, "{op} {operands:?}");
            return Outcome::Tightest;
        }
        _ => return Outcome::Skipped("no such operation here"),
    };
    let context = || format!("{} {op} {operands:?} = {expected:?}", ctx.name());
    match (done, expected) {
        (Err(OpError::Undefined(_)), Value::Empty) => Outcome::Refused,
        (Err(OpError::Undecided(_)), _) => {
            let (inf, sup) = ctx.outward(x.last().expect("an operand"));
            let around = inf <= 0.0 && sup >= 0.0;
            let right = match op {
                "sqrt" => inf < 0.0,
                "div" | "recip" | "sign" => around,
                "log" => inf <= 0.0,
                _ => false,
            };
            assert!(right, "{}", context());
            Outcome::Refused
        }
        (Ok(()), Value::Interval(inf, sup)) => {
            let found = ctx.outward(&out);
            assert!(
                found.0 <= *inf && *sup <= found.1,
                "{}: {found:?}",
                context()
            );
            match found == (*inf, *sup) {
                true => Outcome::Tightest,
                false => Outcome::Holds,
            }
        }
        (Ok(()), Value::Number(expected)) => {
            let (inf, sup) = ctx.outward(&out);
            let found = if matches!(op, "inf" | "mig") {
                inf
            } else {
                sup
            };
            assert_eq!(found, *expected, "{}", context());
            Outcome::Tightest
        }
        // The one operation that answers where the standard does not: the angle of the origin.
        (Ok(()), Value::Empty) if op == "atan2" => Outcome::Holds,
        (done, _) => panic!("{}: {done:?}", context()),
    }
}

fn without_comments(text: &str) -> String {
    let mut plain = String::new();
    for (i, part) in text.split("/*").enumerate() {
        plain += if i == 0 {
            part
        } else {
            part.split_once("*/").map_or("", |p| p.1)
        };
    }
    let lines = plain.lines().map(|l| l.split("//").next().unwrap_or(""));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn vectors_of_ieee_1788() {
    let folder = std::env::var_os("LORA_GAUGE_ITF1788").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/itf1788"),
        PathBuf::from,
    );
    if !folder.is_dir() {
        println!("NOT RUN: no ITF1788 vectors at {}", folder.display());
        return;
    }
    // Of each arithmetic and operation: tightest, only holding, refused.
    let mut counts: BTreeMap<(String, String), [usize; 3]> = BTreeMap::new();
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unread = 0;
    for part in ["elem", "num", "bool"] {
        let path = folder.join(format!("libieeep1788_{part}.itl"));
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let plain = without_comments(&text).replace(['{', '}'], ";");
        for statement in plain.split(';').map(str::trim) {
            let Some((left, right)) = statement.split_once(" = ") else {
                continue;
            };
            let (op, operands) = left.trim().split_once(' ').expect("operands");
            let (Some(operands), Some(expected)) = (values(operands), values(right)) else {
                println!("cannot read: {statement}");
                unread += 1;
                continue;
            };
            let mut count = |name: String, outcome: Outcome| {
                let row = counts.entry((op.to_owned(), name)).or_default();
                match outcome {
                    Outcome::Skipped(why) => *skipped.entry(why).or_default() += 1,
                    Outcome::Tightest => row[0] += 1,
                    Outcome::Holds => row[1] += 1,
                    Outcome::Refused => row[2] += 1,
                }
            };
            let (own, mp) = (F64Intervals::new(), MpIntervals::new(53));
            let [expected] = &expected[..] else {
                count(own.name().to_string(), Outcome::Skipped("two results"));
                count(mp.name().to_string(), Outcome::Skipped("two results"));
                continue;
            };
            count(own.name().to_string(), run(&own, op, &operands, expected));
            count(mp.name().to_string(), run(&mp, op, &operands, expected));
        }
    }
    let mut run = 0;
    for ((op, name), [tightest, holds, refused]) in &counts {
        let all = tightest + holds + refused;
        run += all;
        if all > 0 {
            println!(
                "{op:>16} {name:>12}: {all} run, {tightest} tightest, {holds} valid, {refused} refused"
            );
        }
    }
    println!("ITF1788: {run} cases run in two arithmetics, skipped {skipped:?}, unread {unread}");
    assert_eq!(unread, 0);
    assert!(run > 2000);
}
