//! How findings are worded.

pub(crate) use profile::fault::quoted;

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn all<S: AsRef<str>>(names: &[S]) -> String {
    joined(names, "and")
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn either<S: AsRef<str>>(names: &[S]) -> String {
    joined(names, "or")
}

/// The first few of `names`, and how many more there are.
pub(crate) fn some<S: AsRef<str>>(names: &[S], more: usize) -> String {
    match more {
        0 => all(names),
        _ => {
            let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
            format!("{} and {more} more", names.join(", "))
        }
    }
}

fn joined<S: AsRef<str>>(names: &[S], word: &str) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, others)) => format!("{} {word} {last}", others.join(", ")),
    }
}

/// `1 profile`, `3 profiles`.
pub(crate) fn count(number: u64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

/// The same sentence with a capital at its beginning.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The same sentence to stand behind a colon.
pub(crate) fn small(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// One word of a command line.
pub(crate) fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/=+@,-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let visible: String = word.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    format!("'{}'", visible.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_a_person_writes_them() {
        assert_eq!(all::<&str>(&[]), "");
        assert_eq!(all(&["a"]), "a");
        assert_eq!(all(&["a", "b", "c"]), "a, b and c");
        assert_eq!(either(&["a", "b"]), "a or b");
        assert_eq!(some(&["a", "b"], 0), "a and b");
        assert_eq!(some(&["a", "b"], 3), "a, b and 3 more");
        assert_eq!((count(1, "day"), count(0, "day")), ("1 day".into(), "0 days".into()));
    }

    #[test]
    fn sentences_change_their_first_letter_only() {
        assert_eq!(capital("élan Vital"), "Élan Vital");
        assert_eq!(small("Write X"), "write X");
        assert_eq!(capital(""), "");
    }

    #[test]
    fn a_word_of_a_command_is_quoted_where_a_shell_would_cut_it() {
        assert_eq!(shell("team:cost/1"), "team:cost/1");
        assert_eq!(shell("two words"), "'two words'");
        assert_eq!(shell("it's"), r"'it'\''s'");
        assert_eq!(shell(""), "''");
    }
}
