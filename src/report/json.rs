//! A result as JSON.

use super::ReportError;
use crate::audit::Audit;

/// The audit as indented JSON with a final newline. Fields stand in the order in which they are
/// declared, figures of an evidence in alphabetical order, so equal results have equal bytes.
///
/// # Errors
/// [`ReportError::Json`] when serialisation fails.
pub fn json(audit: &Audit) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(audit)?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn what_is_written_can_be_read_back() {
        for audit in sample::audits() {
            let text = json(&audit).unwrap();
            assert!(text.ends_with("}\n"));
            let back: Audit = serde_json::from_str(&text).unwrap();
            assert_eq!(back, audit);
            assert_eq!(json(&back).unwrap(), text);
        }
    }

    #[test]
    fn the_fields_of_the_interface_are_there() {
        let value: serde_json::Value =
            serde_json::from_str(&json(&sample::full()).unwrap()).unwrap();
        assert_eq!(value["schema"], "lora-gauge/audit/1");
        for key in ["proved", "proved-if", "refuted", "unknown"] {
            assert!(value["summary"][key].is_u64(), "{key}");
        }
        let claim = value["claims"][0].as_object().unwrap();
        for key in [
            "id",
            "title",
            "source",
            "verdict",
            "conditions",
            "evidence",
            "witness",
            "reproduce",
        ] {
            assert!(claim.contains_key(key), "{key}");
        }
    }
}
