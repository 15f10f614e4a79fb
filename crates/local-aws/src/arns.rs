//! Bedrock's ARNs, taken apart and put together.
//!
//! This is the stand-in's own reading of them, on purpose apart from the crates it is there to test.

/// The parts of a Bedrock ARN: `arn:<partition>:bedrock:<region>:<account>:<kind>/<id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-us-gov`, …
    pub partition: &'a str,
    /// The Region; empty in the region-less ARN of a model that is routed to globally.
    pub region: &'a str,
    /// The account; empty for foundation models.
    pub account: &'a str,
    /// `foundation-model`, `inference-profile`, `application-inference-profile`, …
    pub kind: &'a str,
    /// What follows the slash.
    pub id: &'a str,
}

impl<'a> Arn<'a> {
    /// Takes a Bedrock ARN apart; `None` for anything else.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (arn, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let (kind, id) = resource.split_once('/')?;
        (arn == "arn" && service == "bedrock").then_some(Self { partition, region, account, kind, id })
    }
}

/// The partitions that Bedrock's ARNs may name.
pub const PARTITIONS: [&str; 6] = ["aws", "aws-us-gov", "aws-cn", "aws-iso", "aws-iso-b", "aws-eusc"];

/// The partition that a Region belongs to.
pub fn partition_of(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 5] = [
        ("us-gov-", "aws-us-gov"),
        ("cn-", "aws-cn"),
        ("us-isob-", "aws-iso-b"),
        ("us-iso-", "aws-iso"),
        ("eusc-", "aws-eusc"),
    ];
    let found = PREFIXES.iter().find(|(prefix, _)| region.starts_with(prefix));
    found.map_or("aws", |(_, partition)| partition)
}

/// The ARN of a foundation model in a Region.
pub fn foundation_model(region: &str, id: &str) -> String {
    format!("arn:{}:bedrock:{region}::foundation-model/{id}", partition_of(region))
}

/// The ARN without a Region that the global profiles list first.
pub fn regionless_model(caller_region: &str, id: &str) -> String {
    format!("arn:{}:bedrock:::foundation-model/{id}", partition_of(caller_region))
}

/// The ARN of a system-defined profile, which carries the caller's account.
pub fn system_profile(account: &str, region: &str, id: &str) -> String {
    format!("arn:{}:bedrock:{region}:{account}:inference-profile/{id}", partition_of(region))
}

/// The ARN of an application profile.
pub fn application_profile(account: &str, region: &str, id: &str) -> String {
    format!("arn:{}:bedrock:{region}:{account}:application-inference-profile/{id}", partition_of(region))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_taken_apart_with_colons_in_its_id() {
        let arn = Arn::parse("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0").unwrap();
        assert_eq!((arn.partition, arn.region, arn.account), ("aws", "us-east-1", ""));
        assert_eq!((arn.kind, arn.id), ("foundation-model", "amazon.nova-lite-v1:0"));
    }

    #[test]
    fn what_is_not_bedrocks_is_no_arn() {
        for text in ["", "amazon.nova-lite-v1:0", "arn:aws:s3:::bucket/key", "arn:aws:bedrock:us-east-1:1:x"]
        {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_partition_follows_the_region() {
        assert_eq!(
            foundation_model("us-gov-west-1", "m.n"),
            "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/m.n"
        );
        assert_eq!(partition_of("cn-north-1"), "aws-cn");
        assert_eq!(partition_of("eusc-de-east-1"), "aws-eusc");
        assert_eq!(partition_of("us-iso-east-1"), "aws-iso");
        assert_eq!(partition_of("us-isob-east-1"), "aws-iso-b");
        assert_eq!(partition_of("us-east-1"), "aws");
        assert_eq!(
            system_profile("1", "eu-west-1", "eu.x"),
            "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.x"
        );
    }
}
