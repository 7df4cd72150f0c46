//! Soundness of the arithmetics: no exact result escapes from an enclosure, no operation of a
//! half format is rounded twice, and ten mistakes that rigorous code elsewhere has made.
//!
//! `LORA_GAUGE_CASES` multiplies the number of random cases, and `LORA_GAUGE_EXHAUSTIVE=1` goes
//! through all pairs of bfloat16 numbers instead of the documented part.
#![cfg(feature = "mp")]

mod bfloat16;
mod enclosures;
mod operations;
mod ten_mistakes;
