//! Text for people: what is harmless to show, and how numbers, dates and lists are written.

use std::fmt::{self, Write as _};

use time::{Date, Duration, OffsetDateTime, UtcOffset};

/// A character that is shown by a stand-in, because it is invisible, moves others about, or is not allowed
/// in HTML. `None`: it is shown as it is.
///
/// Control characters of ASCII have pictures in Unicode (`␛`); the others are named (`⟨U+202E⟩`). A line
/// break becomes a space.
fn stand_in(character: char) -> Option<StandIn> {
    let picture = |code: u32| char::from_u32(code).map(StandIn::Picture);
    match character {
        '\n' | '\r' | '\t' => Some(StandIn::Picture(' ')),
        '\0'..='\u{1f}' => picture(0x2400 + u32::from(character)),
        '\u{7f}' => picture(0x2421),
        '\u{80}'..='\u{9f}' // C1 controls
        | '\u{ad}' // soft hyphen
        | '\u{61c}' | '\u{200e}' | '\u{200f}' // marks of direction
        | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' // nothing to see
        | '\u{2028}' | '\u{2029}' // separators of lines and paragraphs
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}' // embeddings, overrides, isolates
        | '\u{fff9}'..='\u{fffb}' // annotations
        | '\u{fffe}' | '\u{ffff}' // no characters
        | '\u{e0000}'..='\u{e007f}' // tags, which hide text in text
        => Some(StandIn::Named(u32::from(character))),
        _ => None,
    }
}

enum StandIn {
    Picture(char),
    Named(u32),
}

impl fmt::Display for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Picture(character) => f.write_char(*character),
            Self::Named(code) => write!(f, "⟨U+{code:04X}⟩"),
        }
    }
}

/// Text with every control character made visible.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match stand_in(character) {
            None => out.push(character),
            Some(stand_in) => out.push_str(&stand_in.to_string()),
        }
    }
    out
}

/// Text within HTML, in an element or in a quoted attribute: markup is escaped, and control characters are
/// made visible.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut plain = 0;
        for (at, character) in self.0.char_indices() {
            let entity = match character {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                '\'' => "&#39;",
                _ => match stand_in(character) {
                    None => continue,
                    Some(stand_in) => {
                        f.write_str(&self.0[plain..at])?;
                        stand_in.fmt(f)?;
                        plain = at + character.len_utf8();
                        continue;
                    }
                },
            };
            f.write_str(&self.0[plain..at])?;
            f.write_str(entity)?;
            plain = at + character.len_utf8();
        }
        f.write_str(&self.0[plain..])
    }
}

/// `text`, cut on a character boundary to at most `bytes`, which are at least those of the `…` at its end.
pub(crate) fn shortened(text: &str, bytes: usize) -> String {
    const ELLIPSIS: &str = "…";
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes.saturating_sub(ELLIPSIS.len()));
    format!("{}{ELLIPSIS}", &text[..end])
}

/// `1,204`.
pub(crate) fn number(value: impl Into<u128>) -> String {
    let digits = value.into().to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count as [`number`] takes it.
pub(crate) fn count(value: usize) -> String {
    number(value as u64)
}

/// `1 finding`, `1,204 findings`.
pub(crate) fn counted(value: usize, noun: &str) -> String {
    format!("{} {noun}{}", count(value), if value == 1 { "" } else { "s" })
}

/// `1 March 2026`.
pub(crate) fn day(date: Date) -> String {
    format!("{} {} {}", date.day(), date.month(), date.year())
}

/// `1 March 2026, 06:00 UTC`.
pub(crate) fn moment(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    format!("{}, {:02}:{:02} UTC", day(at.date()), at.hour(), at.minute())
}

/// `4.2 s`, `3 min 10 s`.
pub(crate) fn lasting(duration: Duration) -> String {
    let seconds = duration.whole_seconds().max(0);
    match seconds {
        0..60 => format!("{:.1} s", duration.as_seconds_f64().max(0.0)),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// `a, b and c`.
pub(crate) fn listed<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn markup_is_escaped_in_text_and_in_attributes() {
        let hostile = r#"<script>alert("1")</script> & 'x'"#;
        assert_eq!(
            Escaped(hostile).to_string(),
            "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;"
        );
        assert_eq!(Escaped("Büro 東京 👩‍🔬").to_string(), "Büro 東京 👩‍🔬");
    }

    #[test]
    fn control_characters_and_overrides_are_made_visible() {
        let hostile = "a\u{1b}[31m\0b\u{7f}\u{85}\u{202e}gpj\u{feff}\u{e0041}\nc";
        let shown = "a␛[31m␀b␡⟨U+0085⟩⟨U+202E⟩gpj⟨U+FEFF⟩⟨U+E0041⟩ c";
        assert_eq!(visible(hostile), shown);
        assert_eq!(Escaped(hostile).to_string(), shown);
    }

    #[test]
    fn text_is_cut_on_a_character_boundary_and_never_longer_than_allowed() {
        assert_eq!(shortened("short", 5), "short");
        assert_eq!(shortened("longer", 5), "lo…");
        for bytes in 3..20 {
            assert!(shortened("äöüäöüäöüäöü", bytes).len() <= bytes);
        }
    }

    #[test]
    fn numbers_dates_and_lists_are_written_for_people() {
        assert_eq!(["0", "999", "1,000", "1,234,567"], [0_u64, 999, 1_000, 1_234_567].map(number));
        assert_eq!(counted(1, "finding"), "1 finding");
        assert_eq!(counted(0, "finding"), "0 findings");
        assert_eq!(moment(datetime!(2026-03-01 07:05 +1)), "1 March 2026, 06:05 UTC");
        assert_eq!(lasting(Duration::milliseconds(4_230)), "4.2 s");
        assert_eq!(lasting(Duration::seconds(190)), "3 min 10 s");
        assert_eq!(listed::<&str>(&[]), "");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
    }
}
