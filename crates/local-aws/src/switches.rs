//! The named switches: one for each thing about AWS that is not certain, or that varies.
//!
//! Code that talks to AWS must be right in every position of every switch.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a repeated `clientRequestToken` does on CreateInferenceProfile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepeatedToken {
    /// The first profile's ARN comes back and nothing is made.
    #[default]
    FirstArn,
    /// The token is not heeded: another profile is made.
    NewProfile,
    /// ConflictException.
    Conflict,
}

/// What a repeated token with other parameters does, while tokens give the first ARN back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MismatchedToken {
    /// The first profile's ARN comes back; the documentation says that the request is ignored.
    #[default]
    FirstArn,
    /// ConflictException.
    Conflict,
}

/// What a repeated token does when the profile it made has been deleted since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletedToken {
    /// The token is free again: a new profile is made.
    #[default]
    NewProfile,
    /// The ARN of the deleted profile comes back.
    FirstArn,
}

/// What ListInferenceProfiles gives when no type is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListWithoutType {
    /// The system-defined profiles only, which is what the service does.
    #[default]
    SystemDefined,
    /// Both types, which is what the documentation reads like.
    All,
}

/// How GetFoundationModel answers for a model that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownModel {
    /// ResourceNotFoundException, 404.
    #[default]
    NotFound,
    /// ValidationException, 400.
    Validation,
}

/// The positions of all switches. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Whether a second profile with a name that is taken is refused with ConflictException.
    pub unique_names: bool,
    /// With `unique_names`: how long the name of a deleted profile stays taken.
    pub name_release_ms: u64,
    /// What a repeated `clientRequestToken` does.
    pub repeated_token: RepeatedToken,
    /// What it does when the other parameters are not those of the first request.
    pub mismatched_token: MismatchedToken,
    /// What it does when the first request's profile has been deleted.
    pub deleted_token: DeletedToken,
    /// For how long a `clientRequestToken` is remembered.
    pub token_memory_ms: u64,
    /// How late GetInferenceProfile sees new and deleted profiles.
    pub lag_get_ms: u64,
    /// How late ListInferenceProfiles sees new and deleted profiles.
    pub lag_list_ms: u64,
    /// How late ListTagsForResource sees new, deleted and re-tagged profiles.
    pub lag_tags_ms: u64,
    /// How late the tagging API's Get operations see new, deleted and re-tagged profiles.
    pub lag_tagging_api_ms: u64,
    /// What ListInferenceProfiles gives when no type is asked for.
    pub list_without_type: ListWithoutType,
    /// How GetFoundationModel answers for a model that is not there.
    pub unknown_model: UnknownModel,
    /// Whether models past their end of life vanish from GetFoundationModel and ListFoundationModels.
    pub hide_end_of_life_models: bool,
    /// Application profiles that an account may have in a Region (quota L-40EC9882).
    pub quota: usize,
    /// Whether Service Quotas tells it; an account whose quota nobody ever changed may have none there.
    pub quota_is_told: bool,
    /// Items on a page of ListInferenceProfiles when `maxResults` is not given.
    pub default_page_size: usize,
    /// A page never has more items than this, whatever was asked for; 0 for no such bound.
    pub page_cap: usize,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            unique_names: false,
            name_release_ms: 0,
            repeated_token: RepeatedToken::default(),
            mismatched_token: MismatchedToken::default(),
            deleted_token: DeletedToken::default(),
            token_memory_ms: 24 * 60 * 60 * 1000,
            lag_get_ms: 0,
            lag_list_ms: 0,
            lag_tags_ms: 0,
            lag_tagging_api_ms: 0,
            list_without_type: ListWithoutType::default(),
            unknown_model: UnknownModel::default(),
            hide_end_of_life_models: false,
            quota: 1000,
            quota_is_told: true,
            default_page_size: 100,
            page_cap: 0,
        }
    }
}

/// A switch that does not exist, or a position that it does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SwitchError(String);

impl Switches {
    /// Moves the switches that `changes`, a JSON object, names; the others stay.
    pub fn merge(&mut self, changes: &Value) -> Result<(), SwitchError> {
        let Value::Object(changes) = changes else {
            return Err(SwitchError("the switches are a JSON object".to_owned()));
        };
        let mut all = serde_json::to_value(&*self).map_err(|error| SwitchError(error.to_string()))?;
        if let Value::Object(all) = &mut all {
            all.extend(changes.clone());
        }
        *self = serde_json::from_value(all).map_err(|error| SwitchError(error.to_string()))?;
        Ok(())
    }

    /// Moves one switch from text: `unique_names=true`, `repeated-token=new_profile`, `lag_list_ms=500`.
    pub fn set(&mut self, text: &str) -> Result<(), SwitchError> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| SwitchError(format!("{text}: a switch is set as name=value")))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.replace('-', "_")));
        self.merge(&Value::Object([(name.replace('-', "_"), value)].into_iter().collect()))
            .map_err(|error| SwitchError(format!("{text}: {error}")))
    }

    /// How long something deleted or overwritten must be kept to be seen late.
    pub(crate) fn retention_ms(&self) -> u64 {
        const AT_LEAST: u64 = 60 * 60 * 1000;
        [self.lag_get_ms, self.lag_list_ms, self.lag_tags_ms, self.lag_tagging_api_ms, self.name_release_ms]
            .into_iter()
            .fold(AT_LEAST, |longest, lag| longest.max(lag.saturating_mul(2)))
    }

    /// The size of a page for which so many items were asked.
    pub(crate) fn page(&self, asked: usize) -> usize {
        if self.page_cap == 0 { asked } else { asked.min(self.page_cap) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_switch_is_set_from_text() {
        let mut switches = Switches::default();
        switches.set("unique_names=true").unwrap();
        switches.set("repeated-token=new-profile").unwrap();
        switches.set("lag_list_ms=500").unwrap();
        let expected = Switches {
            unique_names: true,
            repeated_token: RepeatedToken::NewProfile,
            lag_list_ms: 500,
            ..Switches::default()
        };
        assert_eq!(switches, expected);
    }

    #[test]
    fn an_unknown_switch_or_position_is_refused_and_changes_nothing() {
        let mut switches = Switches::default();
        for text in ["uniq=true", "unique_names", "unique_names=perhaps", "lag_get_ms=-1"] {
            let error = switches.set(text).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
        assert!(switches.merge(&json!({"quota": 5, "nothing": 1})).is_err());
        assert!(switches.merge(&json!([1])).is_err());
        assert_eq!(switches, Switches::default());
    }

    #[test]
    fn merging_leaves_the_others() {
        let mut switches = Switches { quota: 7, ..Switches::default() };
        switches.merge(&json!({"lag_get_ms": 3})).unwrap();
        assert_eq!(switches, Switches { quota: 7, lag_get_ms: 3, ..Switches::default() });
    }
}
