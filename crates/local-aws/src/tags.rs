//! Tags of profiles: their rules, and Bedrock's three operations on them.

use serde::{Deserialize, Serialize};

use crate::arns::Arn;
use crate::constraints::{Check, Rule, TAG, TAGGABLE_ARN};
use crate::error::ApiError;
use crate::profiles::Named;
use crate::state::{Caller, State, Tags, View};
use crate::switches::Switches;

/// How many tags a resource may have.
pub const LIMIT: usize = 50;
/// How many the API model lets a request carry.
const IN_A_REQUEST: usize = 200;

/// A tag in a request or an answer. What is `None` was not sent; answers always have both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tag {
    /// The key.
    pub key: Option<String>,
    /// The value.
    pub value: Option<String>,
}

impl Tag {
    /// A tag with a key and a value.
    pub fn new(key: &str, value: &str) -> Self {
        Self { key: Some(key.to_owned()), value: Some(value.to_owned()) }
    }
}

/// The input of TagResource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TagResource {
    /// The profile's ARN, required.
    #[serde(rename = "resourceARN")]
    pub resource_arn: Option<String>,
    /// The tags to add or to overwrite, required.
    pub tags: Option<Vec<Tag>>,
}

/// The input of UntagResource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UntagResource {
    /// The profile's ARN, required.
    #[serde(rename = "resourceARN")]
    pub resource_arn: Option<String>,
    /// The keys to take away, required. Keys that are not there are passed over.
    #[serde(rename = "tagKeys")]
    pub tag_keys: Option<Vec<String>>,
}

/// The input of ListTagsForResource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListTagsForResource {
    /// The profile's ARN, required.
    #[serde(rename = "resourceARN")]
    pub resource_arn: Option<String>,
}

/// The answer of ListTagsForResource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedTags {
    /// The tags.
    pub tags: Vec<Tag>,
}

/// Checks each tag of a list against the API model.
pub(crate) fn check_list(check: &mut Check, tags: &[Tag]) {
    check.at_most("tags", tags.len(), IN_A_REQUEST);
    for (tag, number) in tags.iter().zip(1..) {
        check.required(&format!("tags.{number}.member.key"), tag.key.as_deref(), Rule::new(1, 128, TAG));
        check.required(&format!("tags.{number}.member.value"), tag.value.as_deref(), Rule::new(0, 256, TAG));
    }
}

fn is_reserved(key: &str) -> bool {
    key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
}

fn refuse_reserved(key: &str) -> Result<(), ApiError> {
    if is_reserved(key) {
        return Err(ApiError::validation(format!(
            "The tag key '{key}' is not valid: the prefix aws: is reserved for system use."
        )));
    }
    Ok(())
}

/// The tags by key, once no key is reserved and none comes twice.
pub(crate) fn distinct(tags: &[Tag]) -> Result<Tags, ApiError> {
    let mut by_key = Tags::new();
    for tag in tags {
        let (key, value) = (tag.key.clone().unwrap_or_default(), tag.value.clone().unwrap_or_default());
        refuse_reserved(&key)?;
        if by_key.insert(key.clone(), value).is_some() {
            return Err(ApiError::validation(format!("The tag key '{key}' was given more than once.")));
        }
    }
    Ok(by_key)
}

/// The error for a resource that would have more tags than it may.
pub(crate) fn too_many(resource: &str) -> ApiError {
    ApiError::too_many_tags(resource, format!("The resource would have more than {LIMIT} tags."))
}

fn gone(arn: &str) -> ApiError {
    ApiError::not_found(format!("The resource '{arn}' could not be found."))
}

impl State {
    /// The profile whose tags an ARN names. No other kind of resource is here.
    fn taggable<'a>(&'a self, caller: &Caller, arn: &'a str) -> Result<Named<'a>, ApiError> {
        match Arn::parse(arn) {
            Some(parts) if !parts.kind.ends_with("inference-profile") => Err(gone(arn)),
            _ => self.named(caller, arn),
        }
    }

    /// Adds to, or takes from, the tags of a living application profile.
    pub(crate) fn change_tags(
        &mut self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        arn: &str,
        change: impl FnOnce(&mut Tags),
    ) -> Result<(), ApiError> {
        let id = match self.taggable(caller, arn)? {
            Named::Application(id) => id.to_owned(),
            Named::System(_) => {
                return Err(ApiError::validation("A system-defined inference profile cannot be tagged."));
            }
        };
        let profile = self.place(caller).and_then(|place| place.living(&id));
        let mut tags = profile.ok_or_else(|| gone(arn))?.tags().clone();
        change(&mut tags);
        if tags.len() > LIMIT {
            return Err(too_many(arn));
        }
        let horizon = view.now.earlier(switches.retention_ms());
        if let Some(profile) = self.place_mut(caller).living_mut(&id) {
            profile.set_tags(tags, view.now, horizon);
        }
        Ok(())
    }

    pub(crate) fn tag_resource(
        &mut self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        request: &TagResource,
    ) -> Result<(), ApiError> {
        let mut check = Check::default();
        check_arn(&mut check, request.resource_arn.as_deref());
        match &request.tags {
            None => check.missing("tags"),
            Some(tags) => check_list(&mut check, tags),
        }
        check.finish()?;
        let new = distinct(request.tags.as_deref().unwrap_or_default())?;
        let arn = request.resource_arn.as_deref().unwrap_or_default();
        self.change_tags(caller, view, switches, arn, |tags| tags.extend(new))
    }

    pub(crate) fn untag_resource(
        &mut self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        request: &UntagResource,
    ) -> Result<(), ApiError> {
        let mut check = Check::default();
        check_arn(&mut check, request.resource_arn.as_deref());
        match &request.tag_keys {
            None => check.missing("tagKeys"),
            Some(keys) => {
                check.at_most("tagKeys", keys.len(), IN_A_REQUEST);
                for (key, number) in keys.iter().zip(1..) {
                    check.required(&format!("tagKeys.{number}.member"), Some(key), Rule::new(1, 128, TAG));
                }
            }
        }
        check.finish()?;
        let keys = request.tag_keys.as_deref().unwrap_or_default();
        keys.iter().try_for_each(|key| refuse_reserved(key))?;
        let arn = request.resource_arn.as_deref().unwrap_or_default();
        self.change_tags(caller, view, switches, arn, |tags| tags.retain(|key, _| !keys.contains(key)))
    }

    pub(crate) fn list_tags_for_resource(
        &self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        request: &ListTagsForResource,
    ) -> Result<ListedTags, ApiError> {
        let mut check = Check::default();
        check_arn(&mut check, request.resource_arn.as_deref());
        check.finish()?;
        let arn = request.resource_arn.as_deref().unwrap_or_default();
        let id = match self.taggable(caller, arn)? {
            Named::Application(id) => id,
            Named::System(_) => return Ok(ListedTags { tags: Vec::new() }),
        };
        let as_of = view.as_of(switches.lag_tags_ms);
        let profile = self.place(caller).and_then(|place| place.profile_at(id, as_of));
        let profile = profile.ok_or_else(|| gone(arn))?;
        Ok(ListedTags {
            tags: profile.tags_at(as_of).iter().map(|(key, value)| Tag::new(key, value)).collect(),
        })
    }
}

fn check_arn(check: &mut Check, arn: Option<&str>) {
    check.required("resourceARN", arn, Rule::new(20, 1011, TAGGABLE_ARN));
}
