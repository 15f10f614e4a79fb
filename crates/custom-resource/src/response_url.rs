//! Where an answer goes.

use std::fmt;

use time::{Duration, OffsetDateTime, PrimitiveDateTime, macros::format_description};
use url::{Host, Url};

use crate::fault::Fault;

/// How long CloudFormation's URLs live; not documented, and seen as two hours.
const LIFE: Duration = Duration::hours(2);

/// A presigned URL: whoever knows it may answer in the provider's name. So it does not print itself,
/// and nothing but the sender asks it to [reveal](Self::reveal) itself.
///
/// Its own words for a log are its scheme, host and port.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseUrl(Url);

impl ResponseUrl {
    /// Twice what S3 takes for the whole head of a request.
    const MAX_BYTES: usize = 16 * 1_024;

    /// The longest name in the DNS (RFC 1035).
    const MAX_HOST_BYTES: usize = 253;

    /// Reads a `ResponseURL`. What two parsers might understand differently is refused: white space,
    /// control characters, backslashes, and a user before the host.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        // The text itself is never repeated: it may hold a signature.
        let fault = |problem: &str| {
            Err(Fault::new("ResponseURL", problem, "Send the request as CloudFormation made it"))
        };
        let too_long = "it is longer than any that S3 takes";
        if text.len() > Self::MAX_BYTES {
            return fault(too_long);
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
            return fault("it contains white space, control characters or backslashes");
        }
        let Ok(url) = Url::parse(text) else {
            return fault("it is not a URL");
        };
        // What URLs do not hold as it is, is longer once it is encoded.
        if url.as_str().len() > Self::MAX_BYTES {
            return fault(too_long);
        }
        if !matches!(url.scheme(), "https" | "http") {
            return fault("it is neither https nor http");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return fault("it names a user before its host");
        }
        match url.host_str() {
            None => return fault("it has no host"),
            Some(host) if host.len() > Self::MAX_HOST_BYTES => {
                return fault("its host is longer than the name of one can be");
            }
            Some(_) => {}
        }
        Ok(Self(url))
    }

    /// The whole URL with its signature, for the sender only: never for a log.
    pub fn reveal(&self) -> &str {
        self.0.as_str()
    }

    /// When CloudFormation signed it, which is when it sent the request: `X-Amz-Date` of a presigned URL
    /// (Signature Version 4, "Authenticating Requests: Using Query Parameters"), in whole seconds. `None`
    /// where the URL tells no such date, as in local runs.
    pub fn signed_at(&self) -> Option<OffsetDateTime> {
        let (_, date) = self.0.query_pairs().find(|(name, _)| name == "X-Amz-Date")?;
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        Some(PrimitiveDateTime::parse(&date, format).ok()?.assume_utc())
    }

    /// Whether it should still be good at `now`: it was signed less than two hours ago, which is how long it lives.
    /// Not of one that tells no date.
    pub fn is_good_at(&self, now: OffsetDateTime) -> bool {
        self.signed_at().is_some_and(|signed| now - signed < LIFE)
    }

    /// `text` without this URL, wherever it holds the whole of it or its query.
    pub(crate) fn cut_from(&self, text: &str) -> String {
        let text = text.replace(self.reveal(), &self.to_string());
        match self.0.query() {
            Some(query) if !query.is_empty() => text.replace(query, "…"),
            _ => text,
        }
    }

    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The port if it is not the scheme's own.
    pub(crate) fn unusual_port(&self) -> Option<u16> {
        self.0.port()
    }

    pub(crate) fn port(&self) -> Option<u16> {
        self.0.port_or_known_default()
    }

    pub(crate) fn host(&self) -> Option<Host<&str>> {
        self.0.host()
    }
}

impl fmt::Display for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        match self.0.port() {
            Some(port) => write!(f, ":{port}/…"),
            None => f.write_str("/…"),
        }
    }
}

impl fmt::Debug for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_response_url_prints_neither_its_path_nor_its_signature() {
        let text = "https://bucket.s3.amazonaws.com/arn%3Aaws%3A/x%7Cy?X-Amz-Signature=secret#part";
        let url = ResponseUrl::parse(text).unwrap();
        assert_eq!(url.to_string(), "https://bucket.s3.amazonaws.com/…");
        assert_eq!(format!("{url:?}"), "https://bucket.s3.amazonaws.com/…");
        let local = ResponseUrl::parse("http://localhost:4566/_ministack/cfn-response/token").unwrap();
        assert_eq!(local.to_string(), "http://localhost:4566/…");
    }

    #[test]
    fn what_is_revealed_of_the_longest_url_can_be_read_again() {
        let long = |character: &str, count: usize| format!("https://host/{}", character.repeat(count));
        let longest = ResponseUrl::parse(&long("é", 2_728)).unwrap();
        assert_eq!(ResponseUrl::parse(longest.reveal()), Ok(longest));
        // Each é is six bytes once it is encoded.
        assert!(ResponseUrl::parse(&long("é", 2_729)).unwrap_err().problem.contains("longer"));
    }

    #[test]
    fn a_presigned_url_is_revealed_as_it_was_sent() {
        let text = "https://cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com/\
                    arn%3Aaws%3Acloudformation%3Aus-east-1%3A123456789012%3Astack/shop/0f1e%7CProfile%7C77f2?\
                    X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260313T174952Z&X-Amz-SignedHeaders=host\
                    &X-Amz-Expires=7200&X-Amz-Credential=AKIA%2F20260313%2Fus-east-1%2Fs3%2Faws4_request\
                    &X-Amz-Security-Token=IQo%2Bb%3D%3D&X-Amz-Signature=c5b8";
        assert_eq!(ResponseUrl::parse(text).unwrap().reveal(), text);
    }

    #[test]
    fn a_url_is_good_for_two_hours_and_not_without_a_date() {
        let url = |query: &str| ResponseUrl::parse(&format!("https://host/x?{query}")).unwrap();
        let signed = time::macros::datetime!(2026-03-13 17:49:52 UTC);
        let dated = url("X-Amz-Date=20260313T174952Z");
        assert!(dated.is_good_at(signed + Duration::minutes(119)));
        assert!(!dated.is_good_at(signed + Duration::minutes(120)));
        assert!(!url("Expires=1").is_good_at(signed));
    }

    #[test]
    fn a_presigned_url_tells_when_it_was_signed() {
        let signed =
            |query: &str| ResponseUrl::parse(&format!("https://host/x?{query}")).unwrap().signed_at();
        let at = time::macros::datetime!(2026-03-13 17:49:52 UTC);
        assert_eq!(signed("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260313T174952Z"), Some(at));
        for query in [
            "",
            "X-Amz-Date=",
            "X-Amz-Date=2026-03-13T17:49:52Z",
            "X-Amz-Date=20261313T174952Z",
            "AWSAccessKeyId=AKIA&Expires=1555451971&Signature=28",
        ] {
            assert_eq!(signed(query), None, "{query}");
        }
    }

    #[test]
    fn a_url_that_could_be_read_in_two_ways_is_refused_without_repeating_it() {
        for (text, problem) in [
            ("", "it is not a URL"),
            ("secret", "it is not a URL"),
            ("https://", "it is not a URL"),
            ("https://host:99999/secret", "it is not a URL"),
            ("ftp://host/secret", "it is neither https nor http"),
            ("file:///secret", "it is neither https nor http"),
            ("https://user@host/secret", "it names a user before its host"),
            ("https://user:secret@host/", "it names a user before its host"),
            ("https://:secret@host/", "it names a user before its host"),
            (" https://host/secret", "it contains white space, control characters or backslashes"),
            ("https://ho\tst/secret", "it contains white space, control characters or backslashes"),
            ("https://ho\nst/secret", "it contains white space, control characters or backslashes"),
            (
                &format!("https://{}.example/secret", "x".repeat(250)),
                "its host is longer than the name of one can be",
            ),
            (&format!("https://host/secret{}", "x".repeat(16_384)), "it is longer than any that S3 takes"),
            ("https:\\\\host\\secret", "it contains white space, control characters or backslashes"),
        ] {
            let fault = ResponseUrl::parse(text).unwrap_err();
            assert_eq!(fault.problem, problem, "{text:?}");
            assert!(!fault.to_string().contains("secret"), "{fault}");
        }
    }

    proptest! {
        #[test]
        fn no_url_ever_prints_its_query(query in "[a-zA-Z0-9]{8,40}", host in "[a-z]{1,7}") {
            let url = ResponseUrl::parse(&format!("https://{host}.example/?{query}")).unwrap();
            let printed = format!("{url} {url:?}");
            prop_assert!(!printed.contains(&query));
            prop_assert!(url.reveal().contains(&query));
        }
    }
}
