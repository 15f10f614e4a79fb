//! Faults, by rule and by seed.
//!
//! A plan is a seed and a list of rules. A rule says for which operation, on which of its calls, what goes
//! wrong. The same plan over the same calls gives the same faults.

use serde::{Deserialize, Serialize};

use crate::error::{ApiError, status_of};
use crate::operation::{Operation, Service};
use crate::random::Random;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The call is answered with this error and has no effect.
    Error {
        /// The exception's name.
        code: String,
        /// The HTTP status; by default the one that belongs to the code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// The text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// The call takes effect and its answer is lost: over HTTP the connection is cut.
    Lost,
    /// The service's own throttling error, without effect.
    Throttle,
    /// The service's own internal error, without effect.
    ServerError,
    /// The effect is immediate, the answer comes this much later.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// A read sees the state as it was this much earlier, on top of the lag switches. What was deleted or
    /// re-tagged is remembered for an hour.
    Stale {
        /// Milliseconds.
        ms: u64,
    },
    /// A call that carries a page token is refused as if the token were wrong or had expired.
    BadPageToken,
}

/// When a fault happens.
///
/// `nth` and `times` count the calls that `operation` matches (for `bad_page_token`, only those with a
/// token). With neither, every such call is hit; `nth` alone hits one call; `times` alone hits the first so
/// many; both hit `times` calls from the `nth` on. `probability` then decides for each by the plan's seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultRule {
    /// The operation; every operation when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// What goes wrong.
    #[serde(flatten)]
    pub fault: Fault,
    /// From which call on, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// How many times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// How likely, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

impl FaultRule {
    /// The fault on every call of the operation.
    pub fn always(operation: Operation, fault: Fault) -> Self {
        Self { operation: Some(operation), fault, nth: None, times: None, probability: None }
    }

    /// The fault on the `nth` call of the operation only, counted from 1 and from now.
    pub fn nth(operation: Operation, nth: u64, fault: Fault) -> Self {
        Self { nth: Some(nth), ..Self::always(operation, fault) }
    }

    /// The fault on the first so many calls of the operation from now.
    pub fn times(operation: Operation, times: u64, fault: Fault) -> Self {
        Self { times: Some(times), ..Self::always(operation, fault) }
    }
}

/// What is to go wrong: rules, and the seed that decides where they leave it to chance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultPlan {
    /// Decides wherever a rule has a probability.
    pub seed: u64,
    /// The rules. All that match a call apply; of several errors the first one wins.
    pub rules: Vec<FaultRule>,
}

impl FaultPlan {
    /// A plan in which a call of any operation fails with about the probability `rate`: throttled, refused
    /// with a server error or carried out with its answer lost, each a third. With the same rate, reads
    /// are stale, answers are late, and page tokens fail.
    pub fn seeded(seed: u64, rate: f64) -> Self {
        let rule = |fault, probability| FaultRule {
            operation: None,
            fault,
            nth: None,
            times: None,
            probability: Some(probability),
        };
        let third = rate / 3.0;
        let rules = vec![
            rule(Fault::Throttle, third),
            rule(Fault::ServerError, third),
            rule(Fault::Lost, third),
            rule(Fault::Stale { ms: 2_000 }, rate),
            rule(Fault::Delay { ms: 200 }, rate),
            rule(Fault::BadPageToken, rate),
        ];
        Self { seed, rules }
    }
}

/// A rule at work, with its counts.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Armed {
    #[serde(flatten)]
    rule: FaultRule,
    /// Calls that matched so far.
    seen: u64,
    /// Faults that happened so far.
    fired: u64,
}

/// The plan at work.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Faults {
    random: Random,
    rules: Vec<Armed>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { random: Random::seeded(0), rules: Vec::new() }
    }
}

/// What the plan has in store for one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) error: Option<ApiError>,
    pub(crate) lost: bool,
    pub(crate) delay_ms: u64,
    pub(crate) stale_ms: u64,
}

impl Faults {
    /// Puts a plan in the place of the one before. Counting begins anew.
    pub fn replace(&mut self, plan: FaultPlan) {
        *self = Self { random: Random::seeded(plan.seed), rules: Vec::new() };
        plan.rules.into_iter().for_each(|rule| self.add(rule));
    }

    /// Adds a rule. Its counting begins now.
    pub fn add(&mut self, rule: FaultRule) {
        self.rules.push(Armed { rule, seen: 0, fired: 0 });
    }

    /// Nothing goes wrong any more.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// How many faults have happened since the plan was set.
    pub fn fired(&self) -> u64 {
        self.rules.iter().map(|armed| armed.fired).sum()
    }

    pub(crate) fn decide(&mut self, operation: Operation, with_page_token: bool) -> Decision {
        let mut decision = Decision::default();
        for armed in &mut self.rules {
            let rule = &armed.rule;
            let concerned = rule.operation.is_none_or(|wanted| wanted == operation)
                && (with_page_token || rule.fault != Fault::BadPageToken);
            if !concerned {
                continue;
            }
            armed.seen += 1;
            let first = rule.nth.unwrap_or(1);
            let times = rule.times.or(rule.nth.map(|_| 1)).unwrap_or(u64::MAX);
            let due = armed.seen >= first && armed.fired < times;
            // With a probability, `nth` alone would otherwise wait for a call that luck lets through.
            let over = rule.nth.is_some() && rule.times.is_none() && armed.seen > first;
            if !due || over || !rule.probability.is_none_or(|p| self.random.happens(p)) {
                continue;
            }
            armed.fired += 1;
            match &rule.fault {
                Fault::Lost => decision.lost = true,
                Fault::Delay { ms } => decision.delay_ms += ms,
                Fault::Stale { ms } => decision.stale_ms += ms,
                refusal => {
                    let error = refused(refusal, operation.service());
                    decision.error = decision.error.take().or(error);
                }
            }
        }
        decision
    }
}

/// The error that a fault answers with, in the words of the service.
fn refused(fault: &Fault, service: Service) -> Option<ApiError> {
    let (code, message) = match (fault, service) {
        (Fault::Error { code, status, message }, _) => {
            let mut error =
                ApiError::new(code, message.clone().unwrap_or_else(|| "injected fault".to_owned()));
            error.status = status.unwrap_or_else(|| status_of(code));
            return Some(error);
        }
        (Fault::Throttle, Service::Bedrock) => {
            ("ThrottlingException", "Too many requests, please wait before trying again.")
        }
        (Fault::Throttle, Service::Tagging) => ("ThrottledException", "Rate exceeded"),
        (Fault::Throttle, Service::CostExplorer) => ("LimitExceededException", "Rate exceeded"),
        (Fault::Throttle, Service::ServiceQuotas) => ("TooManyRequestsException", "Rate exceeded"),
        (Fault::ServerError, Service::Bedrock) => (
            "InternalServerException",
            "The system encountered an unexpected error during processing. Try your request again.",
        ),
        (Fault::ServerError, Service::Tagging) => {
            ("InternalServiceException", "The request failed. Try again later.")
        }
        (Fault::ServerError, Service::CostExplorer) => ("InternalFailure", "The request failed."),
        (Fault::ServerError, Service::ServiceQuotas) => ("ServiceException", "Something went wrong."),
        (Fault::BadPageToken, Service::Bedrock) => {
            ("ValidationException", "The provided nextToken is invalid.")
        }
        (Fault::BadPageToken, Service::Tagging) => (
            "PaginationTokenExpiredException",
            "The specified PaginationToken has expired. A PaginationToken is valid for 15 minutes.",
        ),
        (Fault::BadPageToken, Service::CostExplorer) => {
            ("InvalidNextTokenException", "The pagination token is invalid.")
        }
        (Fault::BadPageToken, Service::ServiceQuotas)
        | (Fault::Lost | Fault::Delay { .. } | Fault::Stale { .. }, _) => return None,
    };
    Some(ApiError::new(code, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Operation::{
        CreateInferenceProfile as Create, GetResources, GetServiceQuota as Quota,
        ListCostAllocationTags as CostTags, ListInferenceProfiles as List,
    };

    fn hits(rule: FaultRule, calls: usize) -> Vec<usize> {
        let mut faults = Faults::default();
        faults.add(rule);
        (1..=calls).filter(|_| faults.decide(Create, false).lost).collect()
    }

    #[test]
    fn a_rule_counts_its_calls() {
        let rule = FaultRule::always(Create, Fault::Lost);
        assert_eq!(hits(rule.clone(), 3), [1, 2, 3]);
        assert_eq!(hits(FaultRule::nth(Create, 2, Fault::Lost), 5), [2]);
        assert_eq!(hits(FaultRule::times(Create, 2, Fault::Lost), 5), [1, 2]);
        assert_eq!(hits(FaultRule { nth: Some(2), times: Some(3), ..rule.clone() }, 9), [2, 3, 4]);
        assert_eq!(hits(FaultRule { nth: Some(2), probability: Some(0.0), ..rule.clone() }, 9), [0usize; 0]);
        assert_eq!(hits(FaultRule { operation: Some(List), ..rule.clone() }, 3), [0usize; 0]);
        assert_eq!(hits(FaultRule { operation: None, ..rule }, 2), [1, 2]);
    }

    #[test]
    fn each_kind_speaks_the_services_words() {
        let error = |operation, fault| {
            let mut faults = Faults::default();
            faults.add(FaultRule::always(operation, fault));
            let error = faults.decide(operation, true).error.unwrap();
            (error.code, error.status)
        };
        assert_eq!(error(Create, Fault::Throttle), ("ThrottlingException".into(), 429));
        assert_eq!(error(GetResources, Fault::Throttle), ("ThrottledException".into(), 400));
        assert_eq!(error(Create, Fault::ServerError), ("InternalServerException".into(), 500));
        assert_eq!(error(GetResources, Fault::ServerError), ("InternalServiceException".into(), 500));
        assert_eq!(error(CostTags, Fault::Throttle), ("LimitExceededException".into(), 400));
        assert_eq!(error(Quota, Fault::Throttle), ("TooManyRequestsException".into(), 400));
        assert_eq!(error(Quota, Fault::ServerError), ("ServiceException".into(), 500));
        assert_eq!(error(CostTags, Fault::BadPageToken), ("InvalidNextTokenException".into(), 400));
        assert_eq!(error(List, Fault::BadPageToken), ("ValidationException".into(), 400));
        assert_eq!(error(GetResources, Fault::BadPageToken), ("PaginationTokenExpiredException".into(), 400));
        let own = |status| Fault::Error { code: "AccessDeniedException".into(), status, message: None };
        assert_eq!(error(Create, own(None)), ("AccessDeniedException".into(), 403));
        assert_eq!(error(Create, own(Some(418))), ("AccessDeniedException".into(), 418));
    }

    #[test]
    fn a_page_token_fails_only_where_there_is_one() {
        let mut faults = Faults::default();
        faults.add(FaultRule::nth(List, 1, Fault::BadPageToken));
        assert_eq!(faults.decide(List, false), Decision::default());
        assert!(faults.decide(List, true).error.is_some());
        assert_eq!(faults.decide(List, true), Decision::default());
        assert_eq!(faults.fired(), 1);
    }

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        let run = |seed| {
            let mut faults = Faults::default();
            faults.replace(FaultPlan::seeded(seed, 0.3));
            (0..200).map(|_| faults.decide(List, true)).collect::<Vec<_>>()
        };
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
        assert!(run(3).iter().any(|d| d.lost) && run(3).iter().any(|d| d.error.is_some()));
        assert!(run(3).iter().any(|d| d.stale_ms > 0) && run(3).iter().any(|d| d.delay_ms > 0));
    }

    #[test]
    fn a_rule_is_read_from_json() {
        let rule: FaultRule =
            serde_json::from_str(r#"{"operation":"GetResources","kind":"delay","ms":5,"nth":2}"#).unwrap();
        assert_eq!(rule, FaultRule::nth(GetResources, 2, Fault::Delay { ms: 5 }));
        assert!(serde_json::from_str::<FaultRule>(r#"{"operation":"Nothing","kind":"lost"}"#).is_err());
        assert!(serde_json::from_str::<FaultRule>(r#"{"kind":"unheard-of"}"#).is_err());
    }
}
