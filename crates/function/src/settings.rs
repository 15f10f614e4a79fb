//! What the environment of every function says. Read once, at the start.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `PARAMETER_PREFIX` | under which parameters are published | `/inference-profiles` |
//! | `REQUIRED_TAGS` | `owner,project-id,env=dev\|prod` | none |
//! | `TAG_POLICY` | a tag policy document, or the name of the SSM parameter that holds one | none |

use profile::{
    fault::{Fault, Faults, quoted},
    parameter::ParameterPrefix,
    tag_policy::TagPolicy,
};

/// Under which parameters are published.
pub const PARAMETER_PREFIX: &str = "PARAMETER_PREFIX";
/// The short form of the tag policy.
pub const REQUIRED_TAGS: &str = "REQUIRED_TAGS";
/// The long form of the tag policy, or where it is.
pub const TAG_POLICY: &str = "TAG_POLICY";

/// The settings that the functions of a deployment share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Under which parameters are published.
    pub prefix: ParameterPrefix,
    required_tags: String,
    policy: PolicySource,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PolicySource {
    /// Empty when there is none.
    Document(String),
    Parameter(String),
}

impl Default for Settings {
    /// What a deployment without any parameters has.
    fn default() -> Self {
        Self {
            prefix: ParameterPrefix::default(),
            required_tags: String::new(),
            policy: PolicySource::Document(String::new()),
        }
    }
}

impl Settings {
    /// Reads them from `get`, which looks a variable up. What the tag policy says is judged with the
    /// first request that needs it, because it may lie in a parameter.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, Fault> {
        let text = |name: &str| get(name).unwrap_or_default().trim().to_owned();
        let prefix = match text(PARAMETER_PREFIX) {
            empty if empty.is_empty() => ParameterPrefix::default(),
            declared => ParameterPrefix::parse(&declared)?,
        };
        let policy = match text(TAG_POLICY) {
            document if document.is_empty() || document.starts_with('{') => PolicySource::Document(document),
            name => PolicySource::Parameter(name),
        };
        Ok(Self { prefix, required_tags: text(REQUIRED_TAGS), policy })
    }

    /// The parameter that holds the tag policy, when it is not in the environment itself.
    pub fn policy_parameter(&self) -> Option<&str> {
        match &self.policy {
            PolicySource::Document(_) => None,
            PolicySource::Parameter(name) => Some(name),
        }
    }

    /// The tag policy; `stored` is the value of [`Settings::policy_parameter`], `None` if it does not
    /// exist.
    pub fn tag_policy(&self, stored: Option<&str>) -> Result<TagPolicy, Faults> {
        let document = match (&self.policy, stored) {
            (PolicySource::Document(document), _) => document.as_str(),
            (PolicySource::Parameter(_), Some(document)) => document,
            (PolicySource::Parameter(name), None) => {
                return Err(Fault::new(
                    "TagPolicy",
                    format!("there is no SSM parameter {}", quoted(name)),
                    "Create it, or deploy the Inference Profile Manager with another TagPolicy",
                )
                .into());
            }
        };
        TagPolicy::parse(&self.required_tags, document)
    }
}
