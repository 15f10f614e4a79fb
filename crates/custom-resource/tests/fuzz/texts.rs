//! One text at a time.

use custom_resource::{Home, LogicalId, PhysicalId, RequestId, ResponseUrl, StackId, Trust};
use mutation::{cases, refusal::assert_clear, text::spoilt};
use proptest::prelude::*;

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:provider";
const BUCKET: &str = "cloudformation-custom-resource-response-useast1";

const STACKS: [&str; 6] = [
    "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/51af3dc0-da77-11e4-872e-1234567db123",
    "arn:aws:cloudformation:us-east-1:000000000000:stack/demo/3b5f7a10-c8f7-11f0-9d2b-0e5f1a2b3c4d",
    "arn:aws-us-gov:cloudformation:us-gov-west-1:123456789012:stack/shop/51af3dc0",
    "arn:aws:cloudformation:us-east-1:123456789012:changeSet/shop/51af3dc0",
    "arn:aws:cloudformation:us-east-1:123456789012:stack/shop",
    "shop",
];

const IDS: [&str; 6] = [
    "77f2bb1e-4a5c-4d7c-8e55-0f2a6c1f9b10",
    "Chat",
    "demo-Chat-1QX8BWKLLTZQF",
    "not-created:Chat",
    "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/profile00001",
    "",
];

const URLS: [&str; 8] = [
    "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/arn%3Aaws/x?X-Amz-Date=20260313T174952Z&X-Amz-Signature=c5b8",
    "https://cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com:443/key",
    "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com.attacker.example/key",
    "http://127.0.0.1:4599/_local/responses/create",
    "http://localhost:4566/_ministack/cfn-response/token",
    "https://user:password@cloudformation-custom-resource-response-useast1.s3.amazonaws.com/",
    "https://[::1]:4566/x",
    "ftp://host/x",
];

/// What an answer can repeat without an escape.
fn is_plain(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && !text.chars().any(|c| matches!(u32::from(c), 0..=0x1f | 0x7f..=0x9f) || c == '"' || c == '\\')
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'))
}

fn is_account(text: &str) -> bool {
    text.chars().count() == 12 && text.chars().all(|c| c.is_ascii_digit())
}

/// The parts of `arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<guid>`.
fn stack(text: &str) -> Option<[&str; 5]> {
    let (head, name_and_guid) = text.split_once(":stack/")?;
    let ["arn", partition, "cloudformation", region, account] = head.split(':').collect::<Vec<_>>()[..]
    else {
        return None;
    };
    let [name, guid] = name_and_guid.split('/').collect::<Vec<_>>()[..] else { return None };
    let right = is_plain(text, 512)
        && is_label(partition)
        && is_label(region)
        && is_account(account)
        && !name.is_empty()
        && !guid.is_empty();
    right.then_some([partition, region, account, name, guid])
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn a_stack_id_is_the_arn_of_a_stack(text in spoilt(STACKS)) {
        match StackId::parse(&text) {
            Ok(id) => {
                let parts = [id.partition(), id.region(), id.account(), id.stack_name(), id.guid()];
                prop_assert_eq!(Some(parts), stack(&text));
                prop_assert_eq!((id.as_str(), format!("{id} {id:?}")), (&*text, format!("{text} {text}")));
            }
            Err(fault) => {
                prop_assert_eq!(stack(&text), None, "{:?}", text);
                assert_clear(fault.field, &fault.problem, &fault.remedy);
            }
        }
    }

    #[test]
    fn an_id_that_is_repeated_needs_no_escape(text in spoilt(IDS)) {
        let request_id = RequestId::parse(&text).map(|id| id.to_string());
        let logical_id = LogicalId::parse(&text).map(|id| id.to_string());
        for (id, field) in [(request_id, "RequestId"), (logical_id, "LogicalResourceId")] {
            prop_assert_eq!(id.is_ok(), is_plain(&text, 255), "{:?}", text);
            match id {
                Ok(id) => {
                    prop_assert_eq!(&id, &text);
                    prop_assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{text}\""));
                }
                Err(fault) => {
                    prop_assert_eq!(fault.field, field);
                    assert_clear(fault.field, &fault.problem, &fault.remedy);
                }
            }
        }
    }

    #[test]
    fn a_physical_id_is_what_cloudformation_takes(text in spoilt(IDS)) {
        let right = (1..=1_024).contains(&text.len()) && !text.chars().any(|c| matches!(u32::from(c), 0..=0x1f | 0x7f..=0x9f));
        match PhysicalId::parse(text.as_str()) {
            Ok(id) => {
                prop_assert!(right, "{:?}", text);
                prop_assert_eq!(id.as_str(), &text);
                prop_assert_eq!(PhysicalId::parse(id.to_string()), Ok(id));
            }
            Err(fault) => {
                prop_assert!(!right, "{:?}: {}", text, fault);
                assert_clear(fault.field, &fault.problem, &fault.remedy);
            }
        }
        if let Ok(logical_id) = LogicalId::parse(&text) {
            for id in [PhysicalId::nothing_made(&logical_id), PhysicalId::unknown(&logical_id)] {
                prop_assert_eq!(PhysicalId::parse(id.as_str()), Ok(id));
            }
        }
    }

    #[test]
    fn a_response_url_is_what_it_reveals_and_prints_its_host_alone(text in spoilt(URLS)) {
        match ResponseUrl::parse(&text) {
            Ok(url) => {
                let again = ResponseUrl::parse(url.reveal()).unwrap();
                prop_assert_eq!(again.reveal(), url.reveal());
                prop_assert_eq!(&again, &url);
                let printed = url.to_string();
                prop_assert_eq!(&printed, &format!("{url:?}"));
                let authority = printed.strip_suffix("/…").unwrap();
                prop_assert!(authority.len() <= 270 && url.reveal().starts_with(authority), "{}", printed);
                let host = authority.split_once("://").unwrap().1;
                prop_assert!(!host.contains(['/', '?', '#', '@', '\\', '%']), "{}", printed);
                mutation::refusal::assert_visible(&printed);
                let _ = url.signed_at();
            }
            Err(fault) => {
                assert_clear(fault.field, &fault.problem, &fault.remedy);
                prop_assert!(fault.to_string().len() < 200, "{}", fault);
            }
        }
    }

    #[test]
    fn only_the_bucket_and_named_endpoints_are_trusted(text in spoilt(URLS), endpoint in spoilt(URLS)) {
        let Ok(url) = ResponseUrl::parse(&text) else { return Ok(()) };
        let bucket = ["s3.", "s3.us-east-1.", "s3-us-east-1.", "s3.dualstack.us-east-1.", "s3-fips.us-east-1.",
            "s3-fips-us-east-1.", "s3-fips.dualstack.us-east-1."]
            .iter()
            .any(|service| url.reveal().starts_with(&format!("https://{BUCKET}.{service}amazonaws.com/")));
        let nowhere: [(&str, &str); 0] = [];
        let check = |trust: Trust| match trust.check_url(&url) {
            Ok(()) => true,
            Err(fault) => {
                assert_clear(fault.field, &fault.problem, &fault.remedy);
                false
            }
        };
        prop_assert_eq!(check(Trust::new(FUNCTION, nowhere)), bucket, "{}", url.reveal());
        prop_assert!(!check(Trust::new("", nowhere)), "{}", url.reveal());
        // An endpoint of the environment adds its own host and port, and no other.
        let trusted = check(Trust::new("", [("AWS_ENDPOINT_URL", endpoint.as_str())]));
        if trusted {
            let place = |text: &str| {
                let url = url::Url::parse(text).unwrap();
                let host = url.host().unwrap().to_string();
                let loopback = ["localhost", "[::1]"].contains(&host.as_str()) || host.starts_with("127.");
                (if loopback { "localhost".to_owned() } else { host }, url.port_or_known_default())
            };
            prop_assert_eq!(place(url.reveal()), place(endpoint.trim()));
            prop_assert!(!place(url.reveal()).0.ends_with("amazonaws.com"), "{}", url.reveal());
        }
    }

    #[test]
    fn a_function_s_arn_tells_where_it_runs_or_nothing(text in spoilt([
        FUNCTION,
        "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:provider:live",
        "arn:aws:lambda:us-east-1:123456789012:layer:provider",
        "provider",
    ])) {
        let parts: Vec<&str> = text.split(':').collect();
        let home = match parts.as_slice() {
            ["arn", partition, "lambda", region, account, "function", name, more @ ..]
                if is_label(partition) && is_label(region) && is_account(account)
                    && !(name.is_empty() && more.is_empty()) =>
            {
                Some([*partition, *region, *account].map(str::to_owned))
            }
            _ => None,
        };
        let told = Home::of_function(&text).map(|home| [home.partition, home.region, home.account]);
        prop_assert_eq!(told, home, "{:?}", text);
    }
}
