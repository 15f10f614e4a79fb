//! Names of the parameters that publish profiles.
//!
//! The rules are those of `PutParameter` (Systems Manager API Reference) and of "Creating Parameter
//! Store parameters" (User Guide): `[a-zA-Z0-9_.\-/]`, at most 15 levels, and a first level that does
//! not begin with `aws` or `ssm` in any case. The limit of 1,011 characters, which counts the ARN that
//! is put before a name, is never reached: a name is kept in a tag as well, and a tag's value has at
//! most 256.

use std::fmt;

use crate::fault::{Fault, quoted};

const NO_SLASH: &str = "does not begin with a slash";
const ALPHABET: &str = "Use letters, digits and _ . - between slashes";
const LONGEST_NAME: usize = 256;
const DEEPEST_NAME: usize = 15;
/// A profile's name has at most 64 characters, which with a slash must fit behind the prefix.
const LONGEST_PREFIX: usize = LONGEST_NAME - 65;

/// What a person sees of a parameter that publishes a profile, in the console.
pub fn description(profile_name: Option<&str>) -> String {
    match profile_name {
        Some(name) => format!("ARN of the inference profile {name}"),
        None => "ARN of an inference profile".to_owned(),
    }
}

/// The path under which every parameter of this installation lies, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterPrefix(String);

impl Default for ParameterPrefix {
    /// `/inference-profiles`.
    fn default() -> Self {
        Self("/inference-profiles".to_owned())
    }
}

impl ParameterPrefix {
    /// Reads the template's `ParameterPrefix`. One slash at the end is dropped.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        const PATH: &str = "ParameterPrefix";
        let prefix = text.strip_suffix('/').unwrap_or(text);
        if prefix.is_empty() {
            let problem = format!("{} names no level", quoted(text));
            return Err(Fault::new(PATH, problem, "Write a path, such as /inference-profiles"));
        }
        let with_slash = format!("/{prefix}");
        if !prefix.starts_with('/') && Self::parse(&with_slash).is_ok() {
            let problem = format!("{} {NO_SLASH}", quoted(prefix));
            return Err(Fault::new(PATH, problem, format!("Write {with_slash}")));
        }
        check_path(PATH, prefix)?;
        if prefix.len() > LONGEST_PREFIX {
            return Err(Fault::new(
                PATH,
                format!("{} has {} characters", quoted(prefix), prefix.len()),
                format!("Write at most {LONGEST_PREFIX}, so that a profile's name fits behind it"),
            ));
        }
        if levels(prefix) >= DEEPEST_NAME {
            return Err(Fault::new(
                PATH,
                format!("{} has {} levels", quoted(prefix), levels(prefix)),
                format!("Write at most {}, so that a name fits beneath", DEEPEST_NAME - 1),
            ));
        }
        Ok(Self(prefix.to_owned()))
    }

    /// The path, with its first slash and without a last one.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `name` lies beneath, at the boundary of a level.
    pub(crate) fn holds(&self, name: &str) -> bool {
        name.strip_prefix(&self.0)
            .and_then(|rest| rest.strip_prefix('/'))
            .is_some_and(|rest| !rest.is_empty())
    }
}

impl fmt::Display for ParameterPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The full name of a parameter that lies, or once lay, under the prefix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterName(String);

impl ParameterName {
    /// The name that a template declares in the property at `path`.
    pub fn declared(path: &str, text: &str, prefix: &ParameterPrefix) -> Result<Self, Fault> {
        if !prefix.holds(text) {
            let last = text.rsplit('/').find(|level| !level.is_empty());
            let last = last.filter(|level| level.bytes().all(is_allowed)).unwrap_or("my-profile");
            return Err(Fault::new(
                path,
                format!("{} does not lie under {prefix}/", quoted(text)),
                format!("Write a name such as {prefix}/{}", last.get(..64).unwrap_or(last)),
            ));
        }
        check_path(path, text)?;
        if text.len() > LONGEST_NAME {
            return Err(Fault::new(
                path,
                format!("{} has {} characters", quoted(text), text.len()),
                format!("Write at most {LONGEST_NAME}"),
            ));
        }
        if levels(text) > DEEPEST_NAME {
            return Err(Fault::new(
                path,
                format!("{} has {} levels", quoted(text), levels(text)),
                format!("Write at most {DEEPEST_NAME}, those of the prefix included"),
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// A declared name that need not lie under the prefix of this deployment: an earlier one may have had
    /// another. `None` when it is no name of a parameter at all.
    pub fn of_any_deployment(text: &str) -> Option<Self> {
        let fits = text.len() <= LONGEST_NAME && levels(text) <= DEEPEST_NAME;
        (fits && wrong_path(text).is_none()).then(|| Self(text.to_owned()))
    }

    /// The name that a profile's own name gives: the prefix, a slash, and the name with `-` for each
    /// space.
    pub fn derived(profile_name: &str, prefix: &ParameterPrefix) -> Result<Self, Fault> {
        let level = profile_name.replace(' ', "-");
        if level.is_empty() || !level.bytes().all(is_allowed) {
            return Err(Fault::new(
                "ParameterName",
                format!("the profile's name {} makes no parameter name", quoted(profile_name)),
                format!("Declare a ParameterName under {prefix}/"),
            ));
        }
        Self::declared("ParameterName", &format!("{prefix}/{level}"), prefix)
    }

    /// The name that a tag records; `None` when it is not one under the prefix, and so not for these
    /// functions to touch.
    pub fn recorded(text: &str, prefix: &ParameterPrefix) -> Option<Self> {
        Self::declared("", text, prefix).ok()
    }

    /// The full name, with its first slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ParameterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a level may contain `byte`.
fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)
}

fn levels(path: &str) -> usize {
    path.split('/').skip(1).count()
}

/// The rules that a prefix and a name share, held for the property at `at`.
fn check_path(at: &str, path: &str) -> Result<(), Fault> {
    match wrong_path(path) {
        Some((problem, remedy)) => Err(Fault::new(at, format!("{} {problem}", quoted(path)), remedy)),
        None => Ok(()),
    }
}

/// Which of those rules `path` breaks: what is wrong with it, and what would be right.
fn wrong_path(path: &str) -> Option<(String, String)> {
    if let Some(bad) = path.chars().find(|c| *c != '/' && !u8::try_from(*c).is_ok_and(is_allowed)) {
        return Some((format!("contains {}", quoted(&bad.to_string())), ALPHABET.to_owned()));
    }
    let Some(inner) = path.strip_prefix('/') else {
        return Some((NO_SLASH.to_owned(), "Begin it with a slash".to_owned()));
    };
    if inner.split('/').any(str::is_empty) {
        let remedy = "Write single slashes, and none at the end".to_owned();
        return Some(("has an empty level".to_owned(), remedy));
    }
    let reserved = |word: &&&str| inner.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let word = ["aws", "ssm"].iter().find(reserved)?;
    Some((format!("begins with {word}, which AWS reserves"), "Choose another first level".to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prefix() -> ParameterPrefix {
        ParameterPrefix::parse("/inference-profiles").unwrap()
    }

    fn refused(text: &str) -> String {
        ParameterName::declared("ParameterName", text, &prefix()).unwrap_err().to_string()
    }

    #[test]
    fn a_prefix_is_a_path_and_its_last_slash_does_not_matter() {
        assert_eq!(prefix().as_str(), "/inference-profiles");
        assert_eq!(ParameterPrefix::parse("/inference-profiles/").unwrap(), prefix());
        assert_eq!(ParameterPrefix::parse("/team/ai_1.x").unwrap().as_str(), "/team/ai_1.x");
    }

    #[test]
    fn a_prefix_that_parameter_store_would_refuse_is_refused() {
        for (text, problem) in [
            ("", "names no level"),
            ("/", "names no level"),
            ("//", "has an empty level"),
            ("a/b", "does not begin with a slash. Write /a/b."),
            ("aws/b", "does not begin with a slash. Begin it with a slash."),
            ("/a//b", "has an empty level"),
            ("/a b", "contains « »"),
            ("/é", "contains «é»"),
            ("/aws", "begins with aws"),
            ("/AWS-x/y", "begins with aws"),
            ("/SsM/y", "begins with ssm"),
            (&"/x".repeat(15), "has 15 levels"),
            (&format!("/{}", "x".repeat(191)), "has 192 characters"),
        ] {
            let fault = ParameterPrefix::parse(text).unwrap_err().to_string();
            assert!(fault.starts_with("ParameterPrefix: «") && fault.contains(problem), "{fault}");
        }
    }

    #[test]
    fn only_the_first_level_is_reserved() {
        assert!(ParameterPrefix::parse("/team/aws").is_ok());
        assert!(ParameterPrefix::parse("/awesome").is_ok());
    }

    #[test]
    fn a_name_lies_under_the_prefix_at_the_boundary_of_a_level() {
        let name =
            ParameterName::declared("ParameterName", "/inference-profiles/team/chat", &prefix()).unwrap();
        assert_eq!(name.as_str(), "/inference-profiles/team/chat");
        for text in ["/inference-profiles-x/a", "/inference-profiles", "/inference-profiles/", "/a", "a", ""]
        {
            assert!(refused(text).contains("does not lie under /inference-profiles/"), "{text}");
        }
        assert_eq!(
            refused("/other/chat"),
            "ParameterName: «/other/chat» does not lie under /inference-profiles/. \
             Write a name such as /inference-profiles/chat."
        );
    }

    #[test]
    fn a_proposed_name_is_short_and_right() {
        for text in [format!("/other/{}", "x".repeat(300)), "/other/a b".to_owned()] {
            let fault = ParameterName::declared("ParameterName", &text, &prefix()).unwrap_err();
            let proposed = fault.remedy.strip_prefix("Write a name such as ").unwrap();
            assert!(ParameterName::declared("", proposed, &prefix()).is_ok(), "{proposed}");
        }
    }

    #[test]
    fn a_name_keeps_the_rules_of_parameter_store_and_fits_a_tag() {
        assert!(refused("/inference-profiles//a").contains("has an empty level"));
        assert!(refused("/inference-profiles/a/").contains("has an empty level"));
        assert!(refused("/inference-profiles/a b").contains("contains « »"));
        assert!(refused(&format!("/inference-profiles{}", "/x".repeat(15))).contains("has 16 levels"));
        let named = |length: usize| format!("/inference-profiles/{}", "x".repeat(length - 20));
        assert!(refused(&named(257)).contains("has 257 characters"));
        assert!(ParameterName::declared("", &named(256), &prefix()).is_ok());
    }

    #[test]
    fn a_profile_s_name_gives_a_parameter_s() {
        let derived = ParameterName::derived("Team chat_1-x", &prefix()).unwrap();
        assert_eq!(derived.as_str(), "/inference-profiles/Team-chat_1-x");
        for name in ["", "a/b", "..é", "a\tb"] {
            assert!(ParameterName::derived(name, &prefix()).is_err(), "{name}");
        }
    }

    #[test]
    fn a_recorded_name_outside_the_prefix_is_not_ours() {
        assert!(ParameterName::recorded("/inference-profiles/a", &prefix()).is_some());
        assert_eq!(ParameterName::recorded("/elsewhere/a", &prefix()), None);
    }

    proptest! {
        #[test]
        fn every_name_that_bedrock_allows_fits_behind_every_prefix(
            prefix in "/[b-r][a-z0-9_.-]{0,189}/?",
            name in "([0-9a-zA-Z][ _-]?){1,32}",
        ) {
            let prefix = ParameterPrefix::parse(&prefix).unwrap();
            let derived = ParameterName::derived(&name, &prefix).unwrap();
            prop_assert_eq!(ParameterName::recorded(derived.as_str(), &prefix), Some(derived));
        }

        #[test]
        fn any_text_is_a_name_or_a_fault(text in "\\PC{0,300}|/inference-profiles/\\PC{0,9}") {
            let _ = ParameterPrefix::parse(&text);
            let _ = ParameterName::declared("P", &text, &prefix());
        }
    }
}
