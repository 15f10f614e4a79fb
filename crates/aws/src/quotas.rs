//! Quotas, at Service Quotas.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_servicequotas::Client;
use ports::{Quotas, Result};

use crate::error::{failed, unreadable};

const GET: &str = "servicequotas:GetServiceQuota";

/// "Inference profiles per account" of Amazon Bedrock.
const INFERENCE_PROFILES: &str = "L-40EC9882";

pub(crate) struct ServiceQuotas {
    client: Client,
}

impl ServiceQuotas {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

#[async_trait]
impl Quotas for ServiceQuotas {
    async fn inference_profiles(&self) -> Result<u64> {
        let answer = self
            .client
            .get_service_quota()
            .service_code("bedrock")
            .quota_code(INFERENCE_PROFILES)
            .send()
            .await
            .map_err(failed(GET))?;
        let quota = answer.quota.ok_or_else(|| unreadable(GET, "the answer names no quota"))?;
        let value =
            quota.value.ok_or_else(|| match quota.error_reason.and_then(|why| why.error_message) {
                Some(why) => unreadable(GET, format!("the quota has no value: {why}")),
                None => unreadable(GET, "the quota has no value"),
            })?;
        // A whole number; the cast saturates.
        Ok(value.round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use ports::ErrorKind;
    use serde_json::json;

    use crate::wire::{Reply, Server};

    #[tokio::test]
    async fn the_quota_of_inference_profiles_is_read() {
        let quota = json!({ "ServiceCode": "bedrock", "QuotaCode": "L-40EC9882", "Value": 2500.0 });
        let server = Server::start([Reply::json(json!({ "Quota": quota }))]).await;
        assert_eq!(server.aws().await.quotas().inference_profiles().await, Ok(2500));
        let sent = server.sent();
        assert_eq!(sent[0].header("x-amz-target"), ["ServiceQuotasV20190624.GetServiceQuota"]);
        assert_eq!(sent[0].json(), json!({ "ServiceCode": "bedrock", "QuotaCode": "L-40EC9882" }));
    }

    #[tokio::test]
    async fn an_account_without_a_quota_of_its_own_has_none_and_an_unread_one_is_not_zero() {
        let refused = json!({ "Quota": { "ErrorReason": { "ErrorMessage": "not now" } } });
        let server = Server::start([
            Reply::error(400, "NoSuchResourceException", "no such quota"),
            Reply::json(refused),
            Reply::json(json!({})),
        ])
        .await;
        let quotas = server.aws().await.quotas();
        assert_eq!(quotas.inference_profiles().await.unwrap_err().kind, ErrorKind::NotFound);
        let error = quotas.inference_profiles().await.unwrap_err();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (ErrorKind::Unknown, "the quota has no value: not now")
        );
        assert_eq!(quotas.inference_profiles().await.unwrap_err().kind, ErrorKind::Unknown);
    }
}
