//! Amazon resource names, as far as inference profiles need them.

use std::fmt;

/// Where a function runs: what its own ARNs begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// `aws`, `aws-us-gov`, `aws-cn`, `aws-eusc`, …
    pub partition: String,
    /// `us-east-1`, …
    pub region: String,
    /// Twelve digits.
    pub account: String,
}

impl Location {
    /// The ARN of a foundation model as this Region names it; model ARNs have no account.
    pub fn foundation_model(&self, model_id: &str) -> String {
        format!("arn:{}:bedrock:{}::foundation-model/{model_id}", self.partition, self.region)
    }

    /// The ARN of a parameter of this account and Region. `name` begins with `/`.
    pub fn parameter(&self, name: &str) -> String {
        format!("arn:{}:ssm:{}:{}:parameter{name}", self.partition, self.region, self.account)
    }
}

/// An ARN cut into its six parts; the resource may contain colons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, …
    pub partition: &'a str,
    /// `bedrock`, …
    pub service: &'a str,
    /// May be empty: a `global.` profile routes to models without a Region.
    pub region: &'a str,
    /// May be empty: models belong to no account.
    pub account: &'a str,
    /// Everything after the fifth colon.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Cuts `text`; `None` when it is not shaped as an ARN.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let ("arn", partition, service, region, account, resource) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?)
        else {
            return None;
        };
        let shaped = !partition.is_empty() && !service.is_empty() && !resource.is_empty();
        shaped.then_some(Self { partition, service, region, account, resource })
    }

    /// The id of a Bedrock resource of the type `kind`, e.g. `foundation-model`.
    pub fn bedrock_id(&self, kind: &str) -> Option<&'a str> {
        let id = self.resource.strip_prefix(kind)?.strip_prefix('/')?;
        (self.service == "bedrock" && !id.is_empty()).then_some(id)
    }
}

/// The ARN of an application inference profile:
/// `arn:<partition>:bedrock:<region>:<account>:application-inference-profile/<id>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileArn(String);

impl ProfileArn {
    /// The longest identifier of a profile that the API takes.
    const LONGEST: usize = 2_048;

    /// Reads one; `None` for anything else, the ARN of a system profile included.
    pub fn parse(text: &str) -> Option<Self> {
        let arn = Arn::parse(text)?;
        let id = arn.bedrock_id("application-inference-profile")?;
        let complete = text.len() <= Self::LONGEST
            && is_label(arn.partition)
            && is_label(arn.region)
            && arn.account.len() == 12
            && arn.account.bytes().all(|b| b.is_ascii_digit())
            && id.bytes().all(|b| b.is_ascii_alphanumeric());
        complete.then(|| Self(text.to_owned()))
    }

    /// The profile's id, which is the `ModelId` dimension of its CloudWatch metrics.
    pub fn id(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the profile lies in `location`, the only place a function can touch.
    pub fn is_in(&self, location: &Location) -> bool {
        Arn::parse(&self.0).is_some_and(|arn| {
            arn.partition == location.partition
                && arn.region == location.region
                && arn.account == location.account
        })
    }
}

/// Whether `text` can be a partition or a Region.
fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

impl fmt::Display for ProfileArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ProfileArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/0mbq3svia2re";

    #[test]
    fn a_profile_arn_gives_its_id() {
        assert_eq!(ProfileArn::parse(PROFILE).unwrap().id(), "0mbq3svia2re");
    }

    #[test]
    fn what_is_no_application_profile_is_refused() {
        for text in [
            "",
            "0mbq3svia2re",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
            "arn:aws:bedrock:us-east-1::application-inference-profile/0mbq3svia2re",
            "arn:aws:bedrock::123456789012:application-inference-profile/0mbq3svia2re",
            "arn:aws:s3:us-east-1:123456789012:application-inference-profile/0mbq3svia2re",
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/",
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a/b",
            "arn:aws:bedrock:us-east-1\u{1b}[31m:123456789012:application-inference-profile/a",
            "arn:AWS:bedrock:us-east-1:123456789012:application-inference-profile/a",
            &format!("{PROFILE}{}", "x".repeat(2_048)),
        ] {
            assert_eq!(ProfileArn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_model_arn_keeps_the_colon_of_its_id() {
        let arn = Arn::parse("arn:aws:bedrock:::foundation-model/amazon.nova-2-lite-v1:0").unwrap();
        assert_eq!(arn.bedrock_id("foundation-model"), Some("amazon.nova-2-lite-v1:0"));
        assert_eq!(arn.region, "");
    }

    #[test]
    fn a_profile_of_another_account_region_or_partition_is_elsewhere() {
        let here =
            Location { partition: "aws".into(), region: "us-east-1".into(), account: "123456789012".into() };
        let profile = ProfileArn::parse(PROFILE).unwrap();
        assert!(profile.is_in(&here));
        assert!(!profile.is_in(&Location { account: "210987654321".into(), ..here.clone() }));
        assert!(!profile.is_in(&Location { region: "eu-west-1".into(), ..here.clone() }));
        assert!(!profile.is_in(&Location { partition: "aws-cn".into(), ..here }));
    }
}
