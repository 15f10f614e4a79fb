//! Whatever the environment holds: it is settings, or it is refused with a clear fault.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use function::settings::{PARAMETER_PREFIX, REQUIRED_TAGS, Settings, TAG_POLICY};
use mutation::{cases, refusal::assert_clear, text::spoilt};
use profile::fault::Faults;
use proptest::prelude::*;

const POLICY: &str =
    r#"{"tags": {"owner": {"tag_key": {"@@assign": "owner"}, "tag_value": {"@@assign": ["a", "b*"]}}}}"#;

fn assert_all_clear(faults: &Faults) {
    for fault in faults.iter() {
        assert_clear(&fault.path, &fault.problem, &fault.remedy);
    }
    assert!(faults.to_string().len() <= Faults::LONGEST_TEXT);
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn any_environment_is_settings_or_clear_faults(
        prefix in spoilt(["/inference-profiles", "/team/ai/", "", "/aws"]),
        required in spoilt(["owner,project-id,env=dev|prod", "", "owner"]),
        policy in spoilt([POLICY, "/inference-profile-manager/tag-policy", ""]),
        stored in prop::option::of(spoilt([POLICY, ""])),
    ) {
        let get = |name: &str| match name {
            PARAMETER_PREFIX => Some(prefix.clone()),
            REQUIRED_TAGS => Some(required.clone()),
            TAG_POLICY => Some(policy.clone()),
            _ => None,
        };
        match Settings::read(get) {
            Ok(settings) => {
                // A policy lies in a parameter when it does not begin as a document does.
                let trimmed = policy.trim();
                let name = Some(trimmed).filter(|text| !text.is_empty() && !text.starts_with('{'));
                prop_assert_eq!(settings.policy_parameter(), name);
                for stored in [None, stored.as_deref()] {
                    if let Err(faults) = settings.tag_policy(stored) {
                        assert_all_clear(&faults);
                    }
                }
            }
            Err(fault) => {
                prop_assert_eq!(fault.path.as_str(), "ParameterPrefix");
                assert_clear(&fault.path, &fault.problem, &fault.remedy);
            }
        }
    }
}
