//! To whom an answer may go, and whose requests are carried out.
//!
//! A request's URL says where its answer is sent, and its `StackId` in whose name it is made. Both are
//! only claims: whoever may invoke the function can write them. The function's own ARN is not a claim.

use std::fmt;

use url::{Host, Url};

use crate::{
    fault::Fault,
    ids::{StackId, is_account, is_label},
    response_url::ResponseUrl,
};

/// What the names of the environment's endpoint settings begin with: `AWS_ENDPOINT_URL` itself and
/// `AWS_ENDPOINT_URL_<SERVICE>` (AWS SDKs and Tools Reference Guide, "Service-specific endpoints").
const ENDPOINT_SETTING: &str = "AWS_ENDPOINT_URL";

/// CloudFormation's bucket for answers is this and the Region without its dashes (User Guide, "Access
/// CloudFormation using an interface endpoint", on custom resources in a VPC).
const BUCKET_PREFIX: &str = "cloudformation-custom-resource-response-";

/// How each partition's hosts end. The flag says whether S3's name without a Region belongs to that
/// partition alone: GovCloud shares its suffix with the commercial partition, where a bucket of the
/// same name would be somebody else's.
const PARTITIONS: [(&str, &str, bool); 8] = [
    ("aws", "amazonaws.com", true),
    ("aws-us-gov", "amazonaws.com", false),
    ("aws-cn", "amazonaws.com.cn", true),
    ("aws-eusc", "amazonaws.eu", true),
    ("aws-iso", "c2s.ic.gov", true),
    ("aws-iso-b", "sc2s.sgov.gov", true),
    ("aws-iso-e", "cloud.adc-e.uk", true),
    ("aws-iso-f", "csp.hci.ic.gov", true),
];

/// Where the function runs, from its own ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// `aws`, `aws-us-gov`, `aws-cn`, …
    pub partition: String,
    /// `us-east-1`, …
    pub region: String,
    /// Twelve digits.
    pub account: String,
}

impl Home {
    /// Reads it from `arn:<partition>:lambda:<region>:<account>:function:<name>[:<qualifier>]`; `None`
    /// for what is no such ARN, as emulators of the runtime hand out.
    pub fn of_function(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(7, ':');
        let ("arn", partition, "lambda", region, account, "function", name) = (
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
        ) else {
            return None;
        };
        let complete = is_label(partition) && is_label(region) && is_account(account) && !name.is_empty();
        complete.then(|| Self {
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
        })
    }

    /// Every host that is CloudFormation's bucket for this Region, in the forms of S3's virtual-hosted
    /// requests (Amazon S3 User Guide, "Virtual hosting of general purpose buckets").
    fn response_hosts(&self) -> Vec<String> {
        let Some((_, suffix, regionless)) = PARTITIONS.iter().find(|(name, ..)| *name == self.partition)
        else {
            return Vec::new();
        };
        let region = &self.region;
        let bucket = format!("{BUCKET_PREFIX}{}", region.replace('-', ""));
        let mut hosts: Vec<String> =
            ["s3.", "s3-", "s3.dualstack.", "s3-fips.", "s3-fips-", "s3-fips.dualstack."]
                .iter()
                .map(|service| format!("{bucket}.{service}{region}.{suffix}"))
                .collect();
        if *regionless {
            hosts.push(format!("{bucket}.s3.{suffix}"));
        }
        hosts
    }
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "account {} in {}", self.account, self.region)
    }
}

/// Whom the function trusts.
///
/// - In AWS: CloudFormation's bucket for the function's own Region, over https.
/// - In a local run: the hosts and ports that the environment names as AWS's endpoints, because then
///   they *are* AWS. An endpoint in AWS itself is none of these. Nothing in a deployed function's
///   environment names one unless its owner puts it there.
///
/// Either way, the stack's partition, account and Region must be the function's own, as far as its ARN
/// tells them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    home: Option<Home>,
    local: Vec<Endpoint>,
}

impl Trust {
    /// From the ARN that the function was invoked by, and its environment.
    pub fn new<K, V>(function_arn: &str, environment: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let local = environment
            .into_iter()
            .filter(|(key, _)| {
                let service = key.as_ref().strip_prefix(ENDPOINT_SETTING);
                service.is_some_and(|service| service.is_empty() || service.starts_with('_'))
            })
            .filter_map(|(_, value)| Endpoint::local(value.as_ref()))
            .collect();
        Self { home: Home::of_function(function_arn), local }
    }

    /// Where the function runs; `None` when its ARN does not tell.
    pub fn home(&self) -> Option<&Home> {
        self.home.as_ref()
    }

    /// Whether an answer may go to `url`.
    pub fn check_url(&self, url: &ResponseUrl) -> Result<(), Fault> {
        if self.is_bucket(url) || self.is_local(url) {
            return Ok(());
        }
        let remedy = match &self.home {
            Some(home) => format!("Only CloudFormation's bucket for {} over https is answered", home.region),
            None => "The function's own ARN is not known, so only the hosts and ports of \
                     AWS_ENDPOINT_URL are answered"
                .into(),
        };
        Err(Fault::new("ResponseURL", format!("{url} is not CloudFormation's"), remedy))
    }

    /// Whether requests of `stack` are carried out.
    pub fn check_stack(&self, stack: &StackId) -> Result<(), Fault> {
        match &self.home {
            Some(home)
                if (stack.partition(), stack.region(), stack.account())
                    != (home.partition.as_str(), home.region.as_str(), home.account.as_str()) =>
            {
                Err(Fault::new(
                    "StackId",
                    format!(
                        "the stack is of account {} in {}, but its provider runs in {home}",
                        stack.account(),
                        stack.region()
                    ),
                    "Name in ServiceToken a provider of the stack's own account and Region",
                ))
            }
            _ => Ok(()),
        }
    }

    fn is_bucket(&self, url: &ResponseUrl) -> bool {
        let (Some(home), Some(Host::Domain(host))) = (&self.home, url.host()) else {
            return false;
        };
        url.is_https() && url.unusual_port().is_none() && home.response_hosts().iter().any(|own| own == host)
    }

    fn is_local(&self, url: &ResponseUrl) -> bool {
        let endpoint = url.host().zip(url.port()).map(|(host, port)| Endpoint::new(host, port));
        endpoint.is_some_and(|endpoint| self.local.contains(&endpoint))
    }
}

/// A host and port of this machine, or of its network.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Endpoint {
    host: EndpointHost,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum EndpointHost {
    /// `localhost`, `127.0.0.1` and `::1` are one host.
    Loopback,
    Other(Host),
}

impl Endpoint {
    fn new(host: Host<&str>, port: u16) -> Self {
        let loopback = match host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        let host = if loopback { EndpointHost::Loopback } else { EndpointHost::Other(host.to_owned()) };
        Self { host, port }
    }

    /// Reads the value of an endpoint setting; `None` for what is no URL, and for AWS itself.
    fn local(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        let host = url.host()?;
        if let Host::Domain(name) = host
            && is_of_aws(name)
        {
            return None;
        }
        Some(Self::new(host, url.port_or_known_default()?))
    }
}

/// Whether a host is in AWS, where a stranger can have a name as well.
fn is_of_aws(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let under =
        |suffix: &str| host.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    PARTITIONS.iter().any(|(_, suffix, _)| under(suffix))
        || ["aws", "amazonwebservices.com.cn", "amazonwebservices.eu"].iter().any(|suffix| under(suffix))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:provider";
    const BUCKET: &str = "cloudformation-custom-resource-response-useast1";

    fn of(function_arn: &str, endpoints: &[(&str, &str)]) -> Trust {
        Trust::new(function_arn, endpoints.iter().copied())
    }

    fn accepts(trust: &Trust, url: &str) -> bool {
        ResponseUrl::parse(url).is_ok_and(|url| trust.check_url(&url).is_ok())
    }

    #[test]
    fn cloudformations_bucket_is_answered_in_every_form_of_its_name() {
        for (region, partition, host) in [
            ("us-east-1", "aws", "useast1.s3.amazonaws.com"),
            ("us-east-1", "aws", "useast1.s3.us-east-1.amazonaws.com"),
            ("eu-west-1", "aws", "euwest1.s3-eu-west-1.amazonaws.com"),
            ("eu-west-1", "aws", "euwest1.s3.dualstack.eu-west-1.amazonaws.com"),
            ("us-gov-west-1", "aws-us-gov", "usgovwest1.s3.us-gov-west-1.amazonaws.com"),
            ("us-gov-west-1", "aws-us-gov", "usgovwest1.s3-fips.us-gov-west-1.amazonaws.com"),
            ("us-gov-west-1", "aws-us-gov", "usgovwest1.s3-fips-us-gov-west-1.amazonaws.com"),
            ("us-gov-west-1", "aws-us-gov", "usgovwest1.s3-fips.dualstack.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", "aws-cn", "cnnorth1.s3.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", "aws-eusc", "euscdeeast1.s3.eusc-de-east-1.amazonaws.eu"),
            ("us-iso-east-1", "aws-iso", "usisoeast1.s3.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "usisobeast1.s3.us-isob-east-1.sc2s.sgov.gov"),
            ("eu-isoe-west-1", "aws-iso-e", "euisoewest1.s3.eu-isoe-west-1.cloud.adc-e.uk"),
            ("us-isof-south-1", "aws-iso-f", "usisofsouth1.s3.us-isof-south-1.csp.hci.ic.gov"),
        ] {
            let trust =
                of(&format!("arn:{partition}:lambda:{region}:123456789012:function:provider:live"), &[]);
            let url = format!("https://{BUCKET_PREFIX}{host}/key?X-Amz-Signature=c5b8");
            assert!(accepts(&trust, &url), "{url}");
            assert!(accepts(&trust, &url.replace(".com/", ".com:443/")), "{url} with its own port");
        }
    }

    #[test]
    fn no_other_host_is_answered_however_it_is_dressed_up() {
        let trust = of(FUNCTION, &[]);
        assert!(accepts(&trust, &format!("https://{BUCKET}.s3.amazonaws.com/")));
        for url in [
            // Not over https, or not at its port.
            format!("http://{BUCKET}.s3.amazonaws.com/"),
            format!("https://{BUCKET}.s3.amazonaws.com:8443/"),
            format!("ftp://{BUCKET}.s3.amazonaws.com/"),
            // Something after or before the name.
            format!("https://{BUCKET}.s3.amazonaws.com.evil.org/"),
            format!("https://{BUCKET}.s3.amazonaws.com.cn/"),
            format!("https://{BUCKET}.s3.amazonaws.com./"),
            format!("https://evil-{BUCKET}.s3.amazonaws.com/"),
            format!("https://evil.{BUCKET}.s3.amazonaws.com/"),
            format!("https://{BUCKET}-evil.s3.amazonaws.com/"),
            format!("https://{BUCKET}.evil.s3.amazonaws.com/"),
            format!("https://{BUCKET}.s3.evil.amazonaws.com/"),
            format!("https://{BUCKET}.s3.evil.org/amazonaws.com"),
            format!("https://{BUCKET}.s3-website-us-east-1.amazonaws.com/"),
            format!("https://{BUCKET}.s3evilamazonaws.com/"),
            format!("https://{BUCKET}.s3.us-east-1.evilamazonaws.com/"),
            format!("https://{BUCKET}xs3.amazonaws.com/"),
            // A user, a query, a path or a part that looks like the host.
            format!("https://{BUCKET}.s3.amazonaws.com@evil.org/"),
            format!("https://{BUCKET}.s3.amazonaws.com:443@evil.org/"),
            format!("https://user@{BUCKET}.s3.amazonaws.com/"),
            format!("https://evil.org/{BUCKET}.s3.amazonaws.com/"),
            format!("https://evil.org?{BUCKET}.s3.amazonaws.com/"),
            format!("https://evil.org#{BUCKET}.s3.amazonaws.com/"),
            format!("https://evil.org\\@{BUCKET}.s3.amazonaws.com/"),
            format!("https://evil.org\t.{BUCKET}.s3.amazonaws.com/"),
            format!("https://evil.org%2f{BUCKET}.s3.amazonaws.com/"),
            format!("https://{BUCKET}.s3.amazonaws.com%00.evil.org/"),
            format!("https://{BUCKET}.s3.amazonaws.com%2eevil.org/"),
            // The bucket in the path, another bucket, another Region's bucket.
            format!("https://s3.amazonaws.com/{BUCKET}/"),
            format!("https://s3.us-east-1.amazonaws.com/{BUCKET}/"),
            "https://evil.s3.amazonaws.com/".into(),
            "https://cloudformation-custom-resource-response-useast2.s3.amazonaws.com/".into(),
            "https://cloudformation-custom-resource-response-us-east-1.s3.amazonaws.com/".into(),
            "https://cloudformation-custom-resource-response-.s3.amazonaws.com/".into(),
            "https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/".into(),
            format!("https://{BUCKET}.s3.us-east-2.amazonaws.com/"),
            format!("https://{BUCKET}.s3-us-west-2.amazonaws.com/"),
            // Letters that look alike, addresses, this machine, the instance's metadata.
            format!("https://{BUCKET}.s3.аmazonaws.com/"),
            "https://[::1]/".into(),
            "https://127.0.0.1/".into(),
            "http://localhost:4566/_ministack/cfn-response/x".into(),
            "http://169.254.169.254/latest/meta-data".into(),
            "https:///path".into(),
            "https://".into(),
            "//evil.org".into(),
            String::new(),
        ] {
            assert!(!accepts(&trust, &url), "{url}");
        }
    }

    #[test]
    fn govcloud_does_not_answer_a_name_that_the_commercial_partition_could_own() {
        let trust = of("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:provider", &[]);
        let bucket = "cloudformation-custom-resource-response-usgovwest1";
        assert!(accepts(&trust, &format!("https://{bucket}.s3.us-gov-west-1.amazonaws.com/")));
        assert!(!accepts(&trust, &format!("https://{bucket}.s3.amazonaws.com/")));
    }

    #[test]
    fn another_partitions_suffix_is_not_answered() {
        let trust = of("arn:aws-cn:lambda:cn-north-1:123456789012:function:provider", &[]);
        let bucket = "cloudformation-custom-resource-response-cnnorth1";
        assert!(!accepts(&trust, &format!("https://{bucket}.s3.cn-north-1.amazonaws.com/")));
        assert!(!accepts(
            &of("arn:aws-x:lambda:cn-north-1:123456789012:function:p", &[]),
            &format!("https://{bucket}.s3.cn-north-1.amazonaws.com/")
        ));
    }

    #[test]
    fn a_local_run_answers_the_endpoints_of_its_environment_and_nothing_else() {
        let trust = of(
            FUNCTION,
            &[
                ("AWS_ENDPOINT_URL", "http://localhost:4566"),
                ("AWS_ENDPOINT_URL_BEDROCK", "http://host.docker.internal:4599/"),
                ("AWS_ENDPOINT_URL_SSM", "not a url"),
                ("AWS_ENDPOINT_URLS", "http://evil.org:1"),
                ("PROXY", "http://evil.org:2"),
            ],
        );
        for url in [
            "http://localhost:4566/_ministack/cfn-response/x",
            "http://127.0.0.1:4566/x",
            "http://[::1]:4566/x",
            "https://localhost:4566/x",
            "http://host.docker.internal:4599/x",
        ] {
            assert!(accepts(&trust, url), "{url}");
        }
        for url in [
            "http://localhost:4599/x",
            "http://localhost/x",
            "http://host.docker.internal:4566/x",
            "http://localhost.evil.org:4566/x",
            "http://evil.localhost:4566/x",
            "http://user@localhost:4566/x",
            "http://10.0.0.1:4566/x",
            "http://0.0.0.0:4566/x",
            "http://evil.org:1/x",
            "http://evil.org:2/x",
        ] {
            assert!(!accepts(&trust, url), "{url}");
        }
    }

    #[test]
    fn an_endpoint_in_aws_is_never_local() {
        for endpoint in [
            "https://bedrock.us-east-1.amazonaws.com",
            "https://evil.s3.us-east-1.amazonaws.com",
            "https://evil.s3.us-east-1.amazonaws.com.",
            "https://x.s3.cn-north-1.amazonaws.com.cn",
            "https://bedrock.us-east-1.api.aws",
            "https://x.lambda-url.us-east-1.on.aws",
            "https://s3.cn-north-1.api.amazonwebservices.com.cn",
        ] {
            let trust = of(FUNCTION, &[("AWS_ENDPOINT_URL", endpoint)]);
            assert!(!accepts(&trust, &format!("{endpoint}/x")), "{endpoint}");
        }
        let trust = of(FUNCTION, &[("AWS_ENDPOINT_URL", "http://laws:4566")]);
        assert!(accepts(&trust, "http://laws:4566/x"));
    }

    #[test]
    fn without_an_arn_only_a_local_run_is_answered() {
        for arn in [
            "",
            "provider",
            "arn:aws:lambda:us-east-1:123456789012:layer:provider",
            "arn:aws:lambda:us-east-1:1234:function:provider",
            "arn:aws:lambda::123456789012:function:provider",
            "arn:aws:iam:us-east-1:123456789012:function:provider",
        ] {
            let trust = of(arn, &[("AWS_ENDPOINT_URL", "http://localhost:4566")]);
            assert_eq!(trust.home(), None, "{arn}");
            assert!(accepts(&trust, "http://127.0.0.1:4566/x"), "{arn}");
            assert!(!accepts(&trust, &format!("https://{BUCKET}.s3.amazonaws.com/")), "{arn}");
        }
    }

    #[test]
    fn a_stack_of_another_account_region_or_partition_is_foreign() {
        let trust = of(FUNCTION, &[]);
        let stack = |text: &str| trust.check_stack(&StackId::parse(text).unwrap());
        assert_eq!(stack("arn:aws:cloudformation:us-east-1:123456789012:stack/shop/g"), Ok(()));
        for text in [
            "arn:aws:cloudformation:us-east-1:999999999999:stack/shop/g",
            "arn:aws:cloudformation:us-east-2:123456789012:stack/shop/g",
            "arn:aws-cn:cloudformation:us-east-1:123456789012:stack/shop/g",
        ] {
            assert_eq!(stack(text).unwrap_err().field, "StackId", "{text}");
        }
        assert_eq!(
            stack("arn:aws:cloudformation:us-east-2:999999999999:stack/shop/g").unwrap_err().to_string(),
            "StackId: the stack is of account 999999999999 in us-east-2, but its provider runs in account \
             123456789012 in us-east-1. Name in ServiceToken a provider of the stack's own account and Region."
        );
    }

    #[test]
    fn the_fault_of_a_url_names_its_host_but_not_its_signature() {
        let url = ResponseUrl::parse("https://evil.org/path?X-Amz-Signature=secret").unwrap();
        assert_eq!(
            of(FUNCTION, &[]).check_url(&url).unwrap_err().to_string(),
            "ResponseURL: https://evil.org/… is not CloudFormation's. Only CloudFormation's bucket for \
             us-east-1 over https is answered."
        );
        assert!(of("", &[]).check_url(&url).unwrap_err().remedy.contains("AWS_ENDPOINT_URL"));
    }

    proptest! {
        /// Whatever stands around the bucket's name: what is accepted has that host and no other.
        #[test]
        fn what_is_accepted_has_cloudformations_host(
            before in "[a-z0-9.@:/?#\\\\%-]{0,12}",
            between in "[a-z0-9.@:/?#\\\\%-]{0,12}",
            after in "[a-z0-9.@:/?#\\\\%-]{0,12}",
        ) {
            let text = format!("https://{before}{BUCKET}{between}.s3.us-east-1.amazonaws.com{after}");
            if let Ok(url) = ResponseUrl::parse(&text) && of(FUNCTION, &[]).check_url(&url).is_ok() {
                let sent_to = Url::parse(url.reveal()).unwrap();
                let host = format!("{BUCKET}.s3.us-east-1.amazonaws.com");
                prop_assert_eq!(sent_to.host_str(), Some(host.as_str()));
                prop_assert_eq!((sent_to.scheme(), sent_to.port(), sent_to.username()), ("https", None, ""));
            }
        }

        #[test]
        fn no_text_makes_the_check_fail_by_itself(text in "\\PC{0,200}") {
            let _ = accepts(&of(FUNCTION, &[("AWS_ENDPOINT_URL", text.as_str())]), &text);
        }
    }
}
