//! Changes to a file's structure and bytes, as a function of a number.

use serde_json::{Map, Value, json};

use crate::common::split_mix::SplitMix64;

/// What is changed in a case, and how.
pub struct Dice(SplitMix64);

impl Dice {
    pub fn new(seed: u64, case: u64) -> Self {
        let start =
            seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ case.wrapping_mul(0xd134_2543_de82_ef95);
        Self(SplitMix64(start))
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        self.0.below(n as u64) as usize
    }

    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let at = self.below(all.len());
        &all[at]
    }
}

/// Texts that stand for something in one file or another, or should stand for nothing.
const TEXTS: &[&str] = &[
    "",
    "x",
    "alpha",
    "lr",
    "s",
    "A",
    "B",
    "W",
    "loss",
    "lora",
    "any",
    "sgd",
    "adamw",
    "linear",
    "embedding",
    "mse",
    "norm",
    "rational",
    "prime",
    "f64",
    "interval",
    "interval:64",
    "mp:4000000000",
    "interval:100000000",
    "refuted",
    "proved",
    "S2",
    "P3",
    "-1",
    "0",
    "1/2",
    "1/0",
    "-7/3",
    "4",
    "1e999999999",
    "0x1p+99999",
    "9999999999999999999999999999/7",
    "sqrt(2)",
    "NaN",
    "inf",
    "\u{1b}[2J\u{7}",
    "A @ B",
    "B @ A",
    "((((((((((",
    "0/1",
    "1/1",
    "0/9999999999999",
];

fn nasty(dice: &mut Dice) -> Value {
    match dice.below(20) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(0),
        3 => json!(-1),
        4 => json!(1),
        5 => json!(u64::MAX),
        6 => json!(i64::MIN),
        7 => json!(1_000_000),
        8 => json!(1e308),
        9 => json!(0.1),
        10 => json!([]),
        11 => json!({}),
        12 => json!([[[]]]),
        13 => json!("9".repeat(5000)),
        14 => (0..60).fold(json!(1), |inner, _| json!([inner])),
        _ => json!(dice.of(TEXTS)),
    }
}

/// Whatever is in `value`, by JSON pointer.
fn places(value: &Value) -> Vec<String> {
    fn walk(value: &Value, at: String, all: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (name, inner) in fields {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    walk(inner, format!("{at}/{name}"), all);
                }
            }
            Value::Array(entries) => {
                for (i, inner) in entries.iter().enumerate() {
                    walk(inner, format!("{at}/{i}"), all);
                }
            }
            _ => {}
        }
        all.push(at);
    }
    let mut all = vec![];
    walk(value, String::new(), &mut all);
    all
}

fn texts(value: &Value) -> Vec<String> {
    let all = places(value).into_iter();
    let text = |at: String| value.pointer(&at)?.as_str().map(str::to_owned);
    all.filter_map(text).collect()
}

/// A number that is not far off, or much too large.
fn other_number(number: &str, dice: &mut Dice) -> String {
    match dice.below(6) {
        0 => format!("-{number}"),
        1 => format!("{number}0"),
        2 => format!("{number}/2"),
        3 => format!("1/{number}"),
        4 => "2".to_owned(),
        _ => {
            let digit = char::from(b'0' + dice.below(10) as u8);
            let at = number.find(|c: char| c.is_ascii_digit());
            let mut text = number.to_owned();
            if let Some(at) = at {
                text.replace_range(at..=at, &digit.to_string());
            }
            text
        }
    }
}

fn change(place: &mut Value, others: &[String], dice: &mut Dice) {
    match place {
        Value::Number(number) if dice.below(3) > 0 => {
            let text = other_number(&number.to_string(), dice);
            *place = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
        }
        Value::String(text) if dice.below(3) > 0 => {
            let numeric = text.contains(|c: char| c.is_ascii_digit());
            *text = match numeric && dice.below(2) > 0 {
                true => other_number(text, dice),
                false if dice.below(2) > 0 && !others.is_empty() => dice.of(others).clone(),
                false => (*dice.of(TEXTS)).to_owned(),
            };
        }
        Value::Array(entries) => match dice.below(6) {
            0 => entries.clear(),
            1 if !entries.is_empty() => {
                entries.remove(dice.below(entries.len()));
            }
            2 if !entries.is_empty() => {
                let entry = dice.of(entries).clone();
                entries.push(entry);
            }
            3 if !entries.is_empty() => {
                let entry = dice.of(entries).clone();
                entries.extend(std::iter::repeat_n(entry, 3000));
            }
            4 if entries.len() > 1 => {
                let (i, j) = (dice.below(entries.len()), dice.below(entries.len()));
                entries.swap(i, j);
            }
            _ => entries.push(nasty(dice)),
        },
        Value::Object(fields) => of_object(fields, others, dice),
        other => *other = nasty(dice),
    }
}

fn of_object(fields: &mut Map<String, Value>, others: &[String], dice: &mut Dice) {
    let names: Vec<String> = fields.keys().cloned().collect();
    if names.is_empty() {
        fields.insert((*dice.of(TEXTS)).to_owned(), nasty(dice));
        return;
    }
    let (name, second) = (dice.of(&names).clone(), dice.of(&names).clone());
    match dice.below(6) {
        0 => {
            fields.remove(&name);
        }
        1 => {
            let value = fields[&name].clone();
            fields.insert(second, value);
        }
        2 => {
            let (x, y) = (fields[&name].clone(), fields[&second].clone());
            fields.insert(name, y);
            fields.insert(second, x);
        }
        3 => {
            // The same under another name.
            let value = fields.remove(&name).unwrap_or_default();
            let other = match others.is_empty() || dice.below(2) > 0 {
                true => (*dice.of(TEXTS)).to_owned(),
                false => dice.of(others).clone(),
            };
            fields.insert(other, value);
        }
        4 => {
            fields.insert((*dice.of(TEXTS)).to_owned(), nasty(dice));
        }
        _ => {
            fields.insert(name, nasty(dice));
        }
    }
}

/// The document with a few things changed, mostly one.
pub fn structure(document: &Value, dice: &mut Dice) -> Value {
    let mut document = document.clone();
    for _ in 0..(1 + dice.below(5)).saturating_sub(2).max(1) {
        let all = places(&document);
        let others = texts(&document);
        let at = dice.of(&all).clone();
        if let Some(place) = document.pointer_mut(&at) {
            change(place, &others, dice);
        }
    }
    document
}

/// The text with one to four places changed, whatever they are.
pub fn bytes(text: &str, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..1 + dice.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = dice.below(bytes.len());
        let end = bytes.len().min(at + 1 + dice.below(40));
        match dice.below(7) {
            0 => bytes[at] = dice.below(256) as u8,
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                let to = dice.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            3 => bytes.truncate(at),
            4 => {
                let digits: Vec<usize> = (0..bytes.len())
                    .filter(|i| bytes[*i].is_ascii_digit())
                    .collect();
                if !digits.is_empty() {
                    bytes[*dice.of(&digits)] = b'0' + dice.below(10) as u8;
                }
            }
            5 => {
                let text = dice.of(TEXTS).as_bytes();
                bytes.splice(at..at, text.iter().copied());
            }
            _ => {
                let many = *dice.of(b"[{(\"9-\n");
                bytes.splice(at..at, std::iter::repeat_n(many, 500));
            }
        }
    }
    bytes
}
