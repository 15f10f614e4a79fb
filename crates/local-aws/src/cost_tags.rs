//! Cost Explorer's cost allocation tags.

use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::paging;
use crate::state::State;
use crate::switches::Switches;

/// The input of ListCostAllocationTags.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListCostAllocationTags {
    /// `Active` or `Inactive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The keys wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_keys: Option<Vec<String>>,
    /// `UserDefined` or `AWSGenerated`.
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Where to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// 1 to 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_results: Option<i64>,
}

/// A tag key and whether costs can be told apart by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CostAllocationTag {
    /// The key.
    pub tag_key: String,
    /// `UserDefined`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// `Active` or `Inactive`.
    pub status: String,
}

/// The answer of ListCostAllocationTags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CostAllocationTags {
    /// One page.
    pub cost_allocation_tags: Vec<CostAllocationTag>,
    /// There when there is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

const USER_DEFINED: &str = "UserDefined";

impl State {
    pub(crate) fn list_cost_allocation_tags(
        &self,
        switches: &Switches,
        request: &ListCostAllocationTags,
    ) -> Result<CostAllocationTags, ApiError> {
        let one_of = |value: &Option<String>, known: [&str; 2]| {
            value.as_deref().is_none_or(|value| known.contains(&value))
        };
        if !one_of(&request.status, ["Active", "Inactive"])
            || !one_of(&request.kind, [USER_DEFINED, "AWSGenerated"])
            || request.max_results.is_some_and(|size| !(1..=1000).contains(&size))
        {
            return Err(ApiError::validation("The request is not valid."));
        }
        let Some(tags) = &self.cost_tags else {
            let text = "Failed to list Cost Allocation Tags: Linked account doesn't have access to cost \
                        allocation tags.";
            return Err(ApiError { status: 400, ..ApiError::access_denied(text) });
        };
        let bad_token = || ApiError::new("InvalidNextTokenException", "The pagination token is invalid.");
        let start = match request.next_token.as_deref() {
            None => 0,
            Some(token) => paging::position(SCOPE, token).ok_or_else(bad_token)?,
        };
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let asked = request.max_results.and_then(|size| usize::try_from(size).ok()).unwrap_or(100);
        let size = switches.page(asked).max(1);
        let status = |active: bool| if active { "Active" } else { "Inactive" };
        let wanted = |(key, active): &(&String, &bool)| {
            request.kind.as_deref().is_none_or(|kind| kind == USER_DEFINED)
                && request.tag_keys.as_ref().is_none_or(|keys| keys.contains(key))
                && request.status.as_deref().is_none_or(|wanted| wanted == status(**active))
        };
        let mut found = tags.iter().filter(wanted).skip(start);
        let page = found.by_ref().take(size).map(|(key, active)| CostAllocationTag {
            tag_key: key.clone(),
            kind: USER_DEFINED.to_owned(),
            status: status(*active).to_owned(),
        });
        let cost_allocation_tags: Vec<CostAllocationTag> = page.collect();
        let end = start.saturating_add(cost_allocation_tags.len());
        let next_token = found.next().map(|_| paging::token(SCOPE, end as u64));
        Ok(CostAllocationTags { cost_allocation_tags, next_token })
    }
}

const SCOPE: &str = "cost-allocation-tags";
