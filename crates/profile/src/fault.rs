//! What is wrong with a declaration: where, what, and what would be right.

use std::fmt;

/// One fault of a declaration.
///
/// The three parts are complete sentences without their final full stop, so that they can be joined
/// for a person: `Tags[2].Key: «aws:owner» begins with «aws:», which AWS reserves. Choose another key.`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: the property's path as the template's author writes it, e.g. `ModelSource.CopyFrom`.
    pub path: String,
    /// What is wrong, with the offending value quoted and shortened.
    pub problem: String,
    /// What would be right.
    pub remedy: String,
}

impl Fault {
    /// A fault at `path`.
    pub fn new(path: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. {}.", self.path, self.problem, self.remedy)
    }
}

/// Every fault that was found, in the order of the declaration: a request is answered with all of
/// them at once, so that a template is mended in one go.
///
/// A request can hold hundreds of thousands of faults, each many times as long as what is at fault. So
/// [`Faults::KEPT`] of them are kept, which nobody reads to their end, and the others are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    kept: Vec<Fault>,
    others: usize,
}

impl Faults {
    /// How many faults are kept: those of 50 tags, the most that a profile can have, with two faults each.
    pub const KEPT: usize = 100;

    /// How many bytes the text of several faults has at most. Written as JSON it can have twice as many, and
    /// an event of CloudWatch Logs takes 256 KiB (User Guide, "CloudWatch Logs quotas").
    pub const LONGEST_TEXT: usize = 64 * 1_024;

    /// No faults.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, fault: Fault) {
        self.push_with(|| fault);
    }

    /// Adds what `fault` makes. It is made only if it is kept.
    pub fn push_with(&mut self, fault: impl FnOnce() -> Fault) {
        if self.kept.len() < Self::KEPT {
            self.kept.push(fault());
        } else {
            self.others += 1;
        }
    }

    /// Adds all of `other`.
    pub fn append(&mut self, other: Faults) {
        self.extend(other.kept);
        self.others += other.others;
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// How many there are, with those that are counted only.
    pub fn count(&self) -> usize {
        self.kept.len() + self.others
    }

    /// The faults that are kept, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.kept.iter()
    }

    /// Takes the value out of `result`, keeping the fault if there is one.
    pub fn keep<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.push(fault)).ok()
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self::from_iter([fault])
    }
}

impl Extend<Fault> for Faults {
    fn extend<I: IntoIterator<Item = Fault>>(&mut self, faults: I) {
        faults.into_iter().for_each(|fault| self.push(fault));
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        let mut all = Self::none();
        all.extend(faults);
        all
    }
}

impl fmt::Display for Faults {
    /// One fault as it is; several numbered, because a CloudFormation reason is a single line, as far as
    /// they fit [`Faults::LONGEST_TEXT`]; and how many more there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// What the two counts, before and behind the faults, have at most.
        const COUNTS: usize = 80;
        if let [only] = self.kept.as_slice() {
            return write!(f, "{only}");
        }
        write!(f, "{} faults.", self.count())?;
        let mut room = Self::LONGEST_TEXT - COUNTS;
        let mut told = 0;
        for fault in &self.kept {
            let text = format!(" ({}) {fault}", told + 1);
            if text.len() > room {
                break;
            }
            room -= text.len();
            told += 1;
            f.write_str(&text)?;
        }
        match self.count() - told {
            0 => Ok(()),
            more => write!(f, " And {more} more."),
        }
    }
}

/// A value as it is quoted in a fault: in guillemets, which no AWS alphabet contains, and as [`shown`].
pub fn quoted(value: &str) -> String {
    format!("«{}»", shown(value))
}

/// What somebody wrote as a fault repeats it: at most 120 characters of it, and in the place of each that
/// cannot be seen, or turns round what is, one that can.
pub fn shown(text: &str) -> String {
    const SHOWN: usize = 120;
    let mut characters = text.chars();
    let visible = |c: char| if is_invisible(c) { char::REPLACEMENT_CHARACTER } else { c };
    let mut shown: String = characters.by_ref().take(SHOWN).map(visible).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// A key that somebody wrote, as a part of a fault's path: as [`shown`], and in guillemets where it could be
/// overlooked.
pub fn key(text: &str) -> String {
    let is_word =
        !text.is_empty() && !text.starts_with(char::is_whitespace) && !text.ends_with(char::is_whitespace);
    if is_word { shown(text) } else { quoted(text) }
}

/// Control characters, and those that a terminal or a browser obeys like them: separators of lines, marks
/// of direction, what has no width (Unicode, general categories Cc, Cf, Zl and Zp, as far as they are in use).
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_fault_reads_as_a_sentence_and_several_are_numbered() {
        let first = Fault::new("A", "«x» is wrong", "Write y");
        let second = Fault::new("B[0]", "it is missing", "Add it");
        assert_eq!(Faults::from(first.clone()).to_string(), "A: «x» is wrong. Write y.");
        assert_eq!(
            Faults::from_iter([first, second]).to_string(),
            "2 faults. (1) A: «x» is wrong. Write y. (2) B[0]: it is missing. Add it."
        );
    }

    #[test]
    fn of_very_many_faults_the_first_are_told_and_the_others_counted() {
        let mut faults: Faults = (0..5_000).map(|n| Fault::new(format!("A[{n}]"), "p", "r")).collect();
        assert_eq!((faults.count(), faults.iter().count()), (5_000, Faults::KEPT));
        let text = faults.to_string();
        assert!(text.starts_with("5000 faults. (1) A[0]: p. r. (2) A[1]: p. r."), "{text}");
        assert!(text.ends_with(" (100) A[99]: p. r. And 4900 more."), "{text}");
        faults.append(Faults::from_iter([Fault::new("B", "p", "r")]));
        let mut more = faults.clone();
        more.append(faults);
        assert_eq!(more.count(), 10_002);
        more.push_with(|| unreachable!("it is not kept"));
    }

    #[test]
    fn long_faults_are_told_as_far_as_they_fit() {
        let long = || Fault::new("A", "é".repeat(1_000), "r");
        let text = Faults::from_iter((0..50).map(|_| long())).to_string();
        assert!(text.len() <= Faults::LONGEST_TEXT && text.len() > Faults::LONGEST_TEXT - 3_000);
        assert!(text.ends_with(" r. And 18 more."), "{}", &text[text.len() - 100..]);
    }

    #[test]
    fn a_quoted_value_is_short_and_visible() {
        assert_eq!(quoted("a\nb"), "«a\u{fffd}b»");
        assert_eq!(quoted("a\u{202e}b\u{2028}c\u{1b}[31m"), "«a\u{fffd}b\u{fffd}c\u{fffd}[31m»");
    }

    #[test]
    fn a_key_that_could_be_overlooked_is_quoted() {
        assert_eq!(key("a key"), "a key");
        assert_eq!([key(""), key(" "), key("key ")], ["«»", "« »", "«key »"]);
        assert_eq!(quoted(&"é".repeat(121)), format!("«{}…»", "é".repeat(120)));
    }
}
