//! Entry point of the provider function: settings, clients, run.

use std::{env, sync::Arc};

use aws::{Aws, SystemClock};
use custom_resource::{AnswerSink, Trust, serve};
use function::{context::invocation, log, settings::Settings};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use provider::{Ports, resource::InferenceProfile};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::start(|name| env::var(name).ok());
    let aws = Aws::from_environment().await;
    let ports = Ports {
        profiles: aws.profiles(),
        models: aws.models(),
        ownership: aws.ownership(),
        parameters: aws.parameters(),
        stacks: aws.stacks(),
        usage: aws.usage(),
        clock: Arc::new(SystemClock),
    };
    let settings = Settings::read(|name| env::var(name).ok());
    let resource = InferenceProfile::new(ports, settings);
    let sink = aws.answers();
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| answer(event, &resource, &*sink))).await
}

/// One invocation. It errs only when the answer could not be delivered, so that Lambda tries again.
async fn answer(
    event: LambdaEvent<Value>,
    resource: &InferenceProfile,
    sink: &dyn AnswerSink,
) -> Result<(), Error> {
    let LambdaEvent { payload, context } = event;
    let trust = Trust::new(&context.invoked_function_arn, env::vars());
    serve(payload, &invocation(&context), &trust, resource, sink).await?;
    Ok(())
}
