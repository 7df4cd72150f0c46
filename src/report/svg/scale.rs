//! Axes: from numbers to positions, and where the ticks stand.

/// The scale of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spread {
    /// Evenly.
    Linear,
    /// By powers of ten; zero has a line of its own before the smallest power.
    Log,
}

/// Numbers beyond this are not drawn, so that no difference overflows.
const LARGEST: f64 = 1e300;
/// The ratio of largest to smallest from which powers of ten read better.
const WIDE: f64 = 50.0;
/// Room between the line of zero and the smallest power, as a part of the axis.
const ZERO_GAP: f64 = 0.1;

/// `true` if a number can be drawn.
pub(super) fn drawable(x: f64) -> bool {
    x.is_finite() && x.abs() <= LARGEST
}

/// An axis from `low` to `high`, at the positions `start` to `end`.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    spread: Spread,
    low: f64,
    high: f64,
    start: f64,
    end: f64,
    has_zero: bool,
    /// Numbers that are ticks themselves, when there are few of them.
    own_ticks: Vec<f64>,
}

impl Scale {
    /// An axis that just holds `values`, which are drawable numbers.
    fn of(values: &[f64], spread: Spread, start: f64, end: f64) -> Self {
        let has_zero = spread == Spread::Log && values.contains(&0.0);
        let kept = values.iter().copied().filter(|v| match spread {
            Spread::Linear => true,
            Spread::Log => *v > 0.0,
        });
        let (mut low, mut high) = kept
            .map(|v| if spread == Spread::Log { v.log10() } else { v })
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
                (low.min(v), high.max(v))
            });
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if spread == Spread::Log {
            (low, high) = (low.floor(), high.ceil());
        }
        if low == high {
            let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            (low, high) = (low - room, high + room);
        }
        Self {
            spread,
            low,
            high,
            start,
            end,
            has_zero,
            own_ticks: vec![],
        }
    }

    /// The y axis of `values`: logarithmic when none is negative and they span a wide range.
    pub fn vertical(values: &[f64], bottom: f64, top: f64) -> Self {
        let mut scale = Self::of(values, spread(values), bottom, top);
        if scale.spread == Spread::Linear {
            // Zero belongs to the picture when the numbers are not far from it.
            if scale.low > 0.0 && scale.low < 0.6 * scale.high {
                scale.low = 0.0;
            }
            let step = step(scale.high - scale.low, 5);
            scale.low = (scale.low / step).floor() * step;
            scale.high = (scale.high / step).ceil() * step;
        }
        scale
    }

    /// The x axis of `values`: logarithmic when they grow by a factor rather than by a
    /// difference, with a tick at each when there are few.
    pub fn horizontal(values: &[f64], left: f64, right: f64) -> Self {
        let mut distinct = values.to_vec();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        let gaps: Vec<f64> = distinct.windows(2).map(|w| w[1] - w[0]).collect();
        let smallest = gaps.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = gaps.iter().copied().fold(0.0, f64::max);
        let grows = gaps.len() >= 2 && largest > 6.0 * smallest;
        let positive = distinct.first().is_some_and(|x| *x > 0.0);
        let spread = if grows && positive {
            Spread::Log
        } else {
            Spread::Linear
        };
        let mut scale = Self::of(&distinct, spread, left, right);
        if spread == Spread::Log
            && let (Some(first), Some(last)) = (distinct.first(), distinct.last())
        {
            (scale.low, scale.high) = (first.log10(), last.log10());
        }
        if distinct.len() <= 8 {
            scale.own_ticks = distinct;
        }
        scale
    }

    /// An x axis on which equal differences are equal distances, with a tick at each number when
    /// there are few.
    pub fn even(values: &[f64], left: f64, right: f64) -> Self {
        let mut distinct = values.to_vec();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        let mut scale = Self::of(&distinct, Spread::Linear, left, right);
        if distinct.len() <= 8 {
            scale.own_ticks = distinct;
        }
        scale
    }

    /// The position of `x`.
    pub fn at(&self, x: f64) -> f64 {
        let length = self.end - self.start;
        let part = match self.spread {
            Spread::Linear => (x - self.low) / (self.high - self.low),
            Spread::Log if x <= 0.0 => return self.start,
            Spread::Log => (x.log10() - self.low) / (self.high - self.low),
        };
        let gap = if self.has_zero { ZERO_GAP } else { 0.0 };
        self.start + length * (gap + (1.0 - gap) * part)
    }

    /// The ticks: number and label.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        if !self.own_ticks.is_empty() {
            let own = self.own_ticks.iter();
            return own.map(|x| (*x, label(*x))).collect();
        }
        match self.spread {
            Spread::Linear => {
                let step = step(self.high - self.low, 5);
                let first = (self.low / step - 1e-9).ceil();
                (0..12)
                    .map(|i| (first + f64::from(i)) * step)
                    .take_while(|x| *x <= self.high + 1e-9 * step)
                    .map(|x| (x, label(x)))
                    .collect()
            }
            Spread::Log => {
                let decades = self.high - self.low;
                let every = (decades / 6.0).ceil().max(1.0);
                let zero = self.has_zero.then(|| (0.0, "0".to_owned()));
                let powers = (0..12)
                    .map(|i| self.low.ceil() + f64::from(i) * every)
                    .take_while(|e| *e <= self.high)
                    .map(|e| (10f64.powf(e), power_of_ten(e)));
                zero.into_iter().chain(powers).collect()
            }
        }
    }
}

fn spread(values: &[f64]) -> Spread {
    let positive = values.iter().copied().filter(|v| *v > 0.0);
    let (low, high) = positive.fold((f64::INFINITY, 0.0f64), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    let all_fit = values.iter().all(|v| *v >= 0.0);
    if all_fit && high > 0.0 && high / low >= WIDE {
        Spread::Log
    } else {
        Spread::Linear
    }
}

/// A round step, so that about `wanted` of them make up `length`.
fn step(length: f64, wanted: u8) -> f64 {
    let raw = length / f64::from(wanted);
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|s| *s >= raw * 0.999);
    // Nothing sensible below the smallest normal number; any positive step keeps ticks finite.
    step.filter(|s| s.is_normal()).unwrap_or(1.0)
}

/// A number as people write it: plain where that is short, else with a power of ten.
pub(super) fn label(x: f64) -> String {
    let size = x.abs();
    if size != 0.0 && !(1e-3..1e5).contains(&size) {
        let text = format!("{x:.2e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        let power = power_of_ten(exponent.parse().unwrap_or(0.0));
        return match digits {
            "1" => power,
            "-1" => format!("−{power}"),
            _ => format!("{}·{power}", digits.replace('-', "−")),
        };
    }
    let text = format!("{x:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0" } else { text }.replace('-', "−")
}

fn power_of_ten(exponent: f64) -> String {
    match exponent as i32 {
        e @ 0..=4 => 10i32.pow(e.unsigned_abs()).to_string(),
        -1 => "0.1".to_owned(),
        -2 => "0.01".to_owned(),
        e => {
            let raised = |c: char| match c {
                '-' => '⁻',
                '1' => '¹',
                '2' => '²',
                '3' => '³',
                c => char::from_u32('⁰' as u32 + c.to_digit(10).unwrap_or(0)).unwrap_or(c),
            };
            format!(
                "10{}",
                e.to_string().chars().map(raised).collect::<String>()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short() {
        assert_eq!(label(0.0), "0");
        assert_eq!(label(-0.25), "−0.25");
        assert_eq!(label(1e-7), "10⁻⁷");
        assert_eq!(label(-2.5e12), "−2.5·10¹²");
        assert_eq!(label(256.0), "256");
        assert_eq!(power_of_ten(-308.0), "10⁻³⁰⁸");
    }

    #[test]
    fn positions_are_always_finite() {
        let cases: [&[f64]; 9] = [
            &[],
            &[0.0],
            &[5.0],
            &[-3.0, -3.0],
            &[1e-300, 1e300],
            &[5e-324, 1.0],
            &[0.0, 5e-324],
            &[-1e300, 1e300],
            &[1e15, 1e15 + 1.0],
        ];
        for values in cases {
            for scale in [
                Scale::vertical(values, 100.0, 0.0),
                Scale::horizontal(values, 0.0, 100.0),
                Scale::even(values, 0.0, 100.0),
            ] {
                for (x, label) in scale.ticks() {
                    assert!(scale.at(x).is_finite(), "{values:?} {x} {label}");
                }
                for x in values {
                    let at = scale.at(*x);
                    assert!((-1.0..=101.0).contains(&at), "{values:?} {x} {at}");
                }
                assert!(scale.ticks().len() <= 13);
            }
        }
    }

    #[test]
    fn powers_of_a_factor_stand_at_equal_distances() {
        let scale = Scale::horizontal(&[0.25, 1.0, 4.0, 16.0, 64.0, 256.0], 0.0, 100.0);
        assert!((scale.at(4.0) - 40.0).abs() < 1e-9);
        assert_eq!(scale.ticks()[0].1, "0.25");
        assert_eq!(Scale::even(&[0.0, 1.0, 100.0], 0.0, 100.0).at(1.0), 1.0);
        let steps: Vec<f64> = (0..20).map(f64::from).collect();
        assert_eq!(Scale::horizontal(&steps, 0.0, 19.0).at(7.0), 7.0);
    }
}
