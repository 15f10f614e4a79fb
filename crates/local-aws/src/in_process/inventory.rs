//! What a whole account holds, read in bulk.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    time::Duration,
};

use async_trait::async_trait;
use ports::{CallError, ErrorKind, Result};
use profile::{
    arn::ProfileArn,
    record::{StackRecord, StackResourceRecord},
    tags::Tags,
};
use time::{Date, OffsetDateTime};

use super::{InProcess, not_found, side_by_side};
use crate::{GetResources, GetServiceQuota, ListCostAllocationTags, quotas};

// How many things a call asks for or a page holds. For the two of CloudFormation AWS documents no more than
// that a page has at most 1 MB.
const ARNS: usize = 100;
const PARAMETERS: usize = 50;
const STACKS: usize = 100;
const STACK_RESOURCES: usize = 100;
const METRICS: usize = 500;
const QUERIES: usize = 500;
const COST_TAGS: i64 = 1000;

/// How long CloudWatch's list remembers a metric.
const LISTED: time::Duration = time::Duration::days(14);

#[async_trait]
impl ports::TagIndex for InProcess {
    async fn tags_of(&self, profiles: &[ProfileArn]) -> Result<BTreeMap<ProfileArn, Tags>> {
        let arns: BTreeSet<String> = profiles.iter().map(ProfileArn::to_string).collect();
        let arns: Vec<String> = arns.into_iter().collect();
        let calls: Vec<_> = arns
            .chunks(ARNS)
            .map(|arns| async {
                let request =
                    GetResources { resource_arn_list: Some(arns.to_vec()), ..GetResources::default() };
                self.bedrock("tag:GetResources", false, |world, caller, now| {
                    world.get_resources(caller, now, &request)
                })
                .await
            })
            .collect();
        let found = side_by_side(8, calls).await?.into_iter().flat_map(|page| page.resource_tag_mapping_list);
        Ok(found
            .filter_map(|resource| {
                let tags = resource.tags.into_iter().map(|tag| (tag.key, tag.value));
                Some((ProfileArn::parse(&resource.resource_arn)?, tags.collect()))
            })
            .collect())
    }
}

#[async_trait]
impl ports::ParameterIndex for InProcess {
    async fn under(&self, path: &str) -> Result<Vec<String>> {
        let names = self
            .pages("ssm:DescribeParameters", PARAMETERS, |account, _, after, limit| {
                Ok(account.parameters.under(path, after, limit))
            })
            .await?;
        Ok(names.into_keys().collect())
    }
}

#[async_trait]
impl ports::StackIndex for InProcess {
    async fn stacks(&self) -> Result<BTreeMap<String, StackRecord>> {
        self.pages("cloudformation:DescribeStacks", STACKS, |account, _, after, limit| {
            let stacks = account.stacks.range::<str, _>((after, Bound::Unbounded));
            let stacks = stacks.filter(|(_, stack)| stack.status != "DELETE_COMPLETE").take(limit);
            Ok(stacks.map(|(id, stack)| (id.clone(), stack.clone())).collect())
        })
        .await
    }

    async fn resources(&self, stack_id: &str) -> Result<BTreeMap<String, StackResourceRecord>> {
        const OPERATION: &str = "cloudformation:ListStackResources";
        self.pages(OPERATION, STACK_RESOURCES, |account, _, after, limit| {
            if !account.stacks.contains_key(stack_id) {
                return Err(not_found(OPERATION, stack_id));
            }
            let key = |logical_id: &str| (stack_id.to_owned(), logical_id.to_owned());
            let first = match after {
                Bound::Excluded(last) => Bound::Excluded(key(last)),
                _ => Bound::Included(key("")),
            };
            let resources = account.resources.range((first, Bound::Unbounded));
            let resources = resources.take_while(|((stack, _), _)| stack == stack_id).take(limit);
            Ok(resources.map(|((_, id), resource)| (id.clone(), resource.clone())).collect())
        })
        .await
    }
}

#[async_trait]
impl ports::DailyUsage for InProcess {
    async fn active(&self) -> Result<BTreeSet<String>> {
        let ids = self
            .pages("cloudwatch:ListMetrics", METRICS, |account, now, after, limit| {
                let listed =
                    |times: &[OffsetDateTime]| times.iter().any(|at| *at > now - LISTED && *at <= now);
                let metrics = account.invocations.range::<str, _>((after, Bound::Unbounded));
                let metrics = metrics.filter(|(_, times)| listed(times)).take(limit);
                Ok(metrics.map(|(id, _)| (id.clone(), ())).collect())
            })
            .await?;
        Ok(ids.into_keys().collect())
    }

    async fn daily(
        &self,
        model_ids: &[String],
        since: Date,
        until: Date,
    ) -> Result<BTreeMap<String, Vec<u64>>> {
        let Ok(days) = usize::try_from((until - since).whole_days() + 1) else {
            return Ok(BTreeMap::new());
        };
        let ids: BTreeSet<&String> = model_ids.iter().collect();
        let ids: Vec<String> = ids.into_iter().cloned().collect();
        let calls: Vec<_> = ids
            .chunks(QUERIES)
            .map(|ids| {
                self.call("cloudwatch:GetMetricData", false, |account, _, now| {
                    let used = |id: &String| {
                        let mut counts = vec![0; days];
                        for at in account.invocations.get(id)?.iter().filter(|at| **at <= now) {
                            let day = usize::try_from((at.date() - since).whole_days()).ok();
                            if let Some(count) = day.and_then(|day| counts.get_mut(day)) {
                                *count += 1;
                            }
                        }
                        counts.iter().any(|count| *count > 0).then(|| (id.clone(), counts))
                    };
                    let found: Vec<_> = ids.iter().filter_map(used).collect();
                    (Ok(found), Duration::ZERO)
                })
            })
            .collect();
        Ok(side_by_side(4, calls).await?.into_iter().flatten().collect())
    }
}

#[async_trait]
impl ports::Quotas for InProcess {
    async fn inference_profiles(&self) -> Result<u64> {
        let request = GetServiceQuota {
            service_code: Some("bedrock".to_owned()),
            quota_code: Some(quotas::INFERENCE_PROFILES.to_owned()),
        };
        let answer = self
            .bedrock("servicequotas:GetServiceQuota", false, |world, caller, now| {
                world.get_service_quota(caller, now, &request)
            })
            .await?;
        Ok(answer.quota.value as u64)
    }
}

#[async_trait]
impl ports::CostAllocationTags for InProcess {
    async fn active(&self) -> Result<BTreeMap<String, bool>> {
        let mut request = ListCostAllocationTags {
            kind: Some("UserDefined".to_owned()),
            max_results: Some(COST_TAGS),
            ..ListCostAllocationTags::default()
        };
        let mut all = BTreeMap::new();
        loop {
            let page = self
                .bedrock("ce:ListCostAllocationTags", false, |world, caller, now| {
                    world.list_cost_allocation_tags(caller, now, &request)
                })
                .await
                .map_err(told_apart)?;
            all.extend(
                page.cost_allocation_tags.into_iter().map(|tag| (tag.tag_key, tag.status == "Active")),
            );
            match page.next_token {
                Some(token) => request.next_token = Some(token),
                None => return Ok(all),
            }
        }
    }
}

/// As the adapter for Cost Explorer does it.
fn told_apart(error: CallError) -> CallError {
    let kind = match error.code.as_str() {
        "AccessDeniedException" if error.message.contains("Linked account") => ErrorKind::NotFound,
        "LimitExceededException" => ErrorKind::Throttled,
        _ => error.kind,
    };
    CallError { kind, ..error }
}
