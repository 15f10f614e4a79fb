//! The model source: looked up in AWS, and judged.

use ports::{CallError, ErrorKind, Models, Optional};
use profile::{
    fault::{Fault, Faults},
    model_source::{
        Catalogue, CopyFrom, Rejection, Source, judge_model, judge_system, model_id_behind, models_behind,
    },
    properties::names::COPY_FROM_PATH,
    record::SystemProfile,
};
use time::OffsetDateTime;

use crate::{failure::Failure, patience::persist};

/// What `copy_from` stands for. On the happy path that is one call for a model and two, side by side,
/// for a system profile; only a fault costs more, to name what would be right.
pub async fn source(
    models: &dyn Models,
    copy_from: &CopyFrom,
    now: OffsetDateTime,
) -> Result<Result<Source, Faults>, Failure> {
    let judged = match look_up(models, copy_from, now).await? {
        Some(judged) => judged,
        None => match copy_from.alternative() {
            Some(other) => look_up(models, &other, now).await?.unwrap_or_else(|| unknown(copy_from)),
            None => unknown(copy_from),
        },
    };
    match judged {
        Ok(source) => Ok(Ok(source)),
        Err(rejection) => {
            let catalogue = catalogue(models).await;
            let fault: Fault = rejection.fault(COPY_FROM_PATH, &catalogue, now);
            Ok(Err(fault.into()))
        }
    }
}

type Judged = Result<Source, Rejection>;

fn unknown(copy_from: &CopyFrom) -> Judged {
    Err(Rejection::Unknown { wanted: copy_from.clone() })
}

/// `None` when there is no such thing.
async fn look_up(
    models: &dyn Models,
    copy_from: &CopyFrom,
    now: OffsetDateTime,
) -> Result<Option<Judged>, CallError> {
    match copy_from {
        CopyFrom::Model { id, .. } => {
            let model = persist(|| models.foundation_model(id)).await;
            Ok(known(model)?.map(|model| judge_model(&model, now)))
        }
        CopyFrom::SystemProfile { id, .. } => {
            let guessed = model_id_behind(id);
            let (profile, model) = futures::join!(persist(|| models.system_profile(id)), async {
                match guessed {
                    Some(id) => known(persist(|| models.foundation_model(id)).await),
                    None => Ok(None),
                }
            });
            let Some(profile) = known(profile)? else { return Ok(None) };
            let model = match model? {
                Some(model) => Some(model),
                None => first_model(models, &profile, guessed).await?,
            };
            Ok(Some(judge_system(&profile, model.as_ref(), now)))
        }
    }
}

/// The model behind a system profile whose id does not tell it.
async fn first_model(
    models: &dyn Models,
    profile: &SystemProfile,
    asked: Option<&str>,
) -> Result<Option<profile::record::FoundationModel>, CallError> {
    match models_behind(profile).first() {
        Some(id) if Some(*id) != asked => known(persist(|| models.foundation_model(id)).await),
        _ => Ok(None),
    }
}

/// An id that AWS finds malformed is one that it does not know: what is wrong with it is told from the
/// catalogue, in the same words.
fn known<T>(result: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match result.optional() {
        Err(error) if error.kind == ErrorKind::Invalid => Ok(None),
        result => result,
    }
}

/// What could be named instead. A fault is better told without it than not at all.
async fn catalogue(models: &dyn Models) -> Catalogue {
    let (all, system) =
        futures::join!(persist(|| models.foundation_models()), persist(|| models.system_profiles()));
    Catalogue { models: all.unwrap_or_default(), system_profiles: system.unwrap_or_default() }
}
