//! The tag by which a profile's owner silences rules.

use profile::tags::Tags;

use crate::rule::Rule;

/// Rule ids that are silent for the profile that carries this tag; `all` silences every rule.
pub const IGNORE: &str = "inference-profile-manager:ignore";

const ALL: &str = "all";

/// Whether `tags` silence `rule`. Ids may have anything between them that no id contains: Bedrock's tags
/// allow a space, `/`, `:` or `+`, but no comma.
pub(crate) fn silences(tags: &Tags, rule: Rule) -> bool {
    let Some(ids) = tags.get(IGNORE) else { return false };
    ids.to_ascii_lowercase()
        .split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '-')
        .any(|id| id == ALL || id == rule.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silenced(value: &str) -> Vec<Rule> {
        let tags = Tags::from([(IGNORE.to_owned(), value.to_owned())]);
        Rule::ALL.into_iter().filter(|rule| silences(&tags, *rule)).collect()
    }

    #[test]
    fn rule_ids_may_be_separated_by_whatever_no_id_contains() {
        for value in [
            "idle untagged",
            "idle,untagged",
            "untagged / idle",
            "idle:untagged",
            "idle+untagged",
            "Idle=@.untagged",
        ] {
            assert_eq!(silenced(value), [Rule::Untagged, Rule::Idle], "{value}");
        }
    }

    #[test]
    fn an_id_counts_only_whole_and_all_is_every_one() {
        assert_eq!(silenced("all"), Rule::ALL);
        assert_eq!(silenced("unmanaged all"), Rule::ALL);
        for value in ["", "idl", "idle-not", "allow", "all-", "unknown"] {
            assert!(silenced(value).is_empty(), "{value}");
        }
        assert!(!silences(&Tags::new(), Rule::Idle));
    }
}
