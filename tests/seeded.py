"""An account in which every rule has something to find, and something beside it that looks much the same.

Each profile is made with the findings that it deserves; :class:`Seeded` gathers them, by rule and ARN.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping
from typing import Any

from between import Between
from local_cloud import LocalCloud
from stacks import OURS, PREFIX, Stack

# What the deployment asks for; a profile that has these two is right.
REQUIRED_TAGS = "owner,env=dev|prod"
RIGHT = {"owner": "team-a", "env": "dev"}
# A hand-made profile that is nobody's problem: another tool has it.
FOREIGN = {**RIGHT, "managed-by": "terraform"}

LITE, HAIKU = "amazon.nova-lite-v1:0", "anthropic.claude-3-haiku-20240307-v1:0"
NOW = datetime.datetime.now(datetime.timezone.utc)

# What a parameter may hold: whoever shows it has to take it for text.
SCRIPT = "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"

Finding = tuple[str, str]


def rfc3339(days: float) -> str:
    """An instant so many days from now."""
    return (NOW + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Seeded:
    """The account, and what is wrong with it."""

    def __init__(self, cloud: LocalCloud, between: Between, token: str) -> None:
        self.cloud = cloud
        self.between = between
        self.token = token
        self.expected: set[Finding] = set()
        self.silenced: Counter[str] = Counter()
        self.count = 0
        self._bedrock = cloud.client("bedrock")
        self._ssm = cloud.client("ssm")
        self._metrics = cloud.client("cloudwatch")

    def seed(self) -> None:
        """Makes all of it."""
        self.ordinary()
        self.tags()
        self.owners()
        self.models()
        self.usage()
        self.names()
        self.stacks()
        self.parameters()
        self.silences()
        self.account()

    # -- tools -----------------------------------------------------------------------------------

    def make(
        self,
        name: str,
        tags: Mapping[str, str],
        *found: str,
        model: str = LITE,
        age: float = 0,
    ) -> str:
        """A profile made by hand, ``age`` days ago, which the rules of ``found`` have something against."""
        made = self._bedrock.create_inference_profile(
            inferenceProfileName=name,
            modelSource={"copyFrom": self.model_arn(model)},
            tags=[{"key": key, "value": value} for key, value in tags.items()],
        )
        arn = str(made["inferenceProfileArn"])
        self.count += 1
        if age:
            self.between.made_at[arn] = rfc3339(-age)
        self.expected |= {(rule, arn) for rule in found}
        return arn

    def model_arn(self, model: str) -> str:
        """The ARN of a foundation model or, by its geography, of a system profile."""
        if model.startswith("us."):
            return f"arn:aws:bedrock:{self.cloud.region}:{self.cloud.account}:inference-profile/{model}"
        return f"arn:aws:bedrock:{self.cloud.region}::foundation-model/{model}"

    def invoke(self, model_id: str, days_ago: float, count: int = 1) -> None:
        """What CloudWatch counts when somebody calls."""
        datum = {
            "MetricName": "Invocations",
            "Dimensions": [{"Name": "ModelId", "Value": model_id}],
            "Timestamp": NOW - datetime.timedelta(days=days_ago),
            "Value": count,
            "Unit": "Count",
        }
        self._metrics.put_metric_data(Namespace="AWS/Bedrock", MetricData=[datum])

    def publish(self, name: str, value: str, *found: str) -> None:
        """A parameter, written by hand."""
        self._ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
        arn = f"arn:aws:ssm:{self.cloud.region}:{self.cloud.account}:parameter{name}"
        self.expected |= {(rule, arn) for rule in found}

    def declared(self, name: str, **properties: Any) -> dict[str, Any]:
        """A ``Custom::InferenceProfile`` that is right."""
        return {
            "Type": "Custom::InferenceProfile",
            **({"DeletionPolicy": "Retain"} if properties.pop("retain", False) else {}),
            "Properties": {
                "ServiceToken": self.token,
                "InferenceProfileName": name,
                "ModelSource": {"CopyFrom": LITE},
                "Tags": [{"Key": key, "Value": value} for key, value in RIGHT.items()],
                **properties,
            },
        }

    def owned(self, stack_id: str, logical_id: str, **more: str) -> dict[str, str]:
        """The tags by which a stack owns a profile, and ``more`` of ours."""
        ours = {"stack-id": stack_id, "logical-id": logical_id, **more}
        return {f"{OURS}{key.replace('_', '-')}": value for key, value in ours.items()}

    # -- the account -----------------------------------------------------------------------------

    def ordinary(self) -> None:
        """Many that are right."""
        for n in range(60):
            self.make(f"ordinary {n}", FOREIGN, age=n / 3)

    def tags(self) -> None:
        """`untagged`, `missing-required-tag`, `invalid-tag-value`."""
        nothing = ("untagged", "missing-required-tag", "unmanaged")
        for n in range(5):
            self.make(f"never tagged {n}", {}, *nothing)
        emptied = self.make("tagged once", FOREIGN, *nothing)
        self._bedrock.untag_resource(resourceARN=emptied, tagKeys=list(FOREIGN))
        self.make("only ours", {f"{OURS}note": "x"}, *nothing)
        tagged_later = self.make("tagged later", {})
        self._bedrock.tag_resource(
            resourceARN=tagged_later, tags=[{"key": key, "value": value} for key, value in FOREIGN.items()]
        )
        tool = {"managed-by": "terraform"}
        self.make("no owner", {**tool, "env": "dev"}, "missing-required-tag")
        self.make("no env", {**tool, "owner": "a"}, "missing-required-tag")
        self.make("no case", {**tool, "Owner": "a", "env": "prod"}, "missing-required-tag")
        self.make("wrong env", {**tool, "owner": "a", "env": "test"}, "invalid-tag-value")
        self.make("env in capitals", {**tool, "owner": "a", "env": "DEV"}, "invalid-tag-value")
        self.make("wrong and missing", {**tool, "env": "x"}, "invalid-tag-value", "missing-required-tag")
        self.make("both right", {**tool, "owner": "", "env": "prod"})

    def owners(self) -> None:
        """`unmanaged`, and the orphans whose stack never was."""
        for n in range(5):
            self.make(f"nobodys {n}", RIGHT, "unmanaged")
        self.make("by hand", {**RIGHT, "managed-by": "hand"}, "unmanaged")
        self.make("not by terraform", {**RIGHT, "terraform": "false"}, "unmanaged")
        self.make("half owned", {**RIGHT, f"{OURS}stack-id": "x"})
        elsewhere = self.owned("arn:aws:cloudformation:sa-east-1:123456789012:stack/a/1", "Chat")
        self.make("of another place", {**RIGHT, **elsewhere})
        for key, value in {
            "ManagedBy": "OpenTofu",
            "terraform": "true",
            "aws-cdk:id": "x",
            "pulumi:project": "x",
            "created_with": "CDK",
            "app.kubernetes.io/managed-by": "Helm",
        }.items():
            self.make(f"by {key.split(':')[0].replace('/', '-').replace('.', '-')}", {**RIGHT, key: value})
        never = (
            f"arn:aws:cloudformation:{self.cloud.region}:{self.cloud.account}:stack/never/"
            "11111111-2222-3333-4444-555555555555"
        )
        gone = self.owned(never, "Chat")
        self.make("left behind", {**RIGHT, **gone}, "orphaned-stack-deleted")
        self.make("left to terraform", {**FOREIGN, **gone})
        made_us = {**RIGHT, **gone, "ManagedBy": "CloudFormation"}
        self.make("left by CloudFormation", made_us, "orphaned-stack-deleted")
        draining = self.owned(never, "Chat", drain_until=rfc3339(9))
        self.make("left behind draining", {**RIGHT, **draining}, "orphaned-stack-deleted")

    def models(self) -> None:
        """`model-legacy`, `model-end-of-life`, `model-unavailable`."""
        legacy, ends = "model-legacy", "model-end-of-life"
        for n in range(3):
            self.make(f"haiku {n}", FOREIGN, legacy, model=HAIKU)
        for model, status, end, found in (
            ("far", "LEGACY", 200, (legacy,)),
            ("near", "LEGACY", 30, (legacy, ends)),
            ("silent", "ACTIVE", 30, (ends,)),
            ("over", "LEGACY", -3, (legacy, ends)),
            ("lasting", "ACTIVE", 1000, ()),
        ):
            self.model(f"test.{model}-v1:0")
            self.make(f"model {model}", FOREIGN, *found, model=f"test.{model}-v1:0")
            self.model(f"test.{model}-v1:0", status, end)
        self.model("test.gone-v1:0")
        self.make("model gone", FOREIGN, "model-unavailable", model="test.gone-v1:0")
        self.cloud.control("DELETE", "models/test.gone-v1:0")
        self.make("model of a system profile", FOREIGN, model=f"us.{LITE}")
        recorded = {f"{OURS}model-source": self.model_arn("us.test.gone-v1:0")}
        self.make("system profile gone", {**FOREIGN, **recorded}, "model-unavailable")
        recorded = {f"{OURS}model-source": self.model_arn(f"us.{LITE}")}
        self.make("system profile there", {**FOREIGN, **recorded}, model=f"us.{LITE}")

    def model(self, model_id: str, status: str = "ACTIVE", end: float | None = None) -> None:
        """A model of this account's own."""
        life = {"status": status, **({} if end is None else {"endOfLifeTime": rfc3339(end)})}
        regions = {self.cloud.region: ["ON_DEMAND"]}
        self.cloud.control(
            "POST", "models", {"modelId": model_id, "regions": regions, "modelLifecycle": life}
        )

    def usage(self) -> None:
        """`idle`, `unattributed-usage`."""
        self.make("idle", FOREIGN, "idle", age=40)
        self.make("idle for a year", FOREIGN, "idle", age=400)
        self.make("idle and nobodys", RIGHT, "idle", "unmanaged", age=31)
        self.make("too young to be idle", FOREIGN, age=29)
        self.invoke(self.make("in use", FOREIGN, age=40).rsplit("/", 1)[1], days_ago=3)
        self.invoke(self.make("in use today", FOREIGN, age=40).rsplit("/", 1)[1], days_ago=0, count=1000)
        self.invoke(self.make("in use by its ARN", FOREIGN, age=40), days_ago=9)
        pro, micro = "amazon.nova-pro-v1:0", "amazon.nova-micro-v1:0"
        for model_id, days_ago in ((LITE, 2), (f"us.{pro}", 9)):
            self.invoke(model_id, days_ago=days_ago)
            self.expected.add(("unattributed-usage", self.model_arn(model_id)))
        self.invoke(self.model_arn(HAIKU), days_ago=1)
        self.expected.add(("unattributed-usage", self.model_arn(HAIKU)))
        self.invoke(micro, days_ago=16)
        self.invoke("somebody.elses-v1:0", days_ago=1)
        # A part of the metric by another dimension counts nothing by itself.
        self._metrics.put_metric_data(
            Namespace="AWS/Bedrock",
            MetricData=[
                {
                    "MetricName": "Invocations",
                    "Dimensions": [
                        {"Name": "ModelId", "Value": "amazon.nova-2-lite-v1:0"},
                        {"Name": "ContextWindow", "Value": "1M"},
                    ],
                    "Value": 1,
                }
            ],
        )

    def names(self) -> None:
        """`duplicate-name`."""
        for _ in range(3):
            self.make("same name", FOREIGN, "duplicate-name")
        self.make("Same name", FOREIGN)
        self.make("successor", FOREIGN)
        self.make("successor", {**FOREIGN, f"{OURS}drain-until": rfc3339(3)})

    def stacks(self) -> None:
        """What stacks own: orphans of both kinds, drift of parameters and of tags, expired drains."""
        names = (
            "right",
            "unpublished",
            "missing",
            "drifted",
            "scripted",
            "retagged",
            "untagged",
            "noted",
            "dropped",
        )
        logical = {name.capitalize(): self.declared(f"stack {name}") for name in names}
        logical["Unpublished"]["Properties"]["PublishParameter"] = "false"
        logical["Dropped"]["DeletionPolicy"] = "Retain"
        stack = Stack(self.cloud, "seeded")
        created = stack.create({"Resources": logical})
        assert created == "CREATE_COMPLETE", stack.failures()
        arns = {name: stack.physical_id(name.capitalize()) for name in names}
        del logical["Dropped"]
        updated = stack.update({"Resources": logical})
        assert updated == "UPDATE_COMPLETE", stack.failures()
        self.count += len(names)
        self.expected.add(("orphaned-not-in-stack", arns["dropped"]))

        self._ssm.delete_parameter(Name=f"{PREFIX}/stack-missing")
        self.expected.add(("parameter-missing", arns["missing"]))
        self.publish(f"{PREFIX}/stack-drifted", arns["right"])
        self.publish(f"{PREFIX}/stack-scripted", SCRIPT)
        self.expected |= {("parameter-drift", arns["drifted"]), ("parameter-drift", arns["scripted"])}
        changed = [{"key": "owner", "value": "somebody else"}]
        self._bedrock.tag_resource(resourceARN=arns["retagged"], tags=changed)
        self.expected.add(("tag-drift", arns["retagged"]))
        self._bedrock.untag_resource(resourceARN=arns["untagged"], tagKeys=["env"])
        self.expected |= {("tag-drift", arns["untagged"]), ("missing-required-tag", arns["untagged"])}
        noted = [{"key": "note", "value": "by somebody"}]
        self._bedrock.tag_resource(resourceARN=arns["noted"], tags=noted)

        right = self.owned(stack.id, "Right")
        other = self.owned(stack.id, "Never")
        self.make("impostor", {**RIGHT, **right}, "orphaned-not-in-stack")
        self.make("of no resource", {**RIGHT, **other}, "orphaned-not-in-stack")
        for name, until, found in (
            ("draining", rfc3339(2), ()),
            ("drained", rfc3339(-2), ("drain-expired",)),
            ("draining for ever", "soon", ("drain-expired",)),
        ):
            drains = self.owned(stack.id, "Right", drain_until=until)
            self.make(name, {**RIGHT, **drains}, *found)

        leaving = Stack(self.cloud, "leaving")
        created = leaving.create({"Resources": {"Chat": self.declared("retained", retain=True)}})
        assert created == "CREATE_COMPLETE", leaving.failures()
        self.expected.add(("orphaned-stack-deleted", leaving.physical_id("Chat")))
        self.count += 1
        assert leaving.delete() == "DELETE_COMPLETE", leaving.failures()

    def parameters(self) -> None:
        """`parameter-dangling`."""
        gone = self.make("deleted", FOREIGN)
        self._bedrock.delete_inference_profile(inferenceProfileIdentifier=gone)
        self.count -= 1
        there = self.make("read by hand", FOREIGN)
        self.publish(f"{PREFIX}/dangling", gone, "parameter-dangling")
        self.publish(f"{PREFIX}/deeper/dangling", gone, "parameter-dangling")
        self.publish("/elsewhere/dangling", gone)
        self.publish(f"{PREFIX}/there", there)
        self.publish(f"{PREFIX}/other", "not an ARN")
        self.publish(f"{PREFIX}/other-account", gone.replace(self.cloud.account, "999999999999"))
        self.publish(f"{PREFIX}/other-region", gone.replace(self.cloud.region, "eu-west-1"))

    def silences(self) -> None:
        """Findings that a tag silences are counted, and no more."""
        ignore = f"{OURS}ignore"
        self.make("silent", {**RIGHT, ignore: "unmanaged"})
        self.make("silent old", {**FOREIGN, ignore: "unmanaged idle"}, age=50)
        self.make("silent in all", {ignore: "all"}, age=50)
        self.make("silent in another", {**RIGHT, ignore: "idle"}, "unmanaged")
        self.silenced.update(["unmanaged", "idle", "untagged", "missing-required-tag", "unmanaged", "idle"])

    def account(self) -> None:
        """`quota-near`, `cost-tag-inactive`."""
        self.cloud.control("PUT", "cost-tags", {"owner": True, "env": False, "managed-by": False})
        self.expected.add(("cost-tag-inactive", "env"))
        self.cloud.control("PUT", "switches", {"quota": self.count * 5 // 4})
        quota = f"arn:aws:servicequotas:{self.cloud.region}:{self.cloud.account}:bedrock/L-40EC9882"
        self.expected.add(("quota-near", quota))
