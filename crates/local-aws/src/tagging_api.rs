//! The Resource Groups Tagging API over the application profiles.
//!
//! A profile that never had a tag does not appear; one that lost its tags appears with none.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::arns::{self, Arn};
use crate::constraints::TAG;
use crate::error::ApiError;
use crate::paging;
use crate::state::{Caller, Profile, State, Tags, View};
use crate::switches::Switches;
use crate::tags::{self, Tag};

/// The resource type of application profiles.
pub const RESOURCE_TYPE: &str = "bedrock:application-inference-profile";

/// One condition on tags: the key, and any of the values, or any value if there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TagFilter {
    /// The key, required.
    pub key: Option<String>,
    /// The values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
}

/// The input of GetResources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetResources {
    /// Where to go on; the empty text is the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pagination_token: Option<String>,
    /// Conditions, all of which must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_filters: Option<Vec<TagFilter>>,
    /// 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources_per_page: Option<i64>,
    /// 100 to 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags_per_page: Option<i64>,
    /// `service` or `service:type`; any of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type_filters: Option<Vec<String>>,
    /// Whether to tell how the tags stand to the organisation's policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_compliance_details: Option<bool>,
    /// Whether to leave out what complies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_compliant_resources: Option<bool>,
    /// Up to 100 ARNs, instead of filters and pages.
    #[serde(rename = "ResourceARNList", skip_serializing_if = "Option::is_none")]
    pub resource_arn_list: Option<Vec<String>>,
}

/// A tag as this API writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResourceTag {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// How a resource stands to the tag policy. No policy is in force here, so everything complies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ComplianceDetails {
    /// Always empty.
    pub noncompliant_keys: Vec<String>,
    /// Always empty.
    pub keys_with_noncompliant_values: Vec<String>,
    /// Always true.
    pub compliance_status: bool,
}

/// A resource and its tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResourceTags {
    /// The ARN.
    #[serde(rename = "ResourceARN")]
    pub resource_arn: String,
    /// The tags, perhaps none.
    pub tags: Vec<ResourceTag>,
    /// There when it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compliance_details: Option<ComplianceDetails>,
}

/// The answer of GetResources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Resources {
    /// Where to go on; empty at the end.
    pub pagination_token: String,
    /// One page.
    pub resource_tag_mapping_list: Vec<ResourceTags>,
}

/// The input of GetTagKeys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetTagKeys {
    /// Where to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pagination_token: Option<String>,
}

/// The answer of GetTagKeys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagKeys {
    /// Where to go on; empty at the end.
    pub pagination_token: String,
    /// One page of keys.
    pub tag_keys: Vec<String>,
}

/// The input of GetTagValues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetTagValues {
    /// Where to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pagination_token: Option<String>,
    /// The key, required.
    pub key: Option<String>,
}

/// The answer of GetTagValues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagValues {
    /// Where to go on; empty at the end.
    pub pagination_token: String,
    /// One page of values.
    pub tag_values: Vec<String>,
}

/// The input of TagResources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TagResources {
    /// 1 to 20 ARNs, required.
    #[serde(rename = "ResourceARNList")]
    pub resource_arn_list: Option<Vec<String>>,
    /// 1 to 50 tags, required.
    pub tags: Option<BTreeMap<String, String>>,
}

/// The input of UntagResources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UntagResources {
    /// 1 to 20 ARNs, required.
    #[serde(rename = "ResourceARNList")]
    pub resource_arn_list: Option<Vec<String>>,
    /// 1 to 50 keys, required.
    pub tag_keys: Option<Vec<String>>,
}

/// Why one resource of several could not be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FailureInfo {
    /// The HTTP status that it would have had by itself.
    pub status_code: u16,
    /// `InvalidParameterException` or `InternalServiceException`.
    pub error_code: String,
    /// The text.
    pub error_message: String,
}

/// The answer of TagResources and UntagResources: what could not be changed, by ARN.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FailedResources {
    /// Empty when all went well.
    pub failed_resources_map: BTreeMap<String, FailureInfo>,
}

fn invalid<T>(message: impl Into<String>) -> Result<T, ApiError> {
    Err(ApiError::invalid_parameter(message))
}

fn matches_type(filters: Option<&[String]>) -> bool {
    let service = RESOURCE_TYPE.split(':').next();
    match filters {
        None | Some([]) => true,
        Some(filters) => {
            filters.iter().any(|filter| filter == RESOURCE_TYPE || Some(filter.as_str()) == service)
        }
    }
}

fn matches_tags(filters: &[TagFilter], tags: &Tags) -> bool {
    filters.iter().all(|filter| {
        let value = filter.key.as_ref().and_then(|key| tags.get(key));
        let values = filter.values.as_deref().unwrap_or_default();
        value.is_some_and(|value| values.is_empty() || values.contains(value))
    })
}

fn expired() -> ApiError {
    ApiError::new(
        "PaginationTokenExpiredException",
        "The specified PaginationToken is not valid or has expired. A PaginationToken is valid for 15 minutes.",
    )
}

fn position(scope: &str, token: Option<&str>) -> Result<Option<u64>, ApiError> {
    match token.unwrap_or_default() {
        "" => Ok(None),
        token => paging::position(scope, token).map(Some).ok_or_else(expired),
    }
}

/// A page of sorted texts, and the token for the next one.
fn page(
    all: &BTreeSet<&String>,
    scope: &str,
    token: Option<&str>,
    size: usize,
) -> Result<(Vec<String>, String), ApiError> {
    let start = position(scope, token)?.map_or(0, |start| usize::try_from(start).unwrap_or(usize::MAX));
    let items: Vec<String> = all.iter().skip(start).take(size).map(|&text| text.clone()).collect();
    let end = start.saturating_add(items.len());
    let next = if end < all.len() { paging::token(scope, end as u64) } else { String::new() };
    Ok((items, next))
}

const PAGE: usize = 100;

impl State {
    fn tagged_at<'a>(
        &'a self,
        caller: &Caller,
        as_of: crate::timestamp::Timestamp,
        after: Option<u64>,
    ) -> impl Iterator<Item = &'a Profile> {
        let places = self.place(caller).into_iter();
        places
            .flat_map(move |place| place.profiles_at(as_of, after))
            .filter(move |profile| profile.was_tagged_at(as_of))
    }

    pub(crate) fn get_resources(
        &self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        request: &GetResources,
    ) -> Result<Resources, ApiError> {
        check_get_resources(request, &caller.region)?;
        let as_of = view.as_of(switches.lag_tagging_api_ms);
        let compliance = request.include_compliance_details == Some(true);
        let entry = |profile: &Profile| ResourceTags {
            resource_arn: profile.arn.clone(),
            tags: profile
                .tags_at(as_of)
                .iter()
                .map(|(key, value)| ResourceTag { key: key.clone(), value: value.clone() })
                .collect(),
            compliance_details: compliance.then(|| ComplianceDetails {
                noncompliant_keys: Vec::new(),
                keys_with_noncompliant_values: Vec::new(),
                compliance_status: true,
            }),
        };
        let answer = |list, token| Resources { pagination_token: token, resource_tag_mapping_list: list };
        if request.exclude_compliant_resources == Some(true) {
            return Ok(answer(Vec::new(), String::new()));
        }
        if let Some(arns) = &request.resource_arn_list {
            let wanted: BTreeSet<&str> = arns.iter().map(String::as_str).collect();
            let found = wanted.into_iter().filter_map(|text| {
                let arn = Arn::parse(text)?;
                let profile = self.place(caller)?.profile_at(arn.id, as_of)?;
                (profile.arn == text && profile.was_tagged_at(as_of)).then(|| entry(profile))
            });
            return Ok(answer(found.collect(), String::new()));
        }

        let filters = request.tag_filters.as_deref().unwrap_or_default();
        let types = request.resource_type_filters.as_deref();
        let digest = paging::fnv1a(serde_json::to_vec(&(filters, types)).unwrap_or_default().into_iter());
        let scope = format!("resources/{}/{}/{digest}", caller.account, caller.region);
        let after = position(&scope, request.pagination_token.as_deref())?;
        if !matches_type(types) {
            return Ok(answer(Vec::new(), String::new()));
        }
        let asked = request.resources_per_page.and_then(|size| usize::try_from(size).ok());
        let size = switches.page(asked.unwrap_or(PAGE)).max(1);
        let room = request.tags_per_page.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
        let mut matching = self
            .tagged_at(caller, as_of, after)
            .filter(|profile| matches_tags(filters, profile.tags_at(as_of)))
            .peekable();
        let (mut list, mut last, mut used) = (Vec::new(), 0, 0);
        while let Some(profile) = matching.next_if(|profile| {
            // A resource without tags counts as one tag, and is never split.
            used += profile.tags_at(as_of).len().max(1);
            list.len() < size && (used <= room || list.is_empty())
        }) {
            last = profile.sequence;
            list.push(entry(profile));
        }
        let more = matching.peek().is_some();
        Ok(answer(list, if more { paging::token(&scope, last) } else { String::new() }))
    }

    pub(crate) fn get_tag_keys(
        &self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        request: &GetTagKeys,
    ) -> Result<TagKeys, ApiError> {
        let as_of = view.as_of(switches.lag_tagging_api_ms);
        let keys = self.tagged_at(caller, as_of, None).flat_map(|profile| profile.tags_at(as_of).keys());
        let scope = format!("keys/{}/{}", caller.account, caller.region);
        let token = request.pagination_token.as_deref();
        let (tag_keys, pagination_token) = page(&keys.collect(), &scope, token, switches.page(PAGE))?;
        Ok(TagKeys { pagination_token, tag_keys })
    }

    pub(crate) fn get_tag_values(
        &self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        request: &GetTagValues,
    ) -> Result<TagValues, ApiError> {
        let Some(key) = request.key.as_deref().filter(|key| (1..=128).contains(&key.chars().count())) else {
            return invalid("Key is required and has 1 to 128 characters.");
        };
        let as_of = view.as_of(switches.lag_tagging_api_ms);
        let values =
            self.tagged_at(caller, as_of, None).filter_map(|profile| profile.tags_at(as_of).get(key));
        let scope = format!("values/{}/{}/{key}", caller.account, caller.region);
        let token = request.pagination_token.as_deref();
        let (tag_values, pagination_token) = page(&values.collect(), &scope, token, switches.page(PAGE))?;
        Ok(TagValues { pagination_token, tag_values })
    }

    pub(crate) fn tag_resources(
        &mut self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        request: &TagResources,
    ) -> Result<FailedResources, ApiError> {
        let arns = check_arn_list(request.resource_arn_list.as_deref())?;
        let Some(new) = request.tags.as_ref().filter(|tags| (1..=50).contains(&tags.len())) else {
            return invalid("Tags is required and has 1 to 50 members.");
        };
        for (key, value) in new {
            let fits = (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256;
            if !fits || !TAG.matches(key) || !TAG.matches(value) {
                return invalid(format!(
                    "The tag '{key}' is not valid: its key or value breaks the tag rules."
                ));
            }
        }
        let list: Vec<Tag> = new.iter().map(|(key, value)| Tag::new(key, value)).collect();
        tags::distinct(&list).map_err(|error| ApiError::invalid_parameter(error.message))?;
        Ok(self.each(caller, view, switches, arns, |tags| {
            tags.extend(new.iter().map(|(key, value)| (key.clone(), value.clone())));
        }))
    }

    pub(crate) fn untag_resources(
        &mut self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        request: &UntagResources,
    ) -> Result<FailedResources, ApiError> {
        let arns = check_arn_list(request.resource_arn_list.as_deref())?;
        let Some(keys) = request.tag_keys.as_ref().filter(|keys| (1..=50).contains(&keys.len())) else {
            return invalid("TagKeys is required and has 1 to 50 members.");
        };
        let list: BTreeSet<&String> = keys.iter().collect();
        let as_tags: Vec<Tag> = list.iter().map(|key| Tag::new(key, "")).collect();
        if keys.iter().any(|key| !(1..=128).contains(&key.chars().count())) {
            return invalid("A member of TagKeys has 1 to 128 characters.");
        }
        tags::distinct(&as_tags).map_err(|error| ApiError::invalid_parameter(error.message))?;
        Ok(self.each(caller, view, switches, arns, |tags| tags.retain(|key, _| !list.contains(key))))
    }

    /// Changes the tags of each resource by itself, and gathers what failed.
    fn each(
        &mut self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        arns: &[String],
        change: impl Fn(&mut Tags),
    ) -> FailedResources {
        let mut failed = FailedResources::default();
        for arn in arns {
            if let Err(error) = self.change_tags(caller, view, switches, arn, &change) {
                let info = FailureInfo {
                    status_code: error.status,
                    error_code: "InvalidParameterException".to_owned(),
                    error_message: error.message,
                };
                failed.failed_resources_map.insert(arn.clone(), info);
            }
        }
        failed
    }
}

fn check_arn_list(list: Option<&[String]>) -> Result<&[String], ApiError> {
    match list {
        Some(arns) if (1..=20).contains(&arns.len()) => match arns.iter().find(|arn| !is_arn(arn)) {
            None => Ok(arns),
            Some(arn) => invalid(format!("'{arn}' is not a valid ARN.")),
        },
        _ => invalid("ResourceARNList is required and has 1 to 20 members."),
    }
}

fn is_arn(text: &str) -> bool {
    text.starts_with("arn:") && text.split(':').count() >= 6 && text.chars().count() <= 1011
}

fn check_get_resources(request: &GetResources, region: &str) -> Result<(), ApiError> {
    if let Some(arns) = &request.resource_arn_list {
        let token = request.pagination_token.as_deref().is_some_and(|token| !token.is_empty());
        if token || request.resources_per_page.is_some() || request.tags_per_page.is_some() {
            return invalid("ResourceARNList cannot be given together with a pagination parameter.");
        }
        if request.tag_filters.as_ref().is_some_and(|list| !list.is_empty())
            || request.resource_type_filters.as_ref().is_some_and(|list| !list.is_empty())
        {
            return invalid(
                "ResourceARNList cannot be given together with TagFilters or ResourceTypeFilters.",
            );
        }
        if !(1..=100).contains(&arns.len()) {
            return invalid("ResourceARNList has 1 to 100 members.");
        }
        if let Some(arn) = arns.iter().find(|arn| !is_arn(arn)) {
            return invalid(format!("'{arn}' is not a valid ARN."));
        }
        let partition = arns::partition_of(region);
        if let Some(arn) = arns.iter().find(|arn| arn.split(':').nth(1) != Some(partition)) {
            return invalid(format!("'{arn}' is of another partition."));
        }
    }
    if request.resources_per_page.is_some_and(|size| !(1..=100).contains(&size)) {
        return invalid("ResourcesPerPage must be from 1 to 100.");
    }
    if request.tags_per_page.is_some_and(|count| !(100..=500).contains(&count) || count % 100 != 0) {
        return invalid("TagsPerPage must be from 100 to 500, in steps of 100.");
    }
    if request.exclude_compliant_resources == Some(true) && request.include_compliance_details != Some(true) {
        return invalid("ExcludeCompliantResources needs IncludeComplianceDetails.");
    }
    let filters = request.tag_filters.as_deref().unwrap_or_default();
    if filters.len() > 50 {
        return invalid("TagFilters has at most 50 members.");
    }
    for filter in filters {
        if !filter.key.as_deref().is_some_and(|key| (1..=128).contains(&key.chars().count())) {
            return invalid("A tag filter needs a Key of 1 to 128 characters.");
        }
        let values = filter.values.as_deref().unwrap_or_default();
        if values.len() > 20 || values.iter().any(|value| value.chars().count() > 256) {
            return invalid("A tag filter has at most 20 values, of at most 256 characters.");
        }
    }
    let types = request.resource_type_filters.as_deref().unwrap_or_default();
    if types.len() > 100 {
        return invalid("ResourceTypeFilters has at most 100 members.");
    }
    if let Some(wrong) = types.iter().find(|text| !is_type(text)) {
        return invalid(format!("'{wrong}' is not a resource type: the form is service[:resourceType]."));
    }
    Ok(())
}

fn is_type(text: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.'))
    };
    text.len() <= 256 && text.splitn(3, ':').all(word)
}
