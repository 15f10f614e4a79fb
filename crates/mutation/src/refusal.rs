//! What a refusal must be, whatever was refused.

/// How many bytes the text of one fault has at most: a path, a problem and a remedy of a few quotations of
/// 120 characters each, or of a list of ten; a character has up to four bytes.
pub const LONGEST_FAULT: usize = 8 * 1_024;

/// Asserts that a fault is a clear one: it says where, what is wrong and what would be right, as sentences
/// that others can be put behind, and a log, a terminal and a person can take its text.
///
/// # Panics
///
/// When it is not.
pub fn assert_clear(path: &str, problem: &str, remedy: &str) {
    let text = format!("{path}: {problem}. {remedy}.");
    for (what, part) in [("problem", problem), ("remedy", remedy)] {
        assert!(part.trim().chars().count() >= 5, "the {what} says nothing: {text:?}");
    }
    assert!(
        !problem.ends_with(['.', ' ', ':', ',']),
        "the problem does not end as a sentence would: {text:?}"
    );
    assert!(
        remedy.starts_with(|c: char| c.is_ascii_uppercase()),
        "the remedy begins in the middle: {text:?}"
    );
    assert!(
        text.len() <= LONGEST_FAULT,
        "it has {} bytes: {}",
        text.len(),
        text.chars().take(500).collect::<String>()
    );
    assert_visible(&text);
}

/// Asserts that a text holds nothing that breaks a line, or that a terminal obeys.
///
/// # Panics
///
/// When it does.
pub fn assert_visible(text: &str) {
    let obeyed = |c: char| {
        c.is_control() || matches!(u32::from(c), 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff)
    };
    if let Some(bad) = text.chars().find(|c| obeyed(*c)) {
        panic!("it holds {bad:?}: {text:?}");
    }
}
