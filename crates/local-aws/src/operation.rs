//! The operations that the stand-in answers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The service that an operation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Amazon Bedrock's control plane.
    Bedrock,
    /// The Resource Groups Tagging API.
    Tagging,
    /// Cost Explorer.
    CostExplorer,
    /// Service Quotas.
    ServiceQuotas,
}

/// An operation, by its name in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the API's own")]
pub enum Operation {
    CreateInferenceProfile,
    GetInferenceProfile,
    ListInferenceProfiles,
    DeleteInferenceProfile,
    TagResource,
    UntagResource,
    ListTagsForResource,
    GetFoundationModel,
    ListFoundationModels,
    GetResources,
    GetTagKeys,
    GetTagValues,
    TagResources,
    UntagResources,
    ListCostAllocationTags,
    GetServiceQuota,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 16] = [
        Self::CreateInferenceProfile,
        Self::GetInferenceProfile,
        Self::ListInferenceProfiles,
        Self::DeleteInferenceProfile,
        Self::TagResource,
        Self::UntagResource,
        Self::ListTagsForResource,
        Self::GetFoundationModel,
        Self::ListFoundationModels,
        Self::GetResources,
        Self::GetTagKeys,
        Self::GetTagValues,
        Self::TagResources,
        Self::UntagResources,
        Self::ListCostAllocationTags,
        Self::GetServiceQuota,
    ];

    /// The service it belongs to.
    pub fn service(self) -> Service {
        match self {
            Self::GetResources
            | Self::GetTagKeys
            | Self::GetTagValues
            | Self::TagResources
            | Self::UntagResources => Service::Tagging,
            Self::ListCostAllocationTags => Service::CostExplorer,
            Self::GetServiceQuota => Service::ServiceQuotas,
            _ => Service::Bedrock,
        }
    }

    /// The operation of this name, in whichever service.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.to_string() == name)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The variants are named as the API names the operations.
        fmt::Debug::fmt(self, out)
    }
}
