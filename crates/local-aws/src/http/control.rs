//! Control, under `/_local/`.
//!
//! | request | what |
//! |---|---|
//! | `GET health` | that it is up, its account and Region |
//! | `GET state` | every application profile as it truly is: account, Region, ARN |
//! | `GET calls` | counts and calls; `?operation=` for those of one operation, `?after=` for those after a number |
//! | `DELETE calls` | forgets them |
//! | `POST reset` | everything as at the start: profiles, catalogue, switches, faults, calls, responses |
//! | `GET switches`, `PUT switches` | the switches; a put names those to move |
//! | `GET faults`, `DELETE faults` | the faults at work, with their counts; nothing goes wrong any more |
//! | `POST faults` | a rule or a list of rules to add; `{"seed", "rules"}` or `{"seed", "rate"}` for a new plan |
//! | `GET cost-tags`, `PUT cost-tags` | the tag keys that billing knows, `{"team": true}` for an active one; `null` for an account that another one pays for |
//! | `GET catalogue` | the models and system-defined profiles |
//! | `POST models`, `POST system-profiles` | one or a list, to add or to replace by id |
//! | `DELETE models/{id}`, `DELETE system-profiles/{id}` | takes it away |

use hyper::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{LocalAws, Reply, Request};
use crate::catalogue::{Model, SystemProfile};
use crate::faults::{FaultPlan, FaultRule};
use crate::operation::Operation;

/// An error of the control endpoints.
pub(super) fn problem(status: u16, message: impl std::fmt::Display) -> Reply {
    Reply::json(status, &json!({"message": message.to_string()}))
}

pub(super) fn handle(local: &LocalAws, request: &Request, path: &[&str]) -> Reply {
    let done = || Reply::json(200, &json!({}));
    let or_problem =
        |result: Result<Reply, serde_json::Error>| result.unwrap_or_else(|error| problem(400, error));
    match (&request.method, path) {
        (&Method::GET, ["health"]) => {
            let settings = local.settings();
            Reply::json(200, &json!({"status": "ok", "account": settings.account, "region": settings.region}))
        }
        (&Method::GET, ["state"]) => {
            Reply::json(200, &json!({"profiles": local.world().state.all_profiles()}))
        }
        (&Method::GET, ["calls"]) => calls(local, request),
        (&Method::DELETE, ["calls"]) => {
            local.world().calls.clear();
            done()
        }
        (&Method::POST, ["reset"]) => {
            local.reset();
            done()
        }
        (&Method::GET, ["switches"]) => Reply::json(200, &local.world().switches),
        (&Method::PUT, ["switches"]) => or_problem(request.json().map(|changes: Value| {
            let switches = &mut local.world().switches;
            match switches.merge(&changes) {
                Ok(()) => Reply::json(200, switches),
                Err(error) => problem(400, error),
            }
        })),
        (&Method::GET, ["faults"]) => Reply::json(200, &local.world().faults),
        (&Method::POST, ["faults"]) => or_problem(given_faults(request).map(|given| {
            let faults = &mut local.world().faults;
            match given {
                GivenFaults::Plan(plan) => faults.replace(plan),
                GivenFaults::Rules(rules) => rules.into_iter().for_each(|rule| faults.add(rule)),
            }
            Reply::json(200, faults)
        })),
        (&Method::DELETE, ["faults"]) => {
            local.world().faults.clear();
            done()
        }
        (&Method::GET, ["cost-tags"]) => Reply::json(200, &local.world().state.cost_tags),
        (&Method::PUT, ["cost-tags"]) => or_problem(request.json().map(|tags| {
            local.world().state.cost_tags = tags;
            done()
        })),
        (&Method::GET, ["catalogue"]) => Reply::json(200, &local.world().state.catalogue),
        (&Method::POST, ["models"]) => or_problem(many(request).map(|models: Vec<Model>| {
            models.into_iter().for_each(|model| local.world().state.catalogue.put_model(model));
            done()
        })),
        (&Method::POST, ["system-profiles"]) => or_problem(many(request).map(|list: Vec<SystemProfile>| {
            list.into_iter().for_each(|profile| local.world().state.catalogue.put_system_profile(profile));
            done()
        })),
        (&Method::DELETE, ["models", id]) => {
            local.world().state.catalogue.remove_model(id);
            done()
        }
        (&Method::DELETE, ["system-profiles", id]) => {
            local.world().state.catalogue.remove_system_profile(id);
            done()
        }
        _ => problem(404, "no such control endpoint"),
    }
}

enum GivenFaults {
    /// In the place of the faults at work.
    Plan(FaultPlan),
    /// Beside them.
    Rules(Vec<FaultRule>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seeded {
    seed: u64,
    rate: f64,
}

/// What `POST faults` was given, told apart by its members.
fn given_faults(request: &Request) -> Result<GivenFaults, serde_json::Error> {
    let given: Value = request.json()?;
    if given.is_array() || given.get("kind").is_some() {
        return many(request).map(GivenFaults::Rules);
    }
    if given.get("rate").is_some() {
        let Seeded { seed, rate } = serde_json::from_value(given)?;
        return Ok(GivenFaults::Plan(FaultPlan::seeded(seed, rate)));
    }
    serde_json::from_value(given).map(GivenFaults::Plan)
}

fn many<T: DeserializeOwned>(request: &Request) -> Result<Vec<T>, serde_json::Error> {
    match request.json()? {
        Value::Array(list) => list.into_iter().map(serde_json::from_value).collect(),
        one => Ok(vec![serde_json::from_value(one)?]),
    }
}

fn calls(local: &LocalAws, request: &Request) -> Reply {
    let operation = match request.parameter("operation").map(|name| (name, Operation::named(name))) {
        Some((name, None)) => return problem(400, format!("there is no operation '{name}'")),
        named => named.and_then(|(_, operation)| operation),
    };
    let after = match request.parameter("after").map(str::parse::<u64>) {
        Some(Err(error)) => return problem(400, format!("after: {error}")),
        number => number.and_then(Result::ok).unwrap_or_default(),
    };
    let world = local.world();
    let wanted = world
        .calls
        .iter()
        .filter(|call| call.number > after && operation.is_none_or(|operation| call.operation == operation));
    let calls: Vec<_> = wanted.collect();
    Reply::json(200, &json!({"total": world.calls.total(), "counts": world.calls.counts(), "calls": calls}))
}
