//! The constraints of the API model on single values, and the text in which the service reports them.
//!
//! As the service does, a check goes on after the first violation and reports them all in one message.

use crate::arns::{Arn, PARTITIONS};
use crate::error::ApiError;

/// A pattern of the API model: its text, for messages, and the rule behind it.
///
/// A value matches as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Pattern {
    /// The regular expression as the API model writes it.
    pub text: &'static str,
    matches: fn(&str) -> bool,
}

impl Pattern {
    /// A pattern of this text, with the rule that it stands for.
    pub const fn new(text: &'static str, matches: fn(&str) -> bool) -> Self {
        Self { text, matches }
    }

    /// Whether the whole value has this form.
    pub fn matches(&self, value: &str) -> bool {
        (self.matches)(value)
    }
}

/// `inferenceProfileName`.
pub const PROFILE_NAME: Pattern = Pattern {
    text: "([0-9a-zA-Z][ _-]?)+",
    matches: |value| separated(value, |c| c.is_ascii_alphanumeric()),
};

/// `description` of a profile.
pub const PROFILE_DESCRIPTION: Pattern = Pattern {
    text: "([0-9a-zA-Z:.][ _-]?)+",
    matches: |value| separated(value, |c| c.is_ascii_alphanumeric() || matches!(c, ':' | '.')),
};

/// `clientRequestToken`.
pub const IDEMPOTENCY_TOKEN: Pattern = Pattern {
    text: "[a-zA-Z0-9]([-a-zA-Z0-9]{0,254}[a-zA-Z0-9])?",
    matches: |value| {
        let inner = value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        inner && !value.is_empty() && value.len() <= 256 && !value.starts_with('-') && !value.ends_with('-')
    },
};

/// Tag keys and values.
pub const TAG: Pattern = Pattern {
    text: "[a-zA-Z0-9\\s._:/=+@-]*",
    matches: |value| {
        value.chars().all(|c| {
            let space = matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r');
            space || c.is_ascii_alphanumeric() || "._:/=+@-".contains(c)
        })
    },
};

/// `modelSource.copyFrom`.
pub const MODEL_SOURCE: Pattern = Pattern {
    text: "arn:aws(|-us-gov|-cn|-iso|-iso-b|-eusc):bedrock:(|[0-9a-z-]{0,20}):(|[0-9]{12}):(inference-profile|\
           foundation-model)/[a-zA-Z0-9-:.]+",
    matches: |value| arn_of(value, &["inference-profile", "foundation-model"]),
};

/// The identifier of a profile in a path: its ARN or its id.
pub const PROFILE_IDENTIFIER: Pattern = Pattern {
    text: "(arn:aws(|-us-gov|-cn|-iso|-iso-b|-eusc):bedrock:(|[0-9a-z-]{0,20}):(|[0-9]{12}):(inference-profile|\
           application-inference-profile)/)?[a-zA-Z0-9-:.]+",
    matches: |value| {
        identifier(value) || arn_of(value, &["inference-profile", "application-inference-profile"])
    },
};

/// The identifier of a foundation model in a path: its ARN or its id.
pub const MODEL_IDENTIFIER: Pattern = Pattern {
    text: "(arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}::foundation-model/[a-z0-9-]{1,63}[.]{1}([a-z0-9-]{1,63}[.])\
           {0,2}[a-z0-9-]{1,63}([:][a-z0-9-]{1,63}){0,2})|([a-z0-9-]{1,63}[.]{1}[a-z0-9-]{1,63}\
           ([.]?[a-z0-9-]{1,63})([:][a-z0-9-]{1,63}){0,2})",
    matches: |value| match Arn::parse(value) {
        Some(arn) => {
            let place = region(arn.region) && !arn.region.is_empty() && arn.account.is_empty();
            place && arn.kind == "foundation-model" && model_id(arn.id)
        }
        None => model_id(value),
    },
};

/// A page token: no white space.
pub const PAGE_TOKEN: Pattern =
    Pattern { text: "\\S*", matches: |value| !value.chars().any(char::is_whitespace) };

/// The ARN of a resource with tags. What it names is looked up afterwards.
pub const TAGGABLE_ARN: Pattern = Pattern {
    text: "arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:([0-9]{12}|):(inference-profile|\
           application-inference-profile|…)/[a-zA-Z0-9-:.]+",
    matches: |value| {
        Arn::parse(value).is_some_and(|arn| {
            let place = !arn.region.is_empty() && region(arn.region) && account(arn.account);
            let partition = arn.partition == "aws" || arn.partition.starts_with("aws-");
            place && partition && arn.id.split('/').all(identifier)
        })
    },
};

/// `X` with at most one separator after it, repeated at least once.
fn separated(value: &str, letter: impl Fn(char) -> bool) -> bool {
    let mut after_letter = false;
    for c in value.chars() {
        if letter(c) {
            after_letter = true;
        } else if matches!(c, ' ' | '_' | '-') && after_letter {
            after_letter = false;
        } else {
            return false;
        }
    }
    !value.is_empty()
}

fn identifier(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.'))
}

fn region(value: &str) -> bool {
    value.len() <= 20 && value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn account(value: &str) -> bool {
    value.is_empty() || (value.len() == 12 && value.chars().all(|c| c.is_ascii_digit()))
}

fn arn_of(value: &str, kinds: &[&str]) -> bool {
    Arn::parse(value).is_some_and(|arn| {
        PARTITIONS.contains(&arn.partition)
            && region(arn.region)
            && account(arn.account)
            && kinds.contains(&arn.kind)
            && identifier(arn.id)
    })
}

fn model_id(value: &str) -> bool {
    let label = |part: &str| {
        let letters = part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        letters && (1..=63).contains(&part.len())
    };
    let mut colons = value.split(':');
    let names: Vec<&str> = colons.next().unwrap_or_default().split('.').collect();
    let versions: Vec<&str> = colons.collect();
    (2..=4).contains(&names.len())
        && versions.len() <= 2
        && names.iter().chain(&versions).all(|part| label(part))
}

/// Gathers the violations of one request.
#[derive(Debug, Default)]
pub struct Check {
    violations: Vec<String>,
}

/// What a value must be.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Fewest characters.
    pub min: usize,
    /// Most characters.
    pub max: usize,
    /// The form, if there is one.
    pub pattern: Option<Pattern>,
    /// A sensitive value is left out of the message.
    pub sensitive: bool,
}

impl Rule {
    /// A rule with a length and a form.
    pub const fn new(min: usize, max: usize, pattern: Pattern) -> Self {
        Self { min, max, pattern: Some(pattern), sensitive: false }
    }

    /// The same rule for a value that a message must not repeat.
    pub const fn sensitive(self) -> Self {
        Self { sensitive: true, ..self }
    }
}

impl Check {
    /// A value that must be there.
    pub fn required(&mut self, at: &str, value: Option<&str>, rule: Rule) {
        match value {
            Some(value) => self.string(at, value, rule),
            None => self.missing(at),
        }
    }

    /// A value that may be left out.
    pub fn optional(&mut self, at: &str, value: Option<&str>, rule: Rule) {
        if let Some(value) = value {
            self.string(at, value, rule);
        }
    }

    /// A member that must be there and is not.
    pub fn missing(&mut self, at: &str) {
        self.violations
            .push(format!("Value null at '{at}' failed to satisfy constraint: Member must not be null"));
    }

    fn string(&mut self, at: &str, value: &str, rule: Rule) {
        let shown = if rule.sensitive { "Value".to_owned() } else { format!("Value '{value}'") };
        let length = value.chars().count();
        let mut violated = |text: String| {
            self.violations
                .push(format!("{shown} at '{at}' failed to satisfy constraint: Member must {text}"));
        };
        if length < rule.min {
            violated(format!("have length greater than or equal to {}", rule.min));
        }
        if length > rule.max {
            violated(format!("have length less than or equal to {}", rule.max));
        }
        if let Some(pattern) = rule.pattern.filter(|pattern| length > 0 && !pattern.matches(value)) {
            violated(format!("satisfy regular expression pattern: {}", pattern.text));
        }
    }

    /// A number between two bounds.
    pub fn range(&mut self, at: &str, value: Option<i64>, min: i64, max: i64) {
        let Some(value) = value else { return };
        let mut violated = |text: String| {
            self.violations.push(format!(
                "Value '{value}' at '{at}' failed to satisfy constraint: Member must have value {text}"
            ));
        };
        if value < min {
            violated(format!("greater than or equal to {min}"));
        }
        if value > max {
            violated(format!("less than or equal to {max}"));
        }
    }

    /// A list of at most so many elements.
    pub fn at_most(&mut self, at: &str, length: usize, max: usize) {
        if length > max {
            self.violations.push(format!(
                "Value at '{at}' failed to satisfy constraint: Member must have length less than or equal to {max}"
            ));
        }
    }

    /// A value out of a set.
    pub fn one_of(&mut self, at: &str, value: Option<&str>, allowed: &[&str]) {
        if let Some(value) = value.filter(|value| !allowed.contains(value)) {
            let set = allowed.join(", ");
            self.violations.push(format!(
                "Value '{value}' at '{at}' failed to satisfy constraint: Member must satisfy enum value set: [{set}]"
            ));
        }
    }

    /// The service's answer to all that was found, if anything was.
    pub fn finish(self) -> Result<(), ApiError> {
        let count = self.violations.len();
        if count == 0 {
            return Ok(());
        }
        let plural = if count == 1 { "error" } else { "errors" };
        Err(ApiError::validation(format!(
            "{count} validation {plural} detected: {}",
            self.violations.join("; ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn holds(pattern: Pattern, good: &[&str], bad: &[&str]) {
        for value in good {
            assert!(pattern.matches(value), "{value:?} should match {}", pattern.text);
        }
        for value in bad {
            assert!(!pattern.matches(value), "{value:?} should not match {}", pattern.text);
        }
    }

    #[test]
    fn names() {
        let bad = ["", "-a", "a--b", "a  b", "a- b", "a.b", "ä", "a\n", " a", "a/b"];
        holds(PROFILE_NAME, &["a", "team-a_chat 1", "a-", "A b "], &bad);
    }

    #[test]
    fn descriptions() {
        let bad = ["", " a", "a (b)", "a, b", "a; b", "a  b", "a--b", "a\nb"];
        holds(PROFILE_DESCRIPTION, &["Chat of team a.", "a: b.c", ":", "a-b_c d"], &bad);
    }

    #[test]
    fn tokens() {
        let long = "a".repeat(257);
        holds(IDEMPOTENCY_TOKEN, &["a", "a-b", "0-9"], &["", "-a", "a-", "a_b", "a b", &long]);
    }

    #[test]
    fn tags() {
        holds(TAG, &["", "a b", "a.b:c/d=e+f@g-h_i", "a\tb"], &["a,b", "ä", "a(b)", "a*", "a\u{a0}b"]);
    }

    #[test]
    fn model_sources() {
        let good = [
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
            "arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.amazon.nova-lite-v1:0",
            "arn:aws:bedrock:us-east-1::inference-profile/us.amazon.nova-lite-v1:0",
            "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/amazon.nova-lite-v1:0",
            "arn:aws:bedrock:::foundation-model/amazon.nova-lite-v1:0",
        ];
        let bad = [
            "amazon.nova-lite-v1:0",
            "arn:aws:bedrock:us-east-1:123:inference-profile/us.x",
            "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/abcdefghijkl",
            "arn:aws:bedrock:us-east-1::foundation-model/",
            "arn:aws:bedrock:us-east-1::foundation-model/a b",
            "arn:aws-nowhere:bedrock:us-east-1::foundation-model/a.b",
            "arn:aws:bedrock:US-EAST-1::foundation-model/a.b",
            "arn:aws:bedrock:us-east-1-and-much-further::foundation-model/a.b",
        ];
        holds(MODEL_SOURCE, &good, &bad);
    }

    #[test]
    fn profile_identifiers() {
        let good = [
            "0mbq3svia2re",
            "us.amazon.nova-lite-v1:0",
            "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/0mbq3svia2re",
            "arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.amazon.nova-lite-v1:0",
        ];
        let bad = ["", "a/b", "a b", "arn:aws:bedrock:us-east-1::foundation-model/a.b", "arn:aws:s3:::a/b"];
        holds(PROFILE_IDENTIFIER, &good, &bad);
    }

    #[test]
    fn model_identifiers() {
        let good = [
            "amazon.nova-lite-v1:0",
            "amazon.nova-lite-v1:0:24k",
            "us.amazon.nova-lite-v1:0",
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
        ];
        let bad = [
            "",
            "nova",
            "amazon.Nova",
            "a.b:1:2:3",
            "arn:aws:bedrock:::foundation-model/amazon.nova-lite-v1:0",
            "arn:aws:bedrock:us-east-1:000000000000:foundation-model/amazon.nova-lite-v1:0",
        ];
        holds(MODEL_IDENTIFIER, &good, &bad);
    }

    #[test]
    fn taggable_arns() {
        let good = ["arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/0mbq3svia2re"];
        let bad = [
            "0mbq3svia2re",
            "arn:aws:s3:::a/b",
            "arn:aws:bedrock:us-east-1:1:application-inference-profile/a",
        ];
        holds(TAGGABLE_ARN, &good, &bad);
    }

    #[test]
    fn all_violations_come_in_one_message() {
        let mut check = Check::default();
        check.required("inferenceProfileName", None, Rule::new(1, 64, PROFILE_NAME));
        check.optional("description", Some("(a)"), Rule::new(1, 200, PROFILE_DESCRIPTION).sensitive());
        check.range("maxResults", Some(0), 1, 1000);
        check.one_of("type", Some("X"), &["A", "B"]);
        check.at_most("tags", 3, 2);
        let message = check.finish().unwrap_err().message;
        assert_eq!(
            message,
            "5 validation errors detected: \
             Value null at 'inferenceProfileName' failed to satisfy constraint: Member must not be null; \
             Value at 'description' failed to satisfy constraint: Member must satisfy regular expression \
             pattern: ([0-9a-zA-Z:.][ _-]?)+; \
             Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or \
             equal to 1; \
             Value 'X' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [A, B]; \
             Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 2"
        );
        assert_eq!(Check::default().finish(), Ok(()));
    }

    #[test]
    fn length_is_counted_in_characters() {
        let rule = Rule { min: 1, max: 2, pattern: None, sensitive: false };
        for (value, good) in [("", false), ("ä", true), ("ää", true), ("äää", false)] {
            let mut check = Check::default();
            check.required("x", Some(value), rule);
            assert_eq!(check.finish().is_ok(), good, "{value}");
        }
    }
}
