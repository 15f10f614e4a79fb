//! Texts, spoilt.

use proptest::{collection, prelude::*, sample, string::string_regex};

/// What gets into texts and does harm there: syntax of others, characters that are not seen, that are
/// several, or that are not what they look like.
const PIECES: [&str; 64] = [
    "\0",
    "\n",
    "\r\n",
    "\t",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{ad}",
    "\u{301}",
    "\u{200b}",
    "\u{200d}",
    "\u{202e}",
    "\u{2028}",
    "\u{2029}",
    "\u{2066}",
    "\u{feff}",
    "\u{fffd}",
    "\u{10ffff}",
    "é",
    "e\u{301}",
    "ß",
    "İ",
    "ſ",
    "\u{212a}",
    "Σ",
    "１",
    "٣",
    "語",
    "🦀",
    "👩\u{200d}👩\u{200d}👧",
    "«",
    "»",
    "\"",
    "'",
    "\\",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "*",
    "**",
    "=",
    "|",
    ",",
    ";",
    ":",
    "::",
    ".",
    "..",
    "/",
    "//",
    "-",
    "_",
    " ",
    "  ",
    "%00",
    "$",
    "&",
    "?",
];

/// One slip. Places are counted in characters.
#[derive(Debug, Clone)]
pub enum Mutation {
    /// Something gets in.
    Insert(sample::Index, String),
    /// Some characters are lost.
    Remove(sample::Index, usize),
    /// Some characters come several times.
    Repeat(sample::Index, usize, usize),
    /// A character changes places with the next.
    Transpose(sample::Index),
    /// A character is in the other case.
    OtherCase(sample::Index),
    /// All of them are.
    AllUpper,
    /// All of them are.
    AllLower,
    /// The end is lost.
    Cut(sample::Index),
    /// The end is that of another text.
    Splice(sample::Index, String),
    /// A byte is another one, whatever becomes of its character.
    Byte(sample::Index, u8),
}

impl Mutation {
    /// `text` with this slip.
    pub fn spoil(&self, text: &str) -> String {
        let mut chars: Vec<char> = text.chars().collect();
        let place = |index: &sample::Index| index.index(chars.len() + 1);
        match self {
            Self::Insert(index, piece) => {
                let at = place(index);
                chars.splice(at..at, piece.chars());
            }
            Self::Remove(index, count) => {
                let at = place(index);
                let end = chars.len().min(at + count);
                chars.drain(at..end);
            }
            Self::Repeat(index, count, times) => {
                let at = place(index);
                let end = chars.len().min(at + count);
                let more = chars[at..end].repeat(*times);
                chars.splice(at..at, more);
            }
            Self::Transpose(index) => {
                let at = place(index);
                if at + 1 < chars.len() {
                    chars.swap(at, at + 1);
                }
            }
            Self::OtherCase(index) => {
                let at = place(index);
                if let Some(c) = chars.get_mut(at) {
                    *c = if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
                }
            }
            Self::AllUpper => return text.to_uppercase(),
            Self::AllLower => return text.to_lowercase(),
            Self::Cut(index) => {
                let at = place(index);
                chars.truncate(at);
            }
            Self::Splice(index, other) => {
                let at = place(index);
                chars.truncate(at);
                let other: Vec<char> = other.chars().collect();
                chars.extend(&other[index.index(other.len() + 1)..]);
            }
            Self::Byte(index, byte) => {
                let mut bytes = text.as_bytes().to_vec();
                if !bytes.is_empty() {
                    let at = index.index(bytes.len());
                    bytes[at] = *byte;
                }
                return String::from_utf8_lossy(&bytes).into_owned();
            }
        }
        chars.into_iter().collect()
    }
}

/// Texts that match `pattern`. To write the pattern where a strategy is asked for means the same, but has it
/// parsed for each text that is made.
///
/// # Panics
///
/// When it is no regular expression.
pub fn matching(pattern: &str) -> impl Strategy<Value = String> + use<> {
    string_regex(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"))
}

/// Something that gets into a text: a piece of syntax, an unseen character, or very much of one.
pub fn piece() -> impl Strategy<Value = String> {
    let known = sample::select(&PIECES[..]);
    prop_oneof![
        5 => known.clone().prop_map(str::to_owned),
        4 => matching("[ -~]"),
        2 => matching("[a-zA-Z0-9]{1,3}"),
        1 => matching("\\PC{1,3}"),
        1 => (known, 1..400_usize).prop_map(|(piece, times)| piece.repeat(times)),
        1 => (matching("[a-z0-9.*/:]"), 1..3_000_usize).prop_map(|(piece, times)| piece.repeat(times)),
    ]
}

/// A slip; what it puts in of other texts is of `seeds`.
pub fn mutation(seeds: Vec<String>) -> impl Strategy<Value = Mutation> {
    let place = any::<sample::Index>;
    prop_oneof![
        4 => (place(), piece()).prop_map(|(at, piece)| Mutation::Insert(at, piece)),
        3 => (place(), 1..4_usize).prop_map(|(at, count)| Mutation::Remove(at, count)),
        2 => (place(), 1..8_usize, 1..40_usize).prop_map(|(at, count, times)| Mutation::Repeat(at, count, times)),
        1 => place().prop_map(Mutation::Transpose),
        1 => place().prop_map(Mutation::OtherCase),
        1 => prop_oneof![Just(Mutation::AllUpper), Just(Mutation::AllLower)],
        1 => place().prop_map(Mutation::Cut),
        2 => (place(), sample::select(seeds)).prop_map(|(at, other)| Mutation::Splice(at, other)),
        1 => (place(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
    ]
}

/// A text of `seeds` with none to four slips; most often with one, because what is nearly right shows most.
pub fn spoilt<S: Into<String>>(seeds: impl IntoIterator<Item = S>) -> impl Strategy<Value = String> {
    let seeds: Vec<String> = seeds.into_iter().map(Into::into).collect();
    let mutations = prop_oneof![
        1 => Just(Vec::new()),
        6 => collection::vec(mutation(seeds.clone()), 1),
        3 => collection::vec(mutation(seeds.clone()), 2..5),
    ];
    (sample::select(seeds), mutations)
        .prop_map(|(seed, mutations)| mutations.iter().fold(seed, |text, mutation| mutation.spoil(&text)))
}
