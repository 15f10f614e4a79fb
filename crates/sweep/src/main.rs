//! Entry point of the sweep function: settings, clients, run.

use std::{env, sync::Arc};

use aws::{Aws, SystemClock};
use function::{context::deadline, log};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use profile::arn::{Arn, Location};
use serde_json::{Value, value::RawValue};
use sweep::{AccountPorts, RegionPorts, run::Sweep, settings::Settings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::start(|name| env::var(name).ok());
    let aws = Aws::from_environment().await.for_bulk();
    let settings = Settings::read(|name| env::var(name).ok());
    let given = settings.as_ref().ok();
    let account = AccountPorts {
        cost_tags: aws.cost_allocation_tags(),
        reports: given
            .and_then(|given| given.report_bucket.as_deref())
            .map(|bucket| aws.report_store(bucket)),
        events: given.and_then(|given| given.event_bus.as_deref()).map(|bus| aws.event_bus(bus)),
        notices: given.and_then(|given| given.digest_topic.as_deref()).map(|topic| aws.notices(topic)),
        clock: Arc::new(SystemClock),
    };
    let in_region = |region: &str| ports_in(&aws.in_region(region));
    let sweep = Sweep::new(account, in_region, settings);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| answer(event, &sweep))).await
}

fn ports_in(aws: &Aws) -> RegionPorts {
    RegionPorts {
        profiles: aws.profiles(),
        tags: aws.tag_index(),
        models: aws.models(),
        parameters: aws.parameters(),
        parameter_names: aws.parameter_index(),
        stacks: aws.stacks(),
        stack_index: aws.stack_index(),
        usage: aws.daily_usage(),
        quotas: aws.quotas(),
    }
}

/// One invocation.
async fn answer<F: Fn(&str) -> RegionPorts + Sync>(
    event: LambdaEvent<Value>,
    sweep: &Sweep<F>,
) -> Result<Box<RawValue>, Error> {
    let LambdaEvent { payload, context } = event;
    let arn = &context.invoked_function_arn;
    let home = Arn::parse(arn).ok_or_else(|| format!("the function's own ARN is not one: {arn}"))?;
    let home = Location {
        partition: home.partition.to_owned(),
        region: home.region.to_owned(),
        account: home.account.to_owned(),
    };
    Ok(sweep.run(&payload, &home, deadline(&context)).await?)
}
