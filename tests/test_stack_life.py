"""The life of stacks with ``Custom::InferenceProfile``, as CloudFormation drives it."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local_cloud import SERVICE_TOKEN_PARAMETER, LocalCloud
from stacks import OURS, PREFIX, Account, Profile, Stack

Make = Callable[..., dict[str, Any]]

LITE, PRO = "us.amazon.nova-lite-v1:0", "us.amazon.nova-pro-v1:0"

# It fails each time, as late as the resource that it depends on: a parameter of this name is there.
FAILING = {
    "Type": "AWS::SSM::Parameter",
    "Properties": {"Name": SERVICE_TOKEN_PARAMETER, "Type": "String", "Value": "x"},
}


def template(outputs: dict[str, Any] | None = None, **resources: dict[str, Any]) -> dict[str, Any]:
    """A template."""
    return {
        "Resources": resources,
        "Outputs": {key: {"Value": value} for key, value in (outputs or {}).items()},
    }


def with_failing_sibling(**resources: dict[str, Any]) -> dict[str, Any]:
    """A template whose last resource fails once all the others are done."""
    return template(**resources, Sibling={**FAILING, "DependsOn": list(resources)})


def tags(**values: str) -> list[dict[str, str]]:
    """Tags of a template."""
    return [{"Key": key, "Value": value} for key, value in values.items()]


def source(copy_from: str) -> dict[str, str]:
    """A ``ModelSource``."""
    return {"CopyFrom": copy_from}


def only(profiles: list[Profile]) -> Profile:
    """The one profile of a list."""
    assert len(profiles) == 1, profiles
    return profiles[0]


@contextmanager
def reading(account: Account, *names: str) -> Iterator[list[tuple[str | None, ...]]]:
    """Reads parameters over and over meanwhile, one after the other, as impatient applications would."""
    seen: list[tuple[str | None, ...]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(tuple(account.parameter(name) for name in names))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield seen
    finally:
        done.set()
        reader.join()


def test_a_profile_is_made_tagged_and_published(
    account: Account, stack: Stack, profile: Make, name: str
) -> None:
    declared = profile(Description="Answers to customers", Tags=tags(owner="team-a", stage="own"))
    status = stack.create(template(Chat=declared), tags={"stage": "of the stack", "cost-center": "4711"})
    assert status == "CREATE_COMPLETE", stack.failures()

    made = only(account.profiles(name))
    assert made.arn == stack.physical_id("Chat"), "Ref is the ARN"
    assert made.description == "Answers to customers"
    assert made.user_tags == {"owner": "team-a", "stage": "own", "cost-center": "4711"}
    assert made.own_tags["stack-id"] == stack.id
    assert made.own_tags["logical-id"] == "Chat"
    assert made.own_tags["parameter"] == f"{PREFIX}/{name}"
    assert made.own_tags["model-source"].endswith(f":inference-profile/{LITE}")
    assert made.own_tags.keys() == {"stack-id", "logical-id", "parameter", "model-source", "spec", "tag-keys"}

    assert account.parameter(f"{PREFIX}/{name}") == made.arn
    on_parameter = account.parameter_tags(f"{PREFIX}/{name}")
    assert made.user_tags.items() <= on_parameter.items()
    assert on_parameter[f"{OURS}stack-id"] == stack.id
    assert on_parameter[f"{OURS}logical-id"] == "Chat"


def test_every_attribute_can_be_got(account: Account, stack: Stack, profile: Make, name: str) -> None:
    texts = [
        *("InferenceProfileArn", "InferenceProfileId", "InferenceProfileIdentifier", "InferenceProfileName"),
        *("Status", "Type", "CreatedAt", "UpdatedAt", "ModelSourceArn", "ParameterName", "ParameterArn"),
    ]
    lists = ["ModelArns", "InvokeResourceArns"]
    outputs: dict[str, Any] = {key: {"Fn::GetAtt": ["Chat", key]} for key in texts}
    outputs |= {key: {"Fn::Join": [" ", {"Fn::GetAtt": ["Chat", key]}]} for key in lists}
    assert stack.create(template(outputs, Chat=profile())) == "CREATE_COMPLETE", stack.failures()

    made = only(account.profiles(name))
    got = stack.outputs()
    created, updated = got.pop("CreatedAt"), got.pop("UpdatedAt")
    assert datetime.datetime.fromisoformat(created.replace("Z", "+00:00")).tzinfo is not None
    assert updated == created
    system = f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/{LITE}"
    assert got == {
        "InferenceProfileArn": made.arn,
        "InferenceProfileId": made.id,
        "InferenceProfileIdentifier": made.arn,
        "InferenceProfileName": name,
        "Status": "ACTIVE",
        "Type": "APPLICATION",
        "ModelSourceArn": system,
        "ModelArns": " ".join(sorted(made.models)),
        "InvokeResourceArns": " ".join([made.arn, system, *sorted(made.models)]),
        "ParameterName": f"{PREFIX}/{name}",
        "ParameterArn": f"arn:aws:ssm:us-east-1:000000000000:parameter{PREFIX}/{name}",
    }
    # An update must answer the same keys, or CloudFormation would fail each of these.
    changed = template(outputs, Chat=profile(Tags=tags(owner="team-a")))
    assert stack.update(changed) == "UPDATE_COMPLETE", stack.failures()
    assert stack.outputs().keys() == {*texts, *lists}


@pytest.mark.parametrize(
    "written",
    [
        LITE,
        f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/{LITE}",
        f"arn:aws:bedrock:us-east-1::inference-profile/{LITE}",
        "amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
        "global.amazon.nova-2-lite-v1:0",
    ],
)
def test_a_model_source_can_be_written_in_each_of_its_forms(
    account: Account, stack: Stack, profile: Make, name: str, written: str
) -> None:
    declared = profile(ModelSource=source(written))
    assert stack.create(template(Chat=declared)) == "CREATE_COMPLETE", stack.failures()
    assert only(account.profiles(name)).own_tags["model-source"].endswith("/" + written.rsplit("/", 1)[-1])


def test_tags_change_in_place_and_those_of_others_stay(
    cloud: LocalCloud, account: Account, stack: Stack, profile: Make, name: str
) -> None:
    before = template(Chat=profile(Tags=tags(owner="team-a", project="chat")))
    assert stack.create(before) == "CREATE_COMPLETE", stack.failures()
    made = only(account.profiles(name))
    by_others = [{"key": "seen-by", "value": "an auditor"}]
    cloud.client("bedrock").tag_resource(resourceARN=made.arn, tags=by_others)

    after = template(Chat=profile(Tags=tags(owner="team-b", stage="live")))
    assert stack.update(after) == "UPDATE_COMPLETE", stack.failures()
    changed = only(account.profiles(name))
    assert changed.arn == made.arn == stack.physical_id("Chat")
    assert changed.user_tags == {"owner": "team-b", "stage": "live", "seen-by": "an auditor"}
    on_parameter = account.parameter_tags(f"{PREFIX}/{name}")
    assert {key: value for key, value in on_parameter.items() if not key.startswith(OURS)} == {
        "owner": "team-b",
        "stage": "live",
    }


@pytest.mark.parametrize(
    "change",
    [{"ModelSource": source(PRO)}, {"Description": "Another one"}],
    ids=["model", "description"],
)
def test_what_is_immutable_in_bedrock_is_replaced_and_the_parameter_follows(
    account: Account, stack: Stack, profile: Make, name: str, change: dict[str, Any]
) -> None:
    assert stack.create(template(Chat=profile())) == "CREATE_COMPLETE", stack.failures()
    old = only(account.profiles(name))
    with reading(account, f"{PREFIX}/{name}") as seen:
        assert stack.update(template(Chat=profile(**change))) == "UPDATE_COMPLETE", stack.failures()
    new = only(account.profiles(name))
    assert new.arn != old.arn
    assert stack.physical_id("Chat") == new.arn == account.parameter(f"{PREFIX}/{name}")
    assert {value for (value,) in seen} <= {old.arn, new.arn}, "no reader was stranded"


def test_a_new_name_is_a_replacement_under_a_new_parameter(
    account: Account, stack: Stack, profile: Make, name: str
) -> None:
    assert stack.create(template(Chat=profile())) == "CREATE_COMPLETE", stack.failures()
    renamed = template(Chat=profile(InferenceProfileName=f"{name} two"))
    assert stack.update(renamed) == "UPDATE_COMPLETE", stack.failures()
    made = only(account.profiles(name))
    assert made.name == f"{name} two"
    assert account.parameters().get(f"{PREFIX}/{name}-two") == made.arn, "a space became a dash"
    assert account.parameter(f"{PREFIX}/{name}") is None


def test_a_parameter_is_renamed_without_a_moment_in_which_neither_name_works(
    account: Account, stack: Stack, profile: Make, name: str
) -> None:
    old, new = f"{PREFIX}/{name}", f"{PREFIX}/chat/{name}"
    assert stack.create(template(Chat=profile())) == "CREATE_COMPLETE", stack.failures()
    made = only(account.profiles(name))
    # The old one first: where it is gone, the new one was there before.
    with reading(account, old, new) as seen:
        renamed = template(Chat=profile(ParameterName=new))
        assert stack.update(renamed) == "UPDATE_COMPLETE", stack.failures()
    assert (account.parameter(old), account.parameter(new)) == (None, made.arn)
    assert only(account.profiles(name)).arn == made.arn, "the profile is the same"
    assert all(made.arn in values for values in seen)


def test_a_profile_can_be_unpublished_and_published_again(
    account: Account, stack: Stack, profile: Make, name: str
) -> None:
    assert stack.create(template(Chat=profile(PublishParameter=False))) == "CREATE_COMPLETE", stack.failures()
    made = only(account.profiles(name))
    assert account.parameter(f"{PREFIX}/{name}") is None
    assert stack.update(template(Chat=profile())) == "UPDATE_COMPLETE", stack.failures()
    assert account.parameter(f"{PREFIX}/{name}") == made.arn
    unpublished = template(Chat=profile(PublishParameter="false"))
    assert stack.update(unpublished) == "UPDATE_COMPLETE", stack.failures()
    assert account.parameter(f"{PREFIX}/{name}") is None
    assert only(account.profiles(name)).arn == made.arn


class TestRollback:
    """A rollback restores profile, tags, parameter and physical id."""

    @pytest.fixture
    def before(self, account: Account, stack: Stack, profile: Make, name: str) -> dict[str, Any]:
        """The stack as it is before the update that fails."""
        declared = profile(Tags=tags(owner="team-a", project="chat"))
        assert stack.create(template(Chat=declared)) == "CREATE_COMPLETE", stack.failures()
        return self.everything(account, stack, name)

    def everything(self, account: Account, stack: Stack, name: str) -> dict[str, Any]:
        return {
            "profiles": account.profiles(name),
            "parameters": {k: v for k, v in account.parameters().items() if name in k},
            "parameter's tags": account.parameter_tags(f"{PREFIX}/{name}"),
            "physical id": stack.physical_id("Chat"),
        }

    def test_of_a_change_that_is_refused(
        self, account: Account, stack: Stack, profile: Make, name: str, before: dict[str, Any]
    ) -> None:
        refused = profile(Tags=tags(owner="team-b"), ModelSource=source("us.amazon.nova-lite-v9:0"))
        assert stack.update(template(Chat=refused)) == "UPDATE_ROLLBACK_COMPLETE"
        assert LITE in stack.failures()["Chat"], "the nearest model is named"
        assert self.everything(account, stack, name) == before

    def test_of_tags_when_a_sibling_fails(
        self, account: Account, stack: Stack, profile: Make, name: str, before: dict[str, Any]
    ) -> None:
        changed = profile(Tags=tags(owner="team-b", stage="live"))
        assert stack.update(with_failing_sibling(Chat=changed)) == "UPDATE_ROLLBACK_COMPLETE"
        assert stack.failures().keys() == {"Sibling"}
        assert self.everything(account, stack, name) == before

    def test_of_a_replacement_when_a_sibling_fails(
        self, account: Account, stack: Stack, profile: Make, name: str, before: dict[str, Any]
    ) -> None:
        replaced = profile(Tags=tags(owner="team-b"), ModelSource=source(PRO))
        with reading(account, f"{PREFIX}/{name}") as seen:
            assert stack.update(with_failing_sibling(Chat=replaced)) == "UPDATE_ROLLBACK_COMPLETE"
        assert stack.failures().keys() == {"Sibling"}
        assert self.everything(account, stack, name) == before
        assert None not in {value for (value,) in seen}, "no reader was stranded"

    def test_of_a_renamed_parameter_when_a_sibling_fails(
        self, account: Account, stack: Stack, profile: Make, name: str, before: dict[str, Any]
    ) -> None:
        renamed = profile(Tags=tags(owner="team-a", project="chat"), ParameterName=f"{PREFIX}/{name}/renamed")
        assert stack.update(with_failing_sibling(Chat=renamed)) == "UPDATE_ROLLBACK_COMPLETE"
        assert self.everything(account, stack, name) == before

    def test_of_a_replacement_under_a_new_parameter_when_a_sibling_fails(
        self, account: Account, stack: Stack, profile: Make, name: str, before: dict[str, Any]
    ) -> None:
        both = profile(ModelSource=source(PRO), ParameterName=f"{PREFIX}/{name}/renamed")
        assert stack.update(with_failing_sibling(Chat=both)) == "UPDATE_ROLLBACK_COMPLETE"
        assert self.everything(account, stack, name) == before

    def test_of_a_creation_when_a_sibling_fails(
        self, account: Account, stack: Stack, profile: Make, name: str
    ) -> None:
        assert stack.create(with_failing_sibling(Chat=profile())) == "ROLLBACK_COMPLETE"
        assert account.profiles(name) == []
        assert account.parameter(f"{PREFIX}/{name}") is None

    def test_and_then_the_next_update_goes_through(
        self, account: Account, stack: Stack, profile: Make, name: str, before: dict[str, Any]
    ) -> None:
        replaced = profile(ModelSource=source(PRO))
        assert stack.update(with_failing_sibling(Chat=replaced)) == "UPDATE_ROLLBACK_COMPLETE"
        assert stack.update(template(Chat=replaced)) == "UPDATE_COMPLETE", stack.failures()
        made = only(account.profiles(name))
        assert made.arn != before["physical id"]
        assert account.parameter(f"{PREFIX}/{name}") == made.arn == stack.physical_id("Chat")


class TestAdoption:
    """A profile that exists is taken under management, and released in the end."""

    @pytest.fixture
    def existing(self, cloud: LocalCloud, account: Account, name: str) -> Iterator[Profile]:
        """A profile that somebody made by hand."""
        bedrock = cloud.client("bedrock")
        made = bedrock.create_inference_profile(
            inferenceProfileName=name,
            description="Made by hand",
            modelSource={"copyFrom": f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/{LITE}"},
            tags=[{"key": "made-by", "value": "hand"}, {"key": "owner", "value": "nobody"}],
        )
        found = account.profile(made["inferenceProfileArn"])
        assert found is not None
        yield found
        bedrock.delete_inference_profile(inferenceProfileIdentifier=found.arn)

    @pytest.mark.parametrize("by", ["arn", "id"])
    def test_and_release(
        self, account: Account, stack: Stack, profile: Make, name: str, existing: Profile, by: str
    ) -> None:
        adopting = profile(
            ExistingProfile=getattr(existing, by), Description="Made by hand", Tags=tags(owner="team-a")
        )
        assert stack.create(template(Chat=adopting)) == "CREATE_COMPLETE", stack.failures()
        assert stack.physical_id("Chat") == existing.arn
        adopted = only(account.profiles(name))
        assert adopted.user_tags == {"made-by": "hand", "owner": "team-a"}
        assert adopted.own_tags["adopted"] == "true"
        assert adopted.own_tags["stack-id"] == stack.id
        assert account.parameter(f"{PREFIX}/{name}") == existing.arn

        assert stack.delete() == "DELETE_COMPLETE", stack.failures()
        released = account.profile(existing.arn)
        assert released is not None, "an adopted profile is never deleted"
        assert released.own_tags == {}
        assert released.user_tags["made-by"] == "hand"
        assert account.parameter(f"{PREFIX}/{name}") is None

    def test_is_refused_with_every_difference(
        self, account: Account, stack: Stack, profile: Make, name: str, existing: Profile
    ) -> None:
        other = profile(
            ExistingProfile=existing.arn,
            InferenceProfileName=f"{name}-other",
            Description="Something else",
            ModelSource=source(PRO),
        )
        assert stack.create(template(Chat=other)) == "ROLLBACK_COMPLETE"
        reason = stack.failures()["Chat"]
        for part in (name, "Made by hand", "InferenceProfileName", "Description", "nova-lite"):
            assert part in reason, reason
        assert account.profile(existing.arn) == existing

    def test_of_what_another_stack_owns_is_refused(
        self, cloud: LocalCloud, account: Account, stack: Stack, profile: Make, name: str
    ) -> None:
        assert stack.create(template(Chat=profile())) == "CREATE_COMPLETE", stack.failures()
        owned = only(account.profiles(name))
        thief = Stack(cloud, f"{name}-thief")
        stealing = profile(ExistingProfile=owned.arn, ParameterName=f"{PREFIX}/{name}/stolen")
        assert thief.create(template(Chat=stealing)) == "ROLLBACK_COMPLETE"
        assert stack.id in thief.failures()["Chat"], "the owner is named"
        assert thief.delete() == "DELETE_COMPLETE"
        assert only(account.profiles(name)) == owned

    def test_of_what_is_gone_is_refused(self, stack: Stack, profile: Make) -> None:
        assert stack.create(template(Chat=profile(ExistingProfile="0mbq3svia2re"))) == "ROLLBACK_COMPLETE"
        reason = stack.failures()["Chat"]
        assert "ExistingProfile" in reason
        assert "0mbq3svia2re" in reason


class TestForeignParameter:
    """A parameter of somebody else is a fault, and stays as it is."""

    @pytest.fixture
    def foreign(self, cloud: LocalCloud, account: Account, name: str) -> Iterator[str]:
        parameter = f"{PREFIX}/{name}/foreign"
        ssm = cloud.client("ssm")
        ssm.put_parameter(
            Name=parameter, Value="not an ARN", Type="String", Tags=[{"Key": "owner", "Value": "somebody"}]
        )
        yield parameter
        assert account.parameter(parameter) == "not an ARN"
        assert account.parameter_tags(parameter) == {"owner": "somebody"}
        ssm.delete_parameter(Name=parameter)

    def test_on_create(self, account: Account, stack: Stack, profile: Make, name: str, foreign: str) -> None:
        assert stack.create(template(Chat=profile(ParameterName=foreign))) == "ROLLBACK_COMPLETE"
        assert foreign in stack.failures()["Chat"]
        assert account.profiles(name) == [], "nothing was made"

    def test_on_update(self, account: Account, stack: Stack, profile: Make, name: str, foreign: str) -> None:
        assert stack.create(template(Chat=profile())) == "CREATE_COMPLETE", stack.failures()
        made = only(account.profiles(name))
        renamed = template(Chat=profile(ParameterName=foreign, ModelSource=source(PRO)))
        assert stack.update(renamed) == "UPDATE_ROLLBACK_COMPLETE"
        assert foreign in stack.failures()["Chat"]
        assert only(account.profiles(name)) == made
        assert account.parameter(f"{PREFIX}/{name}") == made.arn

    def test_of_another_stack(
        self, cloud: LocalCloud, account: Account, stack: Stack, profile: Make, name: str
    ) -> None:
        assert stack.create(template(Chat=profile())) == "CREATE_COMPLETE", stack.failures()
        made = only(account.profiles(name))
        second = Stack(cloud, f"{name}-second")
        same = profile(InferenceProfileName=f"{name}-second", ParameterName=f"{PREFIX}/{name}")
        assert second.create(template(Chat=same)) == "ROLLBACK_COMPLETE"
        assert second.delete() == "DELETE_COMPLETE"
        assert account.parameter(f"{PREFIX}/{name}") == made.arn
        assert only(account.profiles(name)) == made


class TestProtection:
    """``ProtectIfUsedWithin``: what is in use is not deleted."""

    def use(self, cloud: LocalCloud, profile_id: str) -> None:
        """Somebody invokes the profile."""
        cloud.client("cloudwatch").put_metric_data(
            Namespace="AWS/Bedrock",
            MetricData=[
                {
                    "MetricName": "Invocations",
                    "Dimensions": [{"Name": "ModelId", "Value": profile_id}],
                    "Timestamp": datetime.datetime.now(datetime.timezone.utc),
                    "Value": 3,
                    "Unit": "Count",
                }
            ],
        )

    def test_a_delete_is_refused_until_the_protection_is_taken_away(
        self, cloud: LocalCloud, account: Account, stack: Stack, profile: Make, name: str
    ) -> None:
        declared = template(Chat=profile(ProtectIfUsedWithin="1d"))
        assert stack.create(declared) == "CREATE_COMPLETE", stack.failures()
        made = only(account.profiles(name))
        self.use(cloud, made.id)

        assert stack.delete() == "DELETE_FAILED"
        reason = stack.failures()["Chat"]
        assert "ProtectIfUsedWithin" in reason
        assert "3 times" in reason
        assert only(account.profiles(name)) == made
        assert account.parameter(f"{PREFIX}/{name}") == made.arn
        # The stack could not be deleted in the end, so it lets go of the profile here.
        assert stack.delete(retain=["Chat"]) == "DELETE_COMPLETE"
        cloud.client("bedrock").delete_inference_profile(inferenceProfileIdentifier=made.arn)
        cloud.client("ssm").delete_parameter(Name=f"{PREFIX}/{name}")

    def test_an_unused_profile_is_deleted(
        self, account: Account, stack: Stack, profile: Make, name: str
    ) -> None:
        declared = template(Chat=profile(ProtectIfUsedWithin="1d"))
        assert stack.create(declared) == "CREATE_COMPLETE", stack.failures()
        assert stack.delete() == "DELETE_COMPLETE", stack.failures()
        assert account.profiles(name) == []

    def test_the_protection_can_be_taken_away_by_an_update(
        self, cloud: LocalCloud, account: Account, stack: Stack, profile: Make, name: str
    ) -> None:
        declared = template(Chat=profile(ProtectIfUsedWithin="1d"))
        assert stack.create(declared) == "CREATE_COMPLETE", stack.failures()
        self.use(cloud, only(account.profiles(name)).id)
        assert stack.update(template(Chat=profile())) == "UPDATE_COMPLETE", stack.failures()
        assert stack.delete() == "DELETE_COMPLETE", stack.failures()
        assert account.profiles(name) == []

    def test_a_replaced_profile_in_use_drains(
        self, cloud: LocalCloud, account: Account, stack: Stack, profile: Make, name: str
    ) -> None:
        protected = profile(ProtectIfUsedWithin="1d")
        assert stack.create(template(Chat=protected)) == "CREATE_COMPLETE", stack.failures()
        old = only(account.profiles(name))
        self.use(cloud, old.id)
        replaced = template(Chat=profile(ProtectIfUsedWithin="1d", ModelSource=source(PRO)))
        assert stack.update(replaced) == "UPDATE_COMPLETE", stack.failures()
        draining = account.profile(old.arn)
        assert draining is not None
        assert "drain-until" in draining.own_tags
        # For the stack to be deleted in the end.
        unprotected = template(Chat=profile(ModelSource=source(PRO)))
        assert stack.update(unprotected) == "UPDATE_COMPLETE", stack.failures()


def test_a_replaced_profile_drains_and_the_stacks_deletion_takes_it_along(
    account: Account, stack: Stack, profile: Make, name: str
) -> None:
    assert stack.create(template(Chat=profile(DrainPeriod="2d"))) == "CREATE_COMPLETE", stack.failures()
    old = only(account.profiles(name))
    replaced = template(Chat=profile(DrainPeriod="2d", ModelSource=source(PRO)))
    assert stack.update(replaced) == "UPDATE_COMPLETE", stack.failures()

    new = stack.physical_id("Chat")
    assert {each.arn for each in account.profiles(name)} == {old.arn, new}
    draining = account.profile(old.arn)
    assert draining is not None
    until = datetime.datetime.fromisoformat(draining.own_tags["drain-until"].replace("Z", "+00:00"))
    left = until - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(hours=47) < left <= datetime.timedelta(days=2)
    assert account.parameter(f"{PREFIX}/{name}") == new

    assert stack.delete() == "DELETE_COMPLETE", stack.failures()
    assert account.profiles(name) == []


def test_a_resource_that_leaves_the_template_goes_and_its_sibling_stays(
    account: Account, stack: Stack, profile: Make, name: str
) -> None:
    both = template(Chat=profile(), Search=profile(InferenceProfileName=f"{name}-search"))
    assert stack.create(both) == "CREATE_COMPLETE", stack.failures()
    chat = stack.physical_id("Chat")
    assert stack.update(template(Chat=profile())) == "UPDATE_COMPLETE", stack.failures()
    assert [each.arn for each in account.profiles(name)] == [chat]
    assert account.parameter(f"{PREFIX}/{name}-search") is None
    assert account.parameter(f"{PREFIX}/{name}") == chat


def test_a_deleted_stack_leaves_nothing(account: Account, stack: Stack, profile: Make, name: str) -> None:
    both = template(Chat=profile(), Search=profile(InferenceProfileName=f"{name}-search"))
    assert stack.create(both) == "CREATE_COMPLETE", stack.failures()
    assert stack.delete() == "DELETE_COMPLETE", stack.failures()
    assert account.profiles(name) == []
    assert [each for each in account.parameters() if name in each] == []


def test_a_profile_that_somebody_deleted_by_hand_is_no_obstacle_to_the_stacks_deletion(
    cloud: LocalCloud, account: Account, stack: Stack, profile: Make, name: str
) -> None:
    assert stack.create(template(Chat=profile())) == "CREATE_COMPLETE", stack.failures()
    made = only(account.profiles(name))
    cloud.client("bedrock").delete_inference_profile(inferenceProfileIdentifier=made.arn)
    assert stack.delete() == "DELETE_COMPLETE", stack.failures()
    assert account.parameter(f"{PREFIX}/{name}") is None
