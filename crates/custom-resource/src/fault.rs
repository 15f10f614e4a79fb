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

/// A value as a fault repeats it: quoted, shortened, and without what a terminal would obey.
pub(crate) fn quoted(value: &str) -> String {
    let mut characters = value.chars();
    let visible = |c: char| if is_invisible(c) { char::REPLACEMENT_CHARACTER } else { c };
    let shown: String = characters.by_ref().take(SHOWN_CHARS).map(visible).collect();
    let rest = if characters.next().is_some() { "…" } else { "" };
    format!("«{shown}{rest}»")
}

/// Control characters, and those that a terminal or a browser obeys like them: separators of lines, marks
/// of direction, what has no width (Unicode, general categories Cc, Cf, Zl and Zp, as far as they are in use).
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
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
        assert_eq!(quoted(&"é".repeat(SHOWN_CHARS)), format!("«{}»", "é".repeat(SHOWN_CHARS)));
    }

    #[test]
    fn a_value_cannot_command_a_terminal() {
        assert_eq!(quoted("a\nb\u{1b}[31m\u{202e}c\u{2028}"), "«a\u{fffd}b\u{fffd}[31m\u{fffd}c\u{fffd}»");
    }
}
