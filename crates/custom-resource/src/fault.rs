//! What is wrong with an envelope: where, what, and what would be right.

use std::fmt::Write as _;

/// How many characters of an offending value a fault repeats.
const SHOWN_CHARS: usize = 80;

/// One fault of a request's envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}. {remedy}.")]
pub struct Fault {
    /// The envelope's field, e.g. `RequestType`.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
    /// What would be right.
    pub remedy: String,
}

impl Fault {
    pub(crate) fn new(field: &'static str, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { field, problem: problem.into(), remedy: remedy.into() }
    }
}

/// The faults in a row, as one text.
pub(crate) fn joined(faults: &[Fault]) -> String {
    let mut text = String::new();
    for (index, fault) in faults.iter().enumerate() {
        let gap = if index == 0 { "" } else { " " };
        // Writing to a string does not fail.
        let _ = write!(text, "{gap}{fault}");
    }
    text
}

/// A value as a fault repeats it: quoted and shortened.
pub(crate) fn quoted(value: &str) -> String {
    let shown: String = value.chars().take(SHOWN_CHARS).collect();
    let rest = if shown.len() < value.len() { "…" } else { "" };
    format!("«{shown}{rest}»")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_the_field_what_is_wrong_and_what_would_be_right() {
        let fault = Fault::new("RequestType", "«Poke» is not known", "Send Create, Update or Delete");
        assert_eq!(fault.to_string(), "RequestType: «Poke» is not known. Send Create, Update or Delete.");
    }

    #[test]
    fn a_long_value_is_shortened_between_characters() {
        let shown = quoted(&"é".repeat(500));
        assert_eq!(shown, format!("«{}…»", "é".repeat(SHOWN_CHARS)));
        assert_eq!(quoted("short"), "«short»");
    }
}
