//! What CloudFormation names things by.
//!
//! An answer repeats the stack, the request and the logical id *verbatim* (User Guide, "Custom
//! resource response objects"), and the whole answer has 4,096 bytes. So every id is bounded here, and
//! holds nothing that JSON would have to escape: an answer then always has room for a reason.

use std::fmt;

use crate::fault::{Fault, quoted};

/// Reads an id that an answer repeats as it is.
pub(crate) fn echoable(field: &'static str, text: &str, max_bytes: usize) -> Result<(), Fault> {
    let remedy = "Send the request as CloudFormation made it";
    if text.is_empty() {
        Err(Fault::new(field, "it is empty", remedy))
    } else if text.len() > max_bytes {
        let problem = format!("it has {} bytes, more than {max_bytes}", text.len());
        Err(Fault::new(field, problem, remedy))
    } else if text.contains(|c: char| c.is_control() || matches!(c, '"' | '\\')) {
        let problem = "it contains quotation marks, backslashes or control characters";
        Err(Fault::new(field, problem, remedy))
    } else {
        Ok(())
    }
}

macro_rules! text_id {
    ($name:ident) => {
        impl $name {
            /// The id as CloudFormation knows it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// Which request this is: the same for each delivery of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(String);

text_id!(RequestId);

impl RequestId {
    /// Longer than any that CloudFormation makes: those are UUIDs.
    pub const MAX_BYTES: usize = 255;

    /// Reads a `RequestId`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        echoable("RequestId", text, Self::MAX_BYTES)?;
        Ok(Self(text.to_owned()))
    }
}

/// What the template calls the resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogicalId(String);

text_id!(LogicalId);

impl LogicalId {
    /// CloudFormation's own limit (User Guide, "Understand CloudFormation quotas").
    pub const MAX_BYTES: usize = 255;

    /// Reads a `LogicalResourceId`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        echoable("LogicalResourceId", text, Self::MAX_BYTES)?;
        Ok(Self(text.to_owned()))
    }
}

/// What the provider calls the thing that the resource stands for; the value of `Ref`.
///
/// Never empty, or CloudFormation would make one up and later ask to delete that; at most 1,024 bytes
/// (User Guide, "Custom resource response objects"); and without control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhysicalId(String);

text_id!(PhysicalId);

impl PhysicalId {
    /// "Up to 1 KB in size".
    pub const MAX_BYTES: usize = 1024;

    /// Reads or makes a `PhysicalResourceId`.
    pub fn parse(text: impl Into<String>) -> Result<Self, Fault> {
        let text = text.into();
        let fault = |problem: String| {
            let remedy = "Give 1 to 1,024 bytes without control characters";
            Err(Fault::new("PhysicalResourceId", problem, remedy))
        };
        if text.is_empty() {
            fault("it is empty".into())
        } else if text.len() > Self::MAX_BYTES {
            fault(format!("it has {} bytes", text.len()))
        } else if text.contains(char::is_control) {
            fault("it contains control characters".into())
        } else {
            Ok(Self(text))
        }
    }

    /// The id of what was refused before anything was made. CloudFormation follows a failed Create with
    /// a Delete of the id that was answered: this one is known to have nothing behind it.
    pub fn nothing_made(logical_id: &LogicalId) -> Self {
        Self(format!("nothing-was-made-for-{logical_id}"))
    }

    /// The id of what may or may not have been made, when not even the resource can name it.
    pub fn unknown(logical_id: &LogicalId) -> Self {
        Self(format!("unknown-for-{logical_id}"))
    }
}

/// A stack's ARN: `arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<guid>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StackId {
    text: String,
    partition: String,
    region: String,
    account: String,
    name: String,
    guid: String,
}

impl StackId {
    /// More than the parts of a stack's ARN come to: a name has at most 128 characters.
    pub const MAX_BYTES: usize = 512;

    /// Reads a `StackId`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        echoable("StackId", text, Self::MAX_BYTES)?;
        let parts = || {
            let mut parts = text.splitn(6, ':');
            let ("arn", partition, "cloudformation", region, account, resource) =
                (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?)
            else {
                return None;
            };
            let (name, guid) = resource.strip_prefix("stack/")?.split_once('/')?;
            let complete = is_label(partition)
                && is_label(region)
                && is_account(account)
                && !name.is_empty()
                && !guid.is_empty()
                && !guid.contains('/');
            complete.then(|| Self {
                text: text.to_owned(),
                partition: partition.to_owned(),
                region: region.to_owned(),
                account: account.to_owned(),
                name: name.to_owned(),
                guid: guid.to_owned(),
            })
        };
        parts().ok_or_else(|| {
            Fault::new(
                "StackId",
                format!("{} is not the ARN of a stack", quoted(text)),
                "Send arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<guid>",
            )
        })
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `aws`, `aws-us-gov`, `aws-cn`, …
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// `us-east-1`, …
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Twelve digits.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The stack's name, which a later stack may bear again.
    pub fn stack_name(&self) -> &str {
        &self.name
    }

    /// What tells this stack from others of its name.
    pub fn guid(&self) -> &str {
        &self.guid
    }
}

impl fmt::Display for StackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for StackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether `text` can be a partition or a Region.
pub(crate) fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether `text` can be an account.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: &str = "arn:aws-us-gov:cloudformation:us-gov-west-1:123456789012:stack/shop/\
                         51af3dc0-da77-11e4-872e-1234567db123";

    #[test]
    fn a_stack_id_gives_its_parts_and_itself_unchanged() {
        let stack = StackId::parse(STACK).unwrap();
        assert_eq!(stack.partition(), "aws-us-gov");
        assert_eq!(stack.region(), "us-gov-west-1");
        assert_eq!(stack.account(), "123456789012");
        assert_eq!(stack.stack_name(), "shop");
        assert_eq!(stack.guid(), "51af3dc0-da77-11e4-872e-1234567db123");
        assert_eq!(stack.as_str(), STACK);
        assert_eq!(stack.to_string(), STACK);
    }

    #[test]
    fn what_is_no_stack_arn_is_refused_with_the_right_shape() {
        for text in [
            "shop",
            "arn:aws:cloudformation:us-east-1:123456789012:stack/shop",
            "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/",
            "arn:aws:cloudformation:us-east-1:123456789012:stack//guid",
            "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/guid/more",
            "arn:aws:cloudformation:us-east-1:123456789012:changeSet/shop/guid",
            "arn:aws:cloudformation:us-east-1:12345:stack/shop/guid",
            "arn:aws:cloudformation::123456789012:stack/shop/guid",
            "arn:aws:cloudformation:US-EAST-1:123456789012:stack/shop/guid",
            "arn::cloudformation:us-east-1:123456789012:stack/shop/guid",
            "arn:aws:s3:us-east-1:123456789012:stack/shop/guid",
            "urn:aws:cloudformation:us-east-1:123456789012:stack/shop/guid",
        ] {
            let fault = StackId::parse(text).unwrap_err();
            assert_eq!(fault.field, "StackId", "{text}");
            assert!(fault.problem.contains("is not the ARN of a stack"), "{text}: {fault}");
            assert!(fault.remedy.contains(":stack/<name>/<guid>"), "{text}: {fault}");
        }
    }

    #[test]
    fn a_physical_id_is_never_empty_never_too_long_and_never_holds_control_characters() {
        for (text, problem) in [
            (String::new(), "it is empty"),
            ("x".repeat(1025), "it has 1025 bytes"),
            ("é".repeat(513), "it has 1026 bytes"),
            ("a\u{0}b".into(), "it contains control characters"),
        ] {
            assert_eq!(PhysicalId::parse(text).unwrap_err().problem, problem);
        }
        assert_eq!(PhysicalId::parse("x".repeat(1024)).unwrap().as_str().len(), 1024);
    }

    #[test]
    fn the_ids_of_a_request_are_bounded_and_need_no_escapes() {
        for text in ["", "a\"b", "a\\b", "a\nb", &"x".repeat(256)] {
            assert_eq!(RequestId::parse(text).unwrap_err().field, "RequestId", "{text:?}");
            assert_eq!(LogicalId::parse(text).unwrap_err().field, "LogicalResourceId", "{text:?}");
        }
        assert!(StackId::parse(&"x".repeat(513)).unwrap_err().problem.contains("513 bytes"));
        assert!(RequestId::parse(&"x".repeat(255)).is_ok());
        assert!(LogicalId::parse(&"x".repeat(255)).is_ok());
    }

    #[test]
    fn the_ids_made_here_are_valid_for_the_longest_logical_id() {
        let logical_id = LogicalId::parse(&"x".repeat(LogicalId::MAX_BYTES)).unwrap();
        for id in [PhysicalId::nothing_made(&logical_id), PhysicalId::unknown(&logical_id)] {
            assert_eq!(PhysicalId::parse(id.as_str()), Ok(id));
        }
    }
}
