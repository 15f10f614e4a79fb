//! `quota-near`, `cost-tag-inactive`.

use std::collections::{BTreeMap, BTreeSet};

use profile::{arn::Location, tag_policy::TagPolicy};

use super::{Scene, docket::Docket};
use crate::{
    finding::{Resource, ResourceKind, Severity},
    inventory::{CostTags, Inventory},
    owner::is_user_tag,
    rule::Rule,
    words::{self, quoted, shell},
};

/// "Inference profiles per account" (Bedrock endpoints and quotas, AWS General Reference).
const QUOTA_CODE: &str = "L-40EC9882";

pub(super) fn judge_quota(scene: &Scene<'_>, docket: &mut Docket<'_>) {
    let inventory = scene.inventory;
    let (Ok(_), Ok(quota)) = (&inventory.profiles, &inventory.quota) else { return };
    let (count, quota) = (scene.profile_count() as u64, *quota);
    let share = u128::from(docket.criteria.thresholds.quota_share);
    if count == 0 || u128::from(count) * 100 < share * u128::from(quota) {
        return;
    }
    let Location { partition, region, account } = &inventory.location;
    let resource = Resource {
        kind: ResourceKind::Account,
        arn: format!("arn:{partition}:servicequotas:{region}:{account}:bedrock/{QUOTA_CODE}"),
        name: account.clone(),
    };
    let full = count >= quota;
    let effect = if full { ", so no profile can be made and stacks that replace one fail" } else { "" };
    let there = if count == 1 { "There is" } else { "There are" };
    let problem = format!(
        "{there} {} in {region}, and the quota is {quota}{effect}",
        words::count(count, "application inference profile")
    );
    let remedy = format!(
        "Delete what the rules idle and orphaned-* name, and ask for more: aws service-quotas \
         request-service-quota-increase --region {region} --service-code bedrock --quota-code {QUOTA_CODE} \
         --desired-value {}",
        quota.max(count).saturating_mul(2)
    );
    let severity = if full { Severity::Critical } else { Severity::High };
    docket.other(resource, Rule::QuotaNear, severity, problem, remedy);
}

pub(super) fn judge_cost_tags(
    inventories: &[Inventory],
    cost_tags: &CostTags,
    policy: &TagPolicy,
    home: &Location,
    docket: &mut Docket<'_>,
) {
    let unread = |inventory: &Inventory| {
        inventory.profiles.is_err()
            || !inventory.unconfirmed.is_empty()
            || inventory.profiles().iter().any(|profile| profile.tags.is_err())
    };
    if inventories.iter().any(unread) {
        docket.undecided(Rule::CostTagInactive);
    }
    let profiles = inventories.iter().flat_map(Inventory::profiles);
    let mut carried: BTreeMap<&str, u64> = BTreeMap::new();
    for key in profiles.flat_map(|profile| profile.tags.iter().flat_map(|tags| tags.keys())) {
        *carried.entry(key).or_default() += 1;
    }
    let of_policy: BTreeSet<&str> = policy.keys().collect();
    let asked = |key: &str| match of_policy.is_empty() {
        true => is_user_tag(key),
        false => of_policy.contains(key),
    };
    for (key, count) in carried.into_iter().filter(|(key, _)| asked(key)) {
        let state = match cost_tags.get(key) {
            Some(true) => continue,
            Some(false) => "is not active as a cost allocation tag",
            None => "is not known to billing as a cost allocation tag",
        };
        let problem = format!(
            "The tag key {}, which {} {}, {state}, so the bill cannot be split by it",
            quoted(key),
            words::count(count, "profile"),
            if count == 1 { "carries" } else { "carry" },
        );
        let remedy = format!(
            "Activate it in the payer account {}, in the Billing console under Cost allocation tags or with \
             aws ce update-cost-allocation-tags-status --cost-allocation-tags-status {}; billing knows a key up \
             to 24 hours after its first use, activation takes up to 24 hours more, and costs of before are \
             not split",
            home.account,
            shell(&format!("TagKey={key},Status=Active"))
        );
        let resource = Resource { kind: ResourceKind::TagKey, arn: key.to_owned(), name: key.to_owned() };
        docket.other(resource, Rule::CostTagInactive, Severity::High, problem, remedy);
    }
}

#[cfg(test)]
mod tests {
    use profile::tags;

    use crate::{
        finding::{ResourceKind, Severity},
        inventory::{CostTags, Part, Source},
        judge::{Judgement, judge_cost_tags},
        rule::Rule::*,
        testing::{World, here, told, unread},
    };

    fn nothing() -> Vec<String> {
        Vec::new()
    }

    fn crowd(profiles: u32, quota: u64) -> World {
        let world = (0..profiles).fold(World::new(), |world, n| world.bare(&format!("p{n}"), "x", &[]));
        world.quota(quota).only(&[QuotaNear])
    }

    #[test]
    fn the_quota_is_near_from_the_share_that_is_set_and_critical_when_it_is_reached() {
        assert_eq!(crowd(7, 9).found(), nothing());
        assert_eq!(crowd(8, 10).finding(QuotaNear).severity, Severity::High);
        assert_eq!(crowd(9, 10).finding(QuotaNear).severity, Severity::High);
        for finding in [crowd(10, 10).finding(QuotaNear), crowd(10, 1).finding(QuotaNear)] {
            assert_eq!(finding.severity, Severity::Critical);
        }
        let finding = crowd(8, 10).finding(QuotaNear);
        assert_eq!(finding.resource.kind, ResourceKind::Account);
        assert_eq!(finding.resource.arn, "arn:aws:servicequotas:us-east-1:123456789012:bedrock/L-40EC9882");
        assert_eq!(finding.resource.name, "123456789012");
        assert_eq!(
            finding.problem,
            "There are 8 application inference profiles in us-east-1, and the quota is 10"
        );
        assert!(finding.remedy.ends_with("--quota-code L-40EC9882 --desired-value 20"), "{}", finding.remedy);
    }

    #[test]
    fn odd_quotas_do_no_harm() {
        assert_eq!(crowd(0, 0).found(), nothing());
        assert_eq!(crowd(1, 0).found().len(), 1);
        assert_eq!(crowd(1, u64::MAX).found(), nothing());
    }

    fn cost_tags(active: &[(&str, bool)]) -> Part<Option<CostTags>> {
        Ok(Some(active.iter().map(|(key, active)| ((*key).to_owned(), *active)).collect()))
    }

    fn judged(world: &World, cost_tags: &Part<Option<CostTags>>) -> Judgement {
        judge_cost_tags(std::slice::from_ref(&world.inventory), cost_tags, &here(), &world.criteria)
    }

    #[test]
    fn keys_of_the_policy_that_profiles_carry_must_be_active() {
        let world = World::new().managed("p1", "search").tag("p1", "other", "x");
        let judgement = judged(&world, &cost_tags(&[("stage", false)]));
        assert_eq!(told(&judgement.findings), ["cost-tag-inactive owner", "cost-tag-inactive stage"]);
        let [owner, stage] = judgement.findings.as_slice() else { panic!() };
        assert_eq!((owner.resource.kind, owner.resource.arn.as_str()), (ResourceKind::TagKey, "owner"));
        assert_eq!(owner.severity, Severity::High);
        assert!(owner.problem.contains("1 profile carries, is not known to billing"), "{}", owner.problem);
        assert!(stage.problem.contains("is not active"), "{}", stage.problem);
        assert!(owner.remedy.contains(
            "in the payer account 123456789012, in the Billing console under Cost allocation tags or with aws ce \
             update-cost-allocation-tags-status --cost-allocation-tags-status TagKey=owner,Status=Active"
        ));
        assert_eq!(judged(&world, &cost_tags(&[("stage", true), ("owner", true)])), Judgement::default());
        let uncarried = world.policy("team");
        assert_eq!(judged(&uncarried, &cost_tags(&[])), Judgement::default());
    }

    #[test]
    fn without_a_policy_every_user_s_key_must_be_active() {
        let world = World::new().managed("p1", "search").tag("p1", "aws:x", "x").policy("");
        let judgement = judged(&world, &cost_tags(&[("Owner", true)]));
        assert_eq!(told(&judgement.findings), ["cost-tag-inactive owner", "cost-tag-inactive stage"]);
    }

    #[test]
    fn one_finding_tells_of_all_regions() {
        let world = World::new().managed("p1", "search").policy("owner");
        let both = [world.inventory.clone(), world.inventory.clone()];
        let judgement = judge_cost_tags(&both, &cost_tags(&[]), &here(), &world.criteria);
        assert_eq!(told(&judgement.findings), ["cost-tag-inactive owner"]);
        assert!(judgement.findings[0].problem.contains("2 profiles carry"));
    }

    #[test]
    fn where_another_account_pays_nothing_is_said_and_nothing_is_open() {
        let world = World::new().managed("p1", "search");
        assert_eq!(judged(&world, &Ok(None)), Judgement::default());
        assert_eq!(judged(&world.clone().unread(Source::Tags), &Ok(None)), Judgement::default());
        assert_eq!(judged(&world.only(&[Idle]), &cost_tags(&[])), Judgement::default());
    }

    #[test]
    fn what_is_unread_is_undecided() {
        let world = World::new().managed("p1", "search");
        let open = |judgement: Judgement| {
            assert_eq!(judgement.undecided, [CostTagInactive].into());
            told(&judgement.findings)
        };
        assert_eq!(open(judged(&world, &Err(unread(Source::CostTags)))), nothing());
        assert_eq!(open(judged(&world.clone().unread(Source::TagPolicy), &cost_tags(&[]))), nothing());
        for source in [Source::Profiles, Source::Tags] {
            assert_eq!(open(judged(&world.clone().unread(source), &cost_tags(&[]))), nothing());
        }
        assert_eq!(open(judged(&world.clone().unconfirmed("p9"), &cost_tags(&[]))).len(), 2);
        // What can be read is judged all the same.
        let half = world.managed("p2", "chat").edit("p2", |profile| profile.tags = Err(unread(Source::Tags)));
        assert_eq!(open(judged(&half, &cost_tags(&[(tags::SPEC, true)]))).len(), 2);
    }
}
