//! Foundation models and system profiles, at Amazon Bedrock.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_bedrock::{
    Client,
    types::{FoundationModelLifecycle, FoundationModelLifecycleStatus, InferenceProfileType, InferenceType},
};
use ports::{CallError, ErrorKind, Models, Result};
use profile::record::{FoundationModel, Lifecycle, SystemProfile};

use crate::{
    error::{failed, unreadable},
    profiles::{self, model_arns, not_found, summaries},
    timestamp,
};

const GET: &str = "bedrock:GetFoundationModel";
const LIST: &str = "bedrock:ListFoundationModels";

pub(crate) struct Bedrock {
    client: Client,
}

impl Bedrock {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

#[async_trait]
impl Models for Bedrock {
    async fn foundation_model(&self, id: &str) -> Result<FoundationModel> {
        let answer = self.client.get_foundation_model().model_identifier(id).send().await;
        let found = answer.map_err(failed(GET)).map_err(unknown_model)?;
        let model = found.model_details.ok_or_else(|| unreadable(GET, "the answer names no model"))?;
        Ok(FoundationModel {
            id: model.model_id,
            arn: model.model_arn,
            on_demand: on_demand(model.inference_types_supported),
            lifecycle: lifecycle(model.model_lifecycle),
        })
    }

    async fn system_profile(&self, id: &str) -> Result<SystemProfile> {
        let found = self
            .client
            .get_inference_profile()
            .inference_profile_identifier(id)
            .send()
            .await
            .map_err(failed(profiles::GET))?;
        if found.r#type != InferenceProfileType::SystemDefined {
            return Err(not_found(format!("{id} is not a system-defined inference profile")));
        }
        Ok(SystemProfile {
            id: found.inference_profile_id,
            arn: found.inference_profile_arn,
            models: model_arns(found.models),
        })
    }

    async fn foundation_models(&self) -> Result<Vec<FoundationModel>> {
        // `ListFoundationModels` does not page.
        let found = self.client.list_foundation_models().send().await.map_err(failed(LIST))?;
        let models = found.model_summaries.unwrap_or_default().into_iter();
        Ok(models
            .map(|model| FoundationModel {
                id: model.model_id,
                arn: model.model_arn,
                on_demand: on_demand(model.inference_types_supported),
                lifecycle: lifecycle(model.model_lifecycle),
            })
            .collect())
    }

    async fn system_profiles(&self) -> Result<Vec<SystemProfile>> {
        let found = summaries(&self.client, InferenceProfileType::SystemDefined).await?;
        Ok(found
            .into_iter()
            .map(|profile| SystemProfile {
                id: profile.inference_profile_id,
                arn: profile.inference_profile_arn,
                models: model_arns(profile.models),
            })
            .collect())
    }
}

/// Bedrock refuses an id that names no model as invalid input, not as something that is not there.
fn unknown_model(error: CallError) -> CallError {
    let text = error.message.to_ascii_lowercase();
    let about_the_id = text.contains("model identifier is invalid") || text.contains("'modelidentifier'");
    let refused = error.kind == ErrorKind::Invalid && error.code == "ValidationException";
    let kind = if refused && about_the_id { ErrorKind::NotFound } else { error.kind };
    CallError { kind, ..error }
}

fn on_demand(types: Option<Vec<InferenceType>>) -> bool {
    types.unwrap_or_default().contains(&InferenceType::OnDemand)
}

/// A model without a life cycle is taken for an active one ("Model lifecycle", Amazon Bedrock User Guide).
fn lifecycle(lifecycle: Option<FoundationModelLifecycle>) -> Lifecycle {
    lifecycle.map_or_else(Lifecycle::default, |lifecycle| Lifecycle {
        legacy: lifecycle.status == FoundationModelLifecycleStatus::Legacy,
        end_of_life: lifecycle.end_of_life_time.as_ref().and_then(timestamp::from_sdk),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::macros::datetime;

    use super::*;
    use crate::wire::{Reply, Server};

    fn nova() -> Value {
        json!({
            "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
            "modelId": "amazon.nova-lite-v1:0",
            "inferenceTypesSupported": ["ON_DEMAND"],
            "modelLifecycle": { "status": "ACTIVE", "startOfLifeTime": "2024-12-03T00:00:00Z" },
        })
    }

    fn old() -> Value {
        json!({
            "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/old.v1",
            "modelId": "old.v1",
            "inferenceTypesSupported": ["PROVISIONED"],
            "modelLifecycle": { "status": "LEGACY", "endOfLifeTime": "2026-10-01T12:00:00Z" },
        })
    }

    fn records() -> [FoundationModel; 2] {
        [
            FoundationModel {
                id: "amazon.nova-lite-v1:0".into(),
                arn: "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0".into(),
                on_demand: true,
                lifecycle: Lifecycle::default(),
            },
            FoundationModel {
                id: "old.v1".into(),
                arn: "arn:aws:bedrock:us-east-1::foundation-model/old.v1".into(),
                on_demand: false,
                lifecycle: Lifecycle { legacy: true, end_of_life: Some(datetime!(2026-10-01 12:00 UTC)) },
            },
        ]
    }

    #[tokio::test]
    async fn models_are_read_with_their_life_cycle_alone_and_in_the_list() {
        let server = Server::start([
            Reply::json(json!({ "modelDetails": nova() })),
            Reply::json(json!({ "modelDetails": old() })),
            Reply::json(json!({ "modelSummaries": [nova(), old()] })),
        ])
        .await;
        let models = server.aws().await.models();
        let [nova, old] = records();
        assert_eq!(models.foundation_model("amazon.nova-lite-v1:0").await.unwrap(), nova);
        assert_eq!(models.foundation_model("old.v1").await.unwrap(), old);
        assert_eq!(models.foundation_models().await.unwrap(), records());
        let lines: Vec<String> = server.sent().iter().map(|sent| sent.line().to_owned()).collect();
        let expected = [
            "GET /foundation-models/amazon.nova-lite-v1%3A0",
            "GET /foundation-models/old.v1",
            "GET /foundation-models",
        ];
        assert_eq!(lines, expected);
    }

    #[tokio::test]
    async fn an_id_that_bedrock_does_not_know_is_not_found_however_it_says_so() {
        let refusals = [
            (404, "ResourceNotFoundException", "Could not find the model", ErrorKind::NotFound),
            (400, "ValidationException", "The provided model identifier is invalid.", ErrorKind::NotFound),
            (
                400,
                "ValidationException",
                "1 validation error detected: Value at 'modelIdentifier' failed to satisfy constraint",
                ErrorKind::NotFound,
            ),
            (400, "ValidationException", "The security token is odd", ErrorKind::Invalid),
            (403, "AccessDeniedException", "The provided model identifier is invalid.", ErrorKind::Denied),
        ];
        for (status, code, message, kind) in refusals {
            let server = Server::start([Reply::error(status, code, message)]).await;
            let error = server.aws().await.models().foundation_model("x.y").await.unwrap_err();
            assert_eq!((error.kind, error.message.as_str()), (kind, message));
        }
    }

    fn profile(id: &str, kind: &str) -> Value {
        json!({
            "inferenceProfileName": "US Nova Lite",
            "inferenceProfileArn": format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/{id}"),
            "models": [{ "modelArn": "arn:b" }, { "modelArn": "arn:a" }],
            "inferenceProfileId": id,
            "status": "ACTIVE",
            "type": kind,
        })
    }

    #[tokio::test]
    async fn a_system_profile_is_read_by_id_and_an_application_profile_is_none() {
        let server = Server::start([
            Reply::json(profile("us.nova", "SYSTEM_DEFINED")),
            Reply::json(profile("0mbq3svia2re", "APPLICATION")),
        ])
        .await;
        let models = server.aws().await.models();
        let found = SystemProfile {
            id: "us.nova".into(),
            arn: "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.nova".into(),
            models: vec!["arn:b".into(), "arn:a".into()],
        };
        assert_eq!(models.system_profile("us.nova").await.unwrap(), found);
        assert_eq!(models.system_profile("0mbq3svia2re").await.unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(server.sent()[0].line(), "GET /inference-profiles/us.nova");
    }

    #[tokio::test]
    async fn system_profiles_are_listed_without_the_application_profiles_that_a_careless_filter_lets_through()
    {
        let all = json!([profile("us.nova", "SYSTEM_DEFINED"), profile("0mbq3svia2re", "APPLICATION")]);
        let server = Server::start([Reply::json(json!({ "inferenceProfileSummaries": all }))]).await;
        let found = server.aws().await.models().system_profiles().await.unwrap();
        assert_eq!(found.iter().map(|profile| profile.id.as_str()).collect::<Vec<_>>(), ["us.nova"]);
        assert_eq!(server.sent()[0].line(), "GET /inference-profiles?maxResults=1000&type=SYSTEM_DEFINED");
    }
}
