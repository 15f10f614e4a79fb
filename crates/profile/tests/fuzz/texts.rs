//! One text at a time.

use mutation::{cases, text::spoilt};
use profile::{
    arn::{Arn, ProfileArn},
    fault::{quoted, shown},
    model_source::CopyFrom,
    parameter::{ParameterName, ParameterPrefix},
    period::Period,
    properties::Draft,
    suggest::nearest,
    tags,
};
use proptest::prelude::*;
use serde_json::json;

use crate::{assert_clear_at, here, oracle, prefix};

const NAMES: [&str; 8] = [
    "a",
    "support chat",
    "0-a_b c",
    "trailing-",
    "Team chat_1-x",
    "-chat-",
    "support  chat!",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

const DESCRIPTIONS: [&str; 4] =
    ["Answers of the support desk", "Search v2: production.", "Chat; and more", ".. : a_b-c"];

pub(crate) const PERIODS: [&str; 18] = [
    "0",
    "0d",
    "30s",
    "15m",
    "12h",
    "7d",
    "2w",
    "455d",
    "65w",
    "456d",
    "39312000s",
    "7 days",
    "00012 hours",
    "393120001 seconds",
    "400",
    "500",
    "12H",
    "-1d",
];

const PREFIXES: [&str; 5] =
    ["/inference-profiles", "/team/ai_1.x/", "/", "/aa/bb/cc/dd/ee/ff/gg/hh/ii/jj/kk/ll/mm/nn", "/aws"];

const PARAMETERS: [&str; 8] = [
    "/inference-profiles/support/chat",
    "/inference-profiles/a",
    "/inference-profiles/aa/bb/cc/dd/ee/ff/gg/hh/ii/jj/kk/ll/mm/nn",
    "/inference-profiles/aa/bb/cc/dd/ee/ff/gg/hh/ii/jj/kk/ll/mm/nn/oo",
    "/inference-profiles-x/a",
    "/elsewhere/chat",
    "/awsome/chat",
    "chat",
];

const MODELS: [&str; 14] = [
    "amazon.nova-lite-v1:0",
    "us.amazon.nova-lite-v1:0",
    "us-gov.amazon.nova-lite-v1:0",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "0mbq3svia2re",
    "abcdefghijkl",
    "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
    "arn:aws:bedrock:us-east-1::inference-profile/us.amazon.nova-lite-v1:0",
    "arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.amazon.nova-lite-v1:0",
    "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0",
    "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/profile00001",
    "arn:aws:bedrock:us-east-1:000000000000:provisioned-model/abc",
    "arn:aws-cn:bedrock:cn-north-1::foundation-model/amazon.nova-lite-v1:0",
    "foundation-model/amazon.nova-lite-v1:0",
];

const PROFILES: [&str; 5] = [
    "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/profile00001",
    "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:application-inference-profile/0mbq3svia2re",
    "arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.amazon.nova-lite-v1:0",
    "arn:aws:s3:::bucket",
    "profile00001",
];

const TAG_TEXTS: [&str; 7] = [
    "owner",
    "team:cost/center_1",
    "a b@c.d=e+f-g",
    "",
    "aws:owner",
    "inference-profile-manager:stack-id",
    "AWS:x",
];

/// The faults of an otherwise right declaration in which the property `name` is `text`.
fn faults_of(name: &str, text: &str) -> profile::fault::Faults {
    let mut properties =
        json!({"InferenceProfileName": "search", "ModelSource": {"CopyFrom": "amazon.nova-lite-v1:0"}});
    properties[name] = json!(text);
    Draft::read(properties.as_object().unwrap(), &here(), &prefix()).1
}

/// Every text of `seeds` with every character of ASCII, and some others, before it, in the middle and behind.
fn with_each_character(seeds: &[&str]) -> Vec<String> {
    let characters: Vec<char> =
        ('\0'..='\u{7f}').chain("\u{85}\u{a0}é\u{301}\u{200b}\u{202e}\u{2028}٣１語🦀".chars()).collect();
    let mut texts = Vec::new();
    for seed in seeds {
        for place in [0, seed.len() / 2, seed.len()] {
            let (before, behind) = seed.split_at(place);
            texts.extend(characters.iter().map(|c| format!("{before}{c}{behind}")));
        }
    }
    texts
}

#[test]
fn each_character_is_judged_in_each_place() {
    let path = "P";
    for text in with_each_character(&NAMES) {
        assert_eq!(faults_of("InferenceProfileName", &text).is_empty(), oracle::is_name(&text), "{text:?}");
    }
    for text in with_each_character(&DESCRIPTIONS) {
        assert_eq!(faults_of("Description", &text).is_empty(), oracle::is_description(&text), "{text:?}");
    }
    for text in with_each_character(&PERIODS) {
        let period = Period::parse(path, &text).ok().map(|period| period.as_duration().whole_seconds());
        assert_eq!(period, oracle::period(&text), "{text:?}");
    }
    for text in with_each_character(&PREFIXES) {
        assert_eq!(ParameterPrefix::parse(&text).is_ok(), oracle::is_prefix(&text), "{text:?}");
    }
    for text in with_each_character(&PARAMETERS) {
        let right = text.starts_with("/inference-profiles/") && oracle::is_parameter(&text);
        assert_eq!(ParameterName::declared(path, &text, &prefix()).is_ok(), right, "{text:?}");
    }
    for text in with_each_character(&MODELS) {
        let right = oracle::is_copy_from(&text, &here());
        assert_eq!(CopyFrom::parse(path, &text, &here()).is_ok(), right, "{text:?}");
    }
    for text in with_each_character(&PROFILES) {
        assert_eq!(ProfileArn::parse(&text).is_some(), oracle::is_profile_arn(&text), "{text:?}");
    }
    for text in with_each_character(&TAG_TEXTS) {
        let faults = tags::check(path, &text, &text);
        for (path, right) in [("P.Key", oracle::is_tag_key(&text)), ("P.Value", oracle::is_tag_value(&text))]
        {
            let told = faults.iter().any(|fault| fault.path == path);
            assert!(right.is_none_or(|right| right != told), "{text:?}: {faults}");
        }
    }
}

proptest! {
    #![proptest_config(cases(1_200))]

    #[test]
    fn a_name_is_right_exactly_when_bedrock_s_pattern_matches(text in spoilt(NAMES)) {
        let faults = faults_of("InferenceProfileName", &text);
        prop_assert_eq!(faults.is_empty(), oracle::is_name(&text), "{:?}: {}", text, faults);
        // A name that is wrong is told once, and not once more for the parameter that it would give.
        prop_assert!(faults.count() <= 1, "{}", faults);
        faults.iter().for_each(|fault| assert_clear_at("InferenceProfileName", fault));
    }

    #[test]
    fn a_description_is_right_exactly_when_bedrock_s_pattern_matches(text in spoilt(DESCRIPTIONS)) {
        let faults = faults_of("Description", &text);
        prop_assert_eq!(faults.is_empty(), oracle::is_description(&text), "{:?}: {}", text, faults);
        faults.iter().for_each(|fault| assert_clear_at("Description", fault));
    }

    #[test]
    fn a_boolean_is_one_of_two_words_in_any_case(text in spoilt(["true", "false", "True", "FALSE", "yes"])) {
        let faults = faults_of("PublishParameter", &text);
        let folded = text.to_ascii_lowercase();
        prop_assert_eq!(faults.is_empty(), folded == "true" || folded == "false", "{:?}: {}", text, faults);
        faults.iter().for_each(|fault| assert_clear_at("PublishParameter", fault));
    }

    #[test]
    fn a_period_is_a_whole_number_and_a_unit(text in spoilt(PERIODS)) {
        match Period::parse("DrainPeriod", &text) {
            Ok(period) => {
                prop_assert_eq!(Some(period.as_duration().whole_seconds()), oracle::period(&text), "{:?}", text);
                let shown = period.to_string();
                prop_assert!(shown.len() <= text.trim_start_matches('0').len().max(1), "{:?} is {}", text, shown);
                let again = Period::parse("DrainPeriod", &shown).unwrap();
                prop_assert_eq!((again, again.to_string()), (period, shown));
            }
            Err(fault) => {
                prop_assert_eq!(oracle::period(&text), None, "{:?}: {}", text, fault);
                assert_clear_at("DrainPeriod", &fault);
                if fault.remedy.starts_with("Write 0, or") {
                    return Ok(());
                }
                // What is proposed is right, and has the number that was written.
                let proposals = fault.remedy.strip_prefix("Write ").unwrap().split(" or ");
                for proposal in proposals.map(|proposal| proposal.split([' ', ',']).next().unwrap()) {
                    if proposal.starts_with(|c: char| c.is_ascii_digit()) {
                        prop_assert!(Period::parse("", proposal).is_ok(), "{}", fault);
                        let number = proposal.trim_end_matches(|c: char| c.is_ascii_alphabetic());
                        let written = text.trim_start_matches('0');
                        let is_example = fault.remedy.starts_with("Write at most");
                        prop_assert!(is_example || written.starts_with(number), "{}", fault);
                        let rest = written.strip_prefix(number).unwrap_or_default();
                        prop_assert!(is_example || !rest.starts_with(|c: char| c.is_ascii_digit()), "{}", fault);
                    }
                }
            }
        }
    }

    #[test]
    fn a_prefix_is_a_path_with_room_beneath(text in spoilt(PREFIXES.into_iter().chain(PARAMETERS))) {
        match ParameterPrefix::parse(&text) {
            Ok(prefix) => {
                prop_assert!(oracle::is_prefix(&text), "{:?}", text);
                prop_assert_eq!(&ParameterPrefix::parse(prefix.as_str()).unwrap(), &prefix);
                prop_assert!(!prefix.as_str().ends_with('/'));
                let longest = ParameterName::derived(&"x".repeat(64), &prefix).unwrap();
                prop_assert!(oracle::is_parameter(longest.as_str()), "{}", longest);
            }
            Err(fault) => {
                prop_assert!(!oracle::is_prefix(&text), "{:?}: {}", text, fault);
                assert_clear_at("ParameterPrefix", &fault);
                if let Some(proposal) = fault.remedy.strip_prefix("Write /") {
                    let right = ParameterPrefix::parse(&format!("/{proposal}")).is_ok();
                    prop_assert!(right, "{}", fault);
                }
            }
        }
    }

    #[test]
    fn a_parameter_name_keeps_to_parameter_store_and_the_prefix(
        text in spoilt(PARAMETERS),
        beneath in sample_prefix(),
    ) {
        let under = text.strip_prefix(beneath.as_str()).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'));
        match ParameterName::declared("ParameterName", &text, &beneath) {
            Ok(name) => {
                prop_assert!(under && oracle::is_parameter(&text), "{:?}", text);
                prop_assert_eq!(name.as_str(), text.as_str());
                prop_assert_eq!(ParameterName::recorded(name.as_str(), &beneath), Some(name.clone()));
                prop_assert_eq!(ParameterName::of_any_deployment(&text), Some(name));
            }
            Err(fault) => {
                prop_assert!(!(under && oracle::is_parameter(&text)), "{:?}: {}", text, fault);
                assert_clear_at("ParameterName", &fault);
                prop_assert_eq!(ParameterName::recorded(&text, &beneath), None);
                if let Some(proposal) = fault.remedy.strip_prefix("Write a name such as ") {
                    prop_assert!(ParameterName::declared("", proposal, &beneath).is_ok(), "{}", fault);
                }
            }
        }
        let anywhere = ParameterName::of_any_deployment(&text);
        prop_assert_eq!(anywhere.is_some(), oracle::is_parameter(&text), "{:?}", text);
    }

    #[test]
    fn a_name_gives_a_parameter_or_a_clear_fault(text in spoilt(NAMES)) {
        match ParameterName::derived(&text, &prefix()) {
            Ok(name) => {
                prop_assert!(oracle::is_parameter(name.as_str()));
                prop_assert_eq!(name.as_str(), format!("/inference-profiles/{}", text.replace(' ', "-")));
                prop_assert!(!text.contains('/'), "{}", name);
            }
            Err(fault) => {
                prop_assert!(!oracle::is_name(&text), "{:?}: {}", text, fault);
                assert_clear_at("ParameterName", &fault);
            }
        }
    }

    #[test]
    fn an_arn_is_cut_into_what_it_is_put_together_from(text in spoilt(MODELS.into_iter().chain(PROFILES))) {
        if let Some(Arn { partition, service, region, account, resource }) = Arn::parse(&text) {
            prop_assert_eq!(format!("arn:{partition}:{service}:{region}:{account}:{resource}"), text);
        }
    }

    #[test]
    fn a_profile_s_arn_is_whole_or_none(text in spoilt(PROFILES)) {
        let profile = ProfileArn::parse(&text);
        prop_assert_eq!(profile.is_some(), oracle::is_profile_arn(&text), "{:?}", text);
        if let Some(profile) = profile {
            prop_assert_eq!((profile.as_str(), format!("{profile} {profile:?}")), (&*text, format!("{text} {text}")));
            prop_assert_eq!(text.rsplit_once('/').map(|(_, id)| id), Some(profile.id()));
        }
    }

    #[test]
    fn a_profile_to_adopt_is_one_of_this_place(text in spoilt(PROFILES)) {
        let faults = faults_of("ExistingProfile", &text);
        let place = "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/";
        let is_id = text.len() == 12 && text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9'));
        let right = is_id || (text.starts_with(place) && oracle::is_profile_arn(&text));
        prop_assert_eq!(faults.is_empty(), right, "{:?}: {}", text, faults);
        faults.iter().for_each(|fault| assert_clear_at("ExistingProfile", fault));
    }

    #[test]
    fn a_model_source_is_an_id_or_an_arn_of_this_place(text in spoilt(MODELS)) {
        match CopyFrom::parse("ModelSource.CopyFrom", &text, &here()) {
            Ok(source) => {
                prop_assert!(oracle::is_copy_from(&text, &here()), "{:?}", text);
                prop_assert!(text.ends_with(source.id()));
                let certain = matches!(&source, CopyFrom::Model { certain: true, .. }
                    | CopyFrom::SystemProfile { certain: true, .. });
                prop_assert_eq!(certain, text.len() > source.id().len());
                if let Some(other) = source.alternative() {
                    prop_assert!(!certain && other.id() == source.id() && other != source);
                }
                if !certain {
                    prop_assert_eq!(CopyFrom::parse("", source.id(), &here()), Ok(source));
                }
            }
            Err(fault) => {
                prop_assert!(!oracle::is_copy_from(&text, &here()), "{:?}: {}", text, fault);
                assert_clear_at("ModelSource.CopyFrom", &fault);
                if let Some(proposal) = fault.remedy.strip_prefix("Write ") {
                    let proposal = proposal.strip_suffix(", or the id alone").unwrap_or(proposal);
                    let is_text = !proposal.contains([' ', '<']);
                    prop_assert!(!is_text || CopyFrom::parse("", proposal, &here()).is_ok(), "{}", fault);
                }
            }
        }
    }

    #[test]
    fn a_tag_keeps_to_bedrock_s_alphabet(key in spoilt(TAG_TEXTS), value in spoilt(TAG_TEXTS)) {
        let faults = tags::check("Tags[3]", &key, &value);
        for (path, text, right) in [
            ("Tags[3].Key", &key, oracle::is_tag_key(&key)),
            ("Tags[3].Value", &value, oracle::is_tag_value(&value)),
        ] {
            let told: Vec<_> = faults.iter().filter(|fault| fault.path == path).collect();
            prop_assert!(told.len() <= 1, "{}", faults);
            prop_assert!(right.is_none_or(|right| right == told.is_empty()), "{:?}: {}", text, faults);
            told.into_iter().for_each(|fault| assert_clear_at(path, fault));
        }
    }

    #[test]
    fn what_is_shown_is_a_short_visible_beginning(text in spoilt(MODELS.into_iter().chain(TAG_TEXTS))) {
        let shown = shown(&text);
        mutation::refusal::assert_visible(&shown);
        let length = text.chars().count();
        prop_assert_eq!(shown.chars().count(), length.min(120) + usize::from(length > 120));
        let same = shown.chars().zip(text.chars()).take(120).all(|(seen, is)| seen == is || seen == '\u{fffd}');
        prop_assert!(same, "{:?} is shown as {:?}", text, shown);
        prop_assert_eq!(quoted(&text), format!("«{shown}»"));
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn what_is_suggested_is_known_and_found_by_the_first_characters_alone(
        text in spoilt(MODELS),
        tail in "[a-z0-9.:-]{0,2000}",
        known in prop::collection::vec(spoilt(MODELS), 0..8),
    ) {
        let near = |wanted: &str| nearest(wanted, known.iter().map(String::as_str), 3);
        let found = near(&text);
        prop_assert!(found.len() <= 3 && found.iter().all(|name| known.iter().any(|known| known == name)));
        // 96 characters of a text are compared, so that a long one is not more work.
        let long = format!("{text}{}", "x".repeat(96)).trim_start().to_owned();
        prop_assert_eq!(near(&long), near(&format!("{long}{tail}x")));
    }
}

fn sample_prefix() -> impl Strategy<Value = ParameterPrefix> {
    prop::sample::select(vec!["/inference-profiles", "/inference-profiles/support", "/elsewhere", "/a/b"])
        .prop_map(|text| ParameterPrefix::parse(text).unwrap())
}
