//! Service Quotas: the one quota that matters here.

use serde::{Deserialize, Serialize};

use crate::arns;
use crate::error::ApiError;
use crate::state::Caller;
use crate::switches::Switches;

/// "Inference profiles per account".
pub const INFERENCE_PROFILES: &str = "L-40EC9882";

const BEDROCK: &str = "bedrock";

/// The input of GetServiceQuota.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetServiceQuota {
    /// `bedrock`, required.
    pub service_code: Option<String>,
    /// `L-…`, required.
    pub quota_code: Option<String>,
}

/// A quota.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ServiceQuota {
    /// `bedrock`.
    pub service_code: String,
    /// `L-…`
    pub quota_code: String,
    /// What it is called.
    pub quota_name: String,
    /// The quota's own ARN.
    pub quota_arn: String,
    /// The value in force.
    pub value: f64,
    /// Whether it can be raised.
    pub adjustable: bool,
    /// Whether it is for all Regions.
    pub global_quota: bool,
}

/// The answer of GetServiceQuota.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Quota {
    /// The quota.
    pub quota: ServiceQuota,
}

impl GetServiceQuota {
    pub(crate) fn quota(&self, caller: &Caller, switches: &Switches) -> Result<Quota, ApiError> {
        let (Some(service), Some(quota)) = (self.service_code.as_deref(), self.quota_code.as_deref()) else {
            return Err(ApiError::new("IllegalArgumentException", "ServiceCode and QuotaCode are required."));
        };
        if (service, quota) != (BEDROCK, INFERENCE_PROFILES) || !switches.quota_is_told {
            return Err(ApiError::new(
                "NoSuchResourceException",
                "The request failed because the specified service or quota does not exist.",
            ));
        }
        let Caller { account, region } = caller;
        let partition = arns::partition_of(region);
        // Exact up to 2^53.
        #[allow(clippy::cast_precision_loss, reason = "a quota is a small number")]
        let value = switches.quota as f64;
        let quota = ServiceQuota {
            service_code: BEDROCK.to_owned(),
            quota_code: INFERENCE_PROFILES.to_owned(),
            quota_name: "Inference profiles per account".to_owned(),
            quota_arn: format!(
                "arn:{partition}:servicequotas:{region}:{account}:{BEDROCK}/{INFERENCE_PROFILES}"
            ),
            value,
            adjustable: true,
            global_quota: false,
        };
        Ok(Quota { quota })
    }
}
