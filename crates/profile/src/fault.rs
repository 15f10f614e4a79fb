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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// No faults.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Adds all of `other`.
    pub fn append(&mut self, mut other: Faults) {
        self.0.append(&mut other.0);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    /// Takes the value out of `result`, keeping the fault if there is one.
    pub fn keep<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.push(fault)).ok()
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        Self(faults.into_iter().collect())
    }
}

impl fmt::Display for Faults {
    /// One fault as it is; several numbered, because a CloudFormation reason is a single line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => write!(f, "{only}"),
            faults => {
                write!(f, "{} faults.", faults.len())?;
                for (number, fault) in faults.iter().enumerate() {
                    write!(f, " ({}) {fault}", number + 1)?;
                }
                Ok(())
            }
        }
    }
}

/// A value as it is quoted in a fault: in guillemets, which no AWS alphabet contains, control
/// characters made visible, and at most 120 characters of it.
pub fn quoted(value: &str) -> String {
    const SHOWN: usize = 120;
    let visible: String =
        value.chars().take(SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let more = if value.chars().count() > SHOWN { "…" } else { "" };
    format!("«{visible}{more}»")
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
    fn a_quoted_value_is_short_and_visible() {
        assert_eq!(quoted("a\nb"), "«a\u{fffd}b»");
        assert_eq!(quoted(&"é".repeat(121)), format!("«{}…»", "é".repeat(120)));
    }
}
