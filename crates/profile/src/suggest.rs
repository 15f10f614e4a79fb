//! The names that somebody may have meant.

use std::collections::BTreeSet;

/// How many characters of a name are compared. Bedrock's longest ids have about 60; this bounds the
/// work that a long text can cause.
const COMPARED: usize = 96;

/// From this length on, a name that contains the other is near, whatever else it contains.
const TELLING: usize = 3;

/// Below this score two names have nothing to do with each other.
const NEAR: f64 = 0.6;

/// How far behind the best one a name may be and still be worth saying.
const SLACK: f64 = 0.15;

/// The score from which on one name contains the other.
const CONTAINS: f64 = 1.0;

/// The names of `known` that are reasonably near to `wanted`, best first, at most `at_most`. Case does
/// not matter. A name that contains `wanted` beats one that only resembles it, so `nova-lite` finds
/// `amazon.nova-lite-v1:0`; among equals the shorter and then the alphabetically first wins.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>, at_most: usize) -> Vec<&'a str> {
    let scored = scored(wanted, known);
    let best = scored.first().map_or(0.0, |(score, _)| *score);
    let least = if best >= CONTAINS { CONTAINS } else { NEAR.max(best - SLACK) };
    scored.into_iter().take_while(|(score, _)| *score >= least).map(|(_, name)| name).take(at_most).collect()
}

/// All names of `known`, the nearest to `wanted` first.
pub(crate) fn ranked<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    scored(wanted, known).into_iter().map(|(_, name)| name).collect()
}

/// A phrase for a remedy that names up to three near names; `None` when none is near.
pub fn did_you_mean<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near = nearest(wanted, known, 3);
    (!near.is_empty()).then(|| format!("Perhaps you mean {}", alternatives(&near)))
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn alternatives<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

fn scored<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<(f64, &'a str)> {
    let wanted = comparable(wanted);
    let known: BTreeSet<&str> = known.into_iter().collect();
    let mut scored: Vec<(f64, &str)> =
        known.into_iter().map(|name| (score(&wanted, &comparable(name)), name)).collect();
    // The sort is stable and the set was in order: equal scores stay alphabetical.
    scored.sort_by(|(left, _), (right, _)| right.total_cmp(left));
    scored
}

fn comparable(name: &str) -> String {
    name.trim().chars().take(COMPARED).flat_map(char::to_lowercase).collect()
}

/// From 0 for nothing in common to 2 for equality.
fn score(wanted: &str, name: &str) -> f64 {
    let (wanted_length, name_length) = (wanted.chars().count(), name.chars().count());
    let (short, long) = (wanted_length.min(name_length), wanted_length.max(name_length));
    if short == 0 {
        return 0.0;
    }
    if short >= TELLING && (name.contains(wanted) || wanted.contains(name)) {
        return CONTAINS + short as f64 / long as f64;
    }
    // A name is often given without the geography and the provider before it, or the version behind.
    let endings = std::iter::once(0).chain(name.match_indices('.').map(|(dot, _)| dot + 1)).take(4);
    let resemblance = endings
        .filter_map(|start| name.get(start..))
        .map(|ending| {
            let beginning: String = ending.chars().take(wanted_length).collect();
            let whole = strsim::normalized_damerau_levenshtein(wanted, ending);
            if wanted_length <= TELLING {
                return whole;
            }
            whole.max(0.95 * strsim::normalized_damerau_levenshtein(wanted, &beginning))
        })
        .fold(0.0, f64::max);
    resemblance.max(0.9 * words_in_common(wanted, name))
}

/// The share of the words of `wanted`, if it has several, that `name` has too, in any order:
/// `claude-4-sonnet` is `claude-sonnet-4`.
fn words_in_common(wanted: &str, name: &str) -> f64 {
    let words = |text: &'_ str| -> BTreeSet<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
    };
    let (wanted, name) = (words(wanted), words(name));
    if wanted.len() < 2 {
        return 0.0;
    }
    wanted.intersection(&name).count() as f64 / wanted.len() as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MODELS: [&str; 9] = [
        "amazon.nova-lite-v1:0",
        "amazon.nova-micro-v1:0",
        "amazon.nova-pro-v1:0",
        "anthropic.claude-opus-4-20250514-v1:0",
        "anthropic.claude-sonnet-4-20250514-v1:0",
        "global.anthropic.claude-sonnet-4-20250514-v1:0",
        "meta.llama3-1-8b-instruct-v1:0",
        "us.amazon.nova-lite-v1:0",
        "us.anthropic.claude-sonnet-4-20250514-v1:0",
    ];

    #[test]
    fn a_part_of_a_name_finds_the_whole_shortest_first() {
        assert_eq!(nearest("nova-lite", MODELS, 5), ["amazon.nova-lite-v1:0", "us.amazon.nova-lite-v1:0"]);
        assert_eq!(
            nearest("claude-sonnet-4", MODELS, 5),
            [
                "anthropic.claude-sonnet-4-20250514-v1:0",
                "us.anthropic.claude-sonnet-4-20250514-v1:0",
                "global.anthropic.claude-sonnet-4-20250514-v1:0",
            ]
        );
    }

    #[test]
    fn a_slip_of_the_pen_finds_the_name() {
        assert_eq!(nearest("amazon.nova-lit-v1:0", MODELS, 1), ["amazon.nova-lite-v1:0"]);
        assert_eq!(nearest("clade-sonet-4", MODELS, 1), ["anthropic.claude-sonnet-4-20250514-v1:0"]);
        assert_eq!(nearest("Discription", ["Description", "DrainPeriod"], 3), ["Description"]);
    }

    #[test]
    fn words_in_another_order_find_the_name() {
        assert_eq!(nearest("4-sonnet-claude", MODELS, 1), ["anthropic.claude-sonnet-4-20250514-v1:0"]);
    }

    #[test]
    fn case_does_not_matter() {
        assert_eq!(nearest("NOVA-PRO", MODELS, 3), ["amazon.nova-pro-v1:0"]);
    }

    #[test]
    fn what_is_far_is_not_suggested() {
        assert_eq!(nearest("gpt", MODELS, 3), Vec::<&str>::new());
        assert_eq!(nearest("mistral.mixtral-8x7b", MODELS, 3), Vec::<&str>::new());
        assert_eq!(nearest("", MODELS, 3), Vec::<&str>::new());
        assert_eq!(nearest("a", MODELS, 3), Vec::<&str>::new());
        assert_eq!(did_you_mean("Colour", ["Tags", "Description"]), None);
    }

    #[test]
    fn a_remedy_names_three_at_most() {
        assert_eq!(did_you_mean("Tag", ["Tags"]), Some("Perhaps you mean Tags".into()));
        assert_eq!(
            did_you_mean("nova", MODELS),
            Some(
                "Perhaps you mean amazon.nova-pro-v1:0, amazon.nova-lite-v1:0 or amazon.nova-micro-v1:0"
                    .into()
            )
        );
    }

    #[test]
    fn every_name_is_ranked_even_a_far_one() {
        let ranked = ranked("amazon.nova-lite-v2:0", MODELS);
        assert_eq!(ranked.len(), MODELS.len());
        assert_eq!(ranked[0], "amazon.nova-lite-v1:0");
    }

    proptest! {
        #[test]
        fn the_order_of_the_known_names_does_not_matter(
            wanted in "[ab]{1,3}",
            known in proptest::collection::vec("[ab.]{1,4}", 0..8),
        ) {
            let forwards = nearest(&wanted, known.iter().map(String::as_str), 3);
            let backwards = nearest(&wanted, known.iter().rev().map(String::as_str), 3);
            prop_assert_eq!(forwards, backwards);
        }

        #[test]
        fn a_known_name_is_its_own_nearest(
            name in "[a-z.-]{3,20}",
            others in proptest::collection::vec("[a-z.-]{1,20}", 0..8),
        ) {
            let known = others.iter().chain([&name]).map(String::as_str);
            prop_assert_eq!(nearest(&name, known, 1), [name.as_str()]);
        }

        #[test]
        fn any_text_is_survived(wanted in "\\PC{0,300}", name in "\\PC{0,300}") {
            prop_assert!(nearest(&wanted, [name.as_str()], 1).len() <= 1);
        }
    }
}
