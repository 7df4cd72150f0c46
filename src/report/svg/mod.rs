//! Figures as inline SVG, coloured by the page's style sheet: every shape has a class, no shape
//! has a colour. Text sizes are in the units of the view box.

mod chart;
mod ladder;
mod scale;

pub(super) use chart::{SERIES_STYLES, Size, even_figure, figure, has_bars};
pub(super) use ladder::ladder;

/// Text safe between tags and in attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Not allowed in a document, whatever the encoding.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A coordinate with one decimal: finer than a pixel, and the same text on every machine.
fn coordinate(x: f64) -> String {
    let text = format!("{x:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0" } else { text }.to_owned()
}

/// At most `most` characters, the last an ellipsis where something was cut.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        assert_eq!(coordinate(1.0), "1");
        assert_eq!(coordinate(-0.01), "0");
        assert_eq!(coordinate(2.25), "2.2");
    }

    #[test]
    fn text_is_escaped_and_shortened() {
        assert_eq!(escaped("<a b='c'>&\u{1}"), "&lt;a b=&#39;c&#39;&gt;&amp; ");
        assert_eq!(shortened("abcdef", 4), "abc…");
        assert_eq!(shortened("äöü", 3), "äöü");
    }
}
