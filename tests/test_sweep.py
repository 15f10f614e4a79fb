"""The sweep as it ships, deployed, invoked through Lambda, on an account of its own."""

from __future__ import annotations

import datetime
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jsonschema
import pytest

from between import Between
from local_cloud import ROOT, STACK, SWEEP_FUNCTION, SWEEP_LOG_GROUP, FunctionError, LocalCloud
from seeded import FOREIGN, LITE, Finding, Seeded, rfc3339
from stacks import PREFIX, Account, Stack

EVENTS = ROOT / "events" / "sweep"
SCHEMA = ROOT / "docs" / "report.schema.json"
SOURCE = "inference-profile-manager"
PRO = "amazon.nova-pro-v1:0"


def outputs(cloud: LocalCloud) -> dict[str, str]:
    """What the deployment says of itself."""
    described = cloud.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    return {each["OutputKey"]: each["OutputValue"] for each in described}


def found(result: dict[str, Any], part: str = "findings") -> set[Finding]:
    """The findings by rule and ARN."""
    return {(each["rule"], each["resource"]["arn"]) for each in result[part]}


def outcomes(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    """What came of each action, by its kind and the profile's name."""
    return {(each["action"], each["name"]): each["outcome"] for each in result["actions"]}


# -- how it is deployed ------------------------------------------------------------------------------


class TestDeployment:
    """What `sam deploy` made."""

    def test_a_schedule_starts_it(self, swept: LocalCloud, swept_token: str) -> None:
        schedule = swept.client("scheduler").get_schedule(Name=SWEEP_FUNCTION)
        function = swept.client("lambda").get_function_configuration(FunctionName=SWEEP_FUNCTION)
        assert schedule["ScheduleExpression"] == "rate(1 day)"
        assert schedule.get("State", "ENABLED") == "ENABLED"
        assert schedule["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
        target = schedule["Target"]
        assert target["Arn"] == function["FunctionArn"]
        assert target["Input"] == "{}"
        assert target["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600}
        sqs = swept.client("sqs")
        queue = sqs.get_queue_attributes(
            QueueUrl=outputs(swept)["SweepDeadLetters"], AttributeNames=["QueueArn"]
        )
        assert target["DeadLetterConfig"]["Arn"] == queue["Attributes"]["QueueArn"]
        role = swept.client("iam").get_role(RoleName=target["RoleArn"].rsplit("/", 1)[1])["Role"]
        assert "scheduler.amazonaws.com" in json.dumps(role["AssumeRolePolicyDocument"])

    def test_its_settings(self, swept: LocalCloud, swept_token: str) -> None:
        functions = swept.client("lambda")
        function = functions.get_function_configuration(FunctionName=SWEEP_FUNCTION)
        variables, said = function["Environment"]["Variables"], outputs(swept)
        assert variables["REPORT_BUCKET"] == said["ReportBucket"]
        assert variables["DIGEST_TOPIC"] == said["DigestTopic"]
        assert variables["REGIONS"] == ""
        assert variables["RETIRE_DRAINED"] == "true"
        assert {variables["REPUBLISH_PARAMETERS"], variables["DELETE_ORPHANS"]} == {"false"}
        assert function["LoggingConfig"]["LogGroup"] == SWEEP_LOG_GROUP
        asynchronous = functions.get_function_event_invoke_config(
            FunctionName=SWEEP_FUNCTION, Qualifier="$LATEST"
        )
        assert asynchronous["DestinationConfig"]["OnFailure"]["Destination"].split(":")[2] == "sqs"

    def test_the_bucket_is_private_and_encrypted(self, swept: LocalCloud, swept_token: str) -> None:
        s3, bucket = swept.client("s3"), outputs(swept)["ReportBucket"]
        public = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        assert set(public.values()) == {True}
        encryption = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        assert encryption[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"

    def test_old_reports_are_forgotten_and_the_newest_is_not(
        self, swept: LocalCloud, swept_token: str
    ) -> None:
        # The stand-in keeps no life cycle, so it is read in the template as it was deployed.
        template = swept.client("cloudformation").get_template(StackName=STACK)["TemplateBody"]
        rules = template["Resources"]["ReportBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
        forgotten = {each["Prefix"]: each["ExpirationInDays"] for each in rules if "ExpirationInDays" in each}
        assert forgotten == {"history/": {"Ref": "ReportRetentionDays"}}
        assert any("AbortIncompleteMultipartUpload" in each for each in rules)


# -- what it delivers --------------------------------------------------------------------------------


@dataclass
class Chapter:
    """One sweep, and all that came of it."""

    result: dict[str, Any]
    report: dict[str, Any]
    page: str
    mails: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)

    def statuses(self) -> Counter[tuple[str, str]]:
        """How findings stand, by the events about them."""
        details = [
            each["detail"] for each in self.events if each["detail-type"] == "Inference Profile Finding"
        ]
        return Counter((each["rule"], each["status"]) for each in details)


class Listener:
    """Everybody who is told: a subscriber of the topic, a rule on the bus, the log."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.sqs = cloud.client("sqs")
        self.mails, self.events = self.queue("mails"), self.queue("events")
        cloud.client("sns").subscribe(
            TopicArn=outputs(cloud)["DigestTopic"], Protocol="sqs", Endpoint=self.arn(self.mails)
        )
        bus = cloud.client("events")
        bus.put_rule(Name="heard", EventPattern=json.dumps({"source": [SOURCE]}))
        bus.put_targets(Rule="heard", Targets=[{"Id": "queue", "Arn": self.arn(self.events)}])

    def queue(self, name: str) -> str:
        return str(self.sqs.create_queue(QueueName=name)["QueueUrl"])

    def arn(self, queue: str) -> str:
        attributes = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        return str(attributes["Attributes"]["QueueArn"])

    def received(self, queue: str) -> list[dict[str, Any]]:
        """What came, until nothing comes any more."""
        bodies: list[dict[str, Any]] = []
        while True:
            answer = self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
            if not (messages := answer.get("Messages", [])):
                return bodies
            for message in messages:
                bodies.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    def chapter(self, payload: Any = None) -> Chapter:
        """Sweeps, and listens."""
        before = len(self.cloud.function_log(SWEEP_LOG_GROUP))
        result = self.cloud.sweep(payload)
        s3, bucket = self.cloud.client("s3"), outputs(self.cloud)["ReportBucket"]
        report = s3.get_object(Bucket=bucket, Key="report.json")["Body"].read()
        page = s3.get_object(Bucket=bucket, Key="report.html")["Body"].read().decode()
        lines = self.cloud.function_log(SWEEP_LOG_GROUP)[before:]
        return Chapter(
            result,
            json.loads(report),
            page,
            self.received(self.mails),
            self.received(self.events),
            [json.loads(line) for line in lines if line.startswith("{")],
        )


@pytest.fixture(scope="module")
def listener(swept: LocalCloud, between: Between) -> Listener:
    """Everybody who is told."""
    return Listener(swept)


@pytest.fixture(scope="module")
def story(swept: LocalCloud, listener: Listener) -> Iterator[list[Chapter]]:
    """A profile without tags is swept twice; then somebody tags it, and it is swept again."""
    bedrock = swept.client("bedrock")
    source = f"arn:aws:bedrock:us-east-1::foundation-model/{LITE}"
    made = bedrock.create_inference_profile(
        inferenceProfileName="experiment 1",
        modelSource={"copyFrom": source},
    )
    arn = made["inferenceProfileArn"]
    swept.control("PUT", "cost-tags", dict.fromkeys(FOREIGN, True))
    chapters = [
        listener.chapter({}),
        listener.chapter(json.loads((EVENTS / "scheduled-event.json").read_text())),
    ]
    tags = [{"key": key, "value": value} for key, value in FOREIGN.items()]
    bedrock.tag_resource(resourceARN=arn, tags=tags)
    chapters.append(listener.chapter())
    yield chapters
    bedrock.delete_inference_profile(inferenceProfileIdentifier=arn)


UNTAGGED = ("untagged", "missing-required-tag", "unmanaged")


class TestDelivery:
    """What people and programs get."""

    def test_the_result(self, story: list[Chapter]) -> None:
        first, second, third = (each.result for each in story)
        assert {each["rule"] for each in first["findings"]} == set(UNTAGGED)
        assert first["account"] == "111122223333"
        assert first["region"] == "us-east-1"
        assert first["profiles"] == 1
        assert first["complete"] is True
        assert first["dryRun"] is False
        assert {rule: count for rule, count in first["counts"].items() if count} == dict.fromkeys(UNTAGGED, 1)
        assert len(first["counts"]) == 19
        assert first["changes"]["since"] is None
        assert found(first["changes"], "appeared") == found(first)
        assert second["changes"]["since"] == first["startedAt"]
        assert second["changes"]["appeared"] == second["changes"]["gone"] == []
        assert third["findings"] == []
        assert found(third["changes"], "gone") == found(first)
        for result in (first, second, third):
            assert datetime.datetime.fromisoformat(result["finishedAt"][:19] + "+00:00")
            for finding in result["findings"]:
                assert finding["problem"]
                assert "aws bedrock" in finding["remedy"]

    def test_the_report_is_kept_and_says_the_same(self, swept: LocalCloud, story: list[Chapter]) -> None:
        bucket = outputs(swept)["ReportBucket"]
        for chapter in story:
            shared = chapter.result.keys() & chapter.report.keys() - {"regions"}
            assert len(shared) > 10
            assert {key: chapter.report[key] for key in shared} == {
                key: chapter.result[key] for key in shared
            }
            assert chapter.result["reportPlace"] == f"s3://{bucket}/report.html"
            rows = chapter.report["regions"][0]["inventory"]
            assert [row["name"] for row in rows] == ["experiment 1"]
            assert "experiment 1" in chapter.page
        kept = swept.client("s3").list_objects_v2(Bucket=bucket, Prefix="history/")["Contents"]
        endings = Counter(each["Key"].rsplit(".", 1)[1] for each in kept)
        assert endings["json"] == endings["html"] >= 1

    def test_report_and_result_are_as_the_schema_says(self, story: list[Chapter]) -> None:
        schema = json.loads(SCHEMA.read_text())
        validator = jsonschema.validators.validator_for(schema)
        validator.check_schema(schema)
        for chapter in story:
            validator(schema).validate(chapter.report)
            validator(schema).validate(chapter.result)
        with pytest.raises(jsonschema.ValidationError):
            validator(schema).validate({**story[0].report, "findings": [{"rule": "no-such-rule"}]})

    def test_a_digest_is_sent_when_something_changed(self, story: list[Chapter]) -> None:
        assert [len(chapter.mails) for chapter in story] == [1, 0, 1]
        appeared, gone = story[0].mails[0], story[2].mails[0]
        assert "3 new findings" in appeared["Subject"]
        assert len(appeared["Subject"]) < 100
        for word in ("experiment 1", *UNTAGGED, story[0].result["reportPlace"]):
            assert word in appeared["Message"]
        assert "3 gone" in gone["Subject"]
        assert "untagged" in gone["Message"]

    def test_events_tell_of_each_finding_and_of_the_sweep(self, story: list[Chapter]) -> None:
        for chapter, status in zip(story, ("new", "open", "resolved"), strict=True):
            assert chapter.statuses() == Counter((rule, status) for rule in UNTAGGED)
            (whole,) = [each for each in chapter.events if each["detail-type"] == "Inference Profile Sweep"]
            assert whole["detail"]["findings"] == len(chapter.result["findings"])
            assert whole["detail"]["complete"] is True
            for event in chapter.events:
                assert event["source"] == SOURCE
                assert event["detail"]["account"] == "111122223333"

    def test_each_finding_is_a_line_of_the_log(self, story: list[Chapter]) -> None:
        for chapter, status in zip(story, ("new", "open", "resolved"), strict=True):
            lines = [line for line in chapter.log if line.get("message") == "finding"]
            assert {line["rule"] for line in lines} == set(UNTAGGED)
            assert {line["status"] for line in lines} == {status}
            assert all(line["resource_name"] == "experiment 1" for line in lines)

    def test_metrics_are_in_the_embedded_format(self, story: list[Chapter]) -> None:
        for chapter in story:
            values: dict[tuple[tuple[str, str], ...], dict[str, float]] = {}
            for line in chapter.log:
                for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
                    assert directive["Namespace"] == "InferenceProfileManager"
                    assert abs(line["_aws"]["Timestamp"] / 1000 - time.time()) < 600
                    for dimensions in directive["Dimensions"]:
                        by = tuple((name, line[name]) for name in dimensions)
                        values[by] = {each["Name"]: line[each["Name"]] for each in directive["Metrics"]}
            region = ("Region", "us-east-1")
            for rule, count in chapter.result["counts"].items():
                assert values[region, ("Rule", rule)] == {"Findings": count}
            high = sum(each["severity"] == "high" for each in chapter.result["findings"])
            assert values[region, ("Severity", "high")] == {"Findings": high}
            account = values[(("Account", "111122223333"),)]
            assert account["Findings"] == len(chapter.result["findings"])
            assert account["Profiles"] == account["Complete"] == 1


class TestPayload:
    """What an invocation by hand may ask for."""

    def test_some_rules_alone_are_judged_and_nothing_is_delivered(
        self, story: list[Chapter], listener: Listener
    ) -> None:
        chapter = listener.chapter({"rules": ["untagged", "idle"]})
        assert chapter.result["counts"] == {"untagged": 0, "idle": 0}
        assert "reportPlace" not in chapter.result
        assert chapter.report == story[-1].report
        assert chapter.mails == chapter.events == []

    @pytest.mark.parametrize(
        ("payload", "named"),
        [
            ({"dryrun": True}, ["dryrun", "dryRun"]),
            ({"rules": ["untaged"]}, ["untaged", "untagged"]),
            ({"idleDays": 0, "regions": ["virginia"]}, ["idleDays", "455", "virginia", "us-east-1"]),
            (["untagged"], ["object"]),
        ],
        ids=["a setting", "a rule", "values", "no object"],
    )
    def test_what_is_wrong_with_it_is_told(
        self, swept: LocalCloud, between: Between, payload: Any, named: list[str]
    ) -> None:
        with pytest.raises(FunctionError) as failed:
            swept.sweep(payload)
        for word in named:
            assert word in str(failed.value)


def test_what_it_errs_on_is_kept_in_the_queue_of_dead_letters(swept: LocalCloud, between: Between) -> None:
    wrong = {"dryrun": True}
    swept.client("lambda").invoke(
        FunctionName=SWEEP_FUNCTION, InvocationType="Event", Payload=json.dumps(wrong).encode()
    )
    sqs, queue = swept.client("sqs"), outputs(swept)["SweepDeadLetters"]
    # After its second try.
    kept = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20).get("Messages", [])
    assert [json.loads(each["Body"])["requestPayload"] for each in kept] == [wrong]


# -- what it does ------------------------------------------------------------------------------------


@pytest.fixture
def swept_account(swept: LocalCloud, between: Between) -> Account:
    """What is there."""
    return Account(swept)


@pytest.fixture
def declared(swept: LocalCloud, swept_token: str, between: Between) -> Callable[..., dict[str, Any]]:
    """Makes a template with one profile."""
    return Seeded(swept, between, swept_token).declared


@pytest.fixture
def owned(swept: LocalCloud, name: str, swept_account: Account) -> Iterator[Stack]:
    """A stack that is not created yet; in the end, nothing of it may be left."""
    stack = Stack(swept, name)
    yield stack
    if stack.status != "DELETE_COMPLETE":
        assert stack.delete() == "DELETE_COMPLETE", stack.failures()
    assert swept_account.owned_by(stack.id) == ([], [])


def created(stack: Stack, **resources: dict[str, Any]) -> str:
    """Creates the stack, and gives the ARN of its chat profile."""
    assert stack.create({"Resources": resources}) == "CREATE_COMPLETE", stack.failures()
    return stack.physical_id("Chat")


class TestActions:
    """What the sweep does about what it finds."""

    def test_a_drained_profile_is_retired(
        self, swept: LocalCloud, swept_account: Account, owned: Stack, name: str, declared: Any
    ) -> None:
        old = created(owned, Chat=declared(name, DrainPeriod="1s"))
        replaced = declared(name, DrainPeriod="1s", ModelSource={"CopyFrom": PRO})
        assert owned.update({"Resources": {"Chat": replaced}}) == "UPDATE_COMPLETE", owned.failures()
        new = owned.physical_id("Chat")
        time.sleep(1.2)

        told = swept.sweep({"dryRun": True})
        assert outcomes(told) == {("retire", name): "would-be-done"}
        assert ("drain-expired", old) in found(told)
        kept = swept.sweep({"retireDrained": False})
        assert outcomes(kept) == {}
        assert swept_account.profile(old) is not None
        assert outcomes(swept.sweep()) == {("retire", name): "done"}
        assert swept_account.profile(old) is None
        assert swept_account.parameter(f"{PREFIX}/{name}") == new
        assert outcomes(swept.sweep()) == {}

    @pytest.mark.parametrize("missing", [False, True], ids=["drifted", "missing"])
    def test_a_parameter_is_published_again_on_demand(
        self, swept: LocalCloud, swept_account: Account, owned: Stack, name: str, declared: Any, missing: bool
    ) -> None:
        arn, parameter, ssm = created(owned, Chat=declared(name)), f"{PREFIX}/{name}", swept.client("ssm")
        before = swept_account.parameter_tags(parameter)
        if missing:
            ssm.delete_parameter(Name=parameter)
        else:
            ssm.put_parameter(Name=parameter, Value="x", Overwrite=True)
        assert outcomes(swept.sweep()) == {}
        asked = {"republishParameters": True}
        assert outcomes(swept.sweep({**asked, "dryRun": True})) == {("republish", name): "would-be-done"}
        assert swept_account.parameter(parameter) == (None if missing else "x")
        assert outcomes(swept.sweep(asked)) == {("republish", name): "done"}
        assert swept_account.parameter(parameter) == arn
        assert swept_account.parameter_tags(parameter) == before
        assert outcomes(swept.sweep(asked)) == {}

    def test_an_orphan_is_deleted_on_demand_when_it_is_old_and_unused(
        self,
        swept: LocalCloud,
        swept_account: Account,
        between: Between,
        owned: Stack,
        name: str,
        declared: Any,
    ) -> None:
        arn = created(owned, Chat=declared(name, retain=True))
        assert owned.delete() == "DELETE_COMPLETE", owned.failures()
        asked = {"deleteOrphans": True}
        young = swept.sweep(asked)
        assert ("orphaned-stack-deleted", arn) in found(young)
        assert outcomes(young) == {}
        between.made_at[arn] = rfc3339(-40)
        assert outcomes(swept.sweep()) == {}
        with between.denying("DescribeStacks"):
            assert outcomes(swept.sweep(asked)) == {}, "nothing is done on half of the knowledge"
        assert outcomes(swept.sweep({**asked, "dryRun": True})) == {("delete-orphan", name): "would-be-done"}
        assert swept_account.parameter(f"{PREFIX}/{name}") == arn
        assert outcomes(swept.sweep(asked)) == {("delete-orphan", name): "done"}
        assert swept_account.profile(arn) is None
        assert swept_account.parameter(f"{PREFIX}/{name}") is None

    def test_an_orphan_in_use_stays(
        self,
        swept: LocalCloud,
        swept_token: str,
        swept_account: Account,
        between: Between,
        owned: Stack,
        name: str,
        declared: Any,
    ) -> None:
        arn = created(owned, Chat=declared(name, retain=True))
        assert owned.delete() == "DELETE_COMPLETE", owned.failures()
        between.made_at[arn] = rfc3339(-40)
        Seeded(swept, between, swept_token).invoke(arn.rsplit("/", 1)[1], days_ago=5)
        result = swept.sweep({"deleteOrphans": True})
        assert ("orphaned-stack-deleted", arn) in found(result)
        assert outcomes(result) == {}
        # Five days without a call are enough here.
        assert outcomes(swept.sweep({"deleteOrphans": True, "orphanIdle": "4d"})) == {
            ("delete-orphan", name): "done"
        }


class TestLaggingTags:
    """The index of tags tells what was true some time ago."""

    @pytest.fixture
    def lag(self, swept: LocalCloud, between: Between) -> Iterator[float]:
        """How many seconds it lags."""
        seconds = 1.5
        swept.control("PUT", "switches", {"lag_tagging_api_ms": int(seconds * 1000)})
        yield seconds
        swept.control("PUT", "switches", {"lag_tagging_api_ms": 0})

    def test_a_tag_that_came_since_is_not_missed(self, swept: LocalCloud, lag: float, name: str) -> None:
        bedrock = swept.client("bedrock")
        source = {"copyFrom": f"arn:aws:bedrock:us-east-1::foundation-model/{LITE}"}
        # The index will know it with one tag, then with all of them.
        made = bedrock.create_inference_profile(
            inferenceProfileName=name, modelSource=source, tags=[{"key": "note", "value": "new"}]
        )
        arn = made["inferenceProfileArn"]
        time.sleep(lag + 0.1)
        tags = [{"key": key, "value": value} for key, value in FOREIGN.items()]
        bedrock.tag_resource(resourceARN=arn, tags=tags)
        try:
            assert found(swept.sweep({"rules": list(UNTAGGED)})) == set()
        finally:
            bedrock.delete_inference_profile(inferenceProfileIdentifier=arn)


# -- what it finds -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(seeded: Seeded) -> dict[str, Any]:
    """The sweep of the whole account."""
    result: dict[str, Any] = seeded.cloud.sweep({"dryRun": True})
    return result


class TestSeededAccount:
    """An account with something to find for every rule: all of it is found, and nothing else.

    Nothing is done about it: the account has to stay as it is.
    """

    def test_precision_and_recall_are_one(self, seeded: Seeded, whole: dict[str, Any]) -> None:
        assert whole["complete"], whole["regions"]
        assert whole["profiles"] == seeded.count > 100
        assert found(whole) - seeded.expected == set(), "found, and not there"
        assert seeded.expected - found(whole) == set(), "there, and not found"
        assert len(whole["findings"]) == len(seeded.expected), "nothing is told twice"

    def test_every_rule_has_something_to_find_and_something_to_leave_alone(
        self, seeded: Seeded, whole: dict[str, Any]
    ) -> None:
        counts = Counter(rule for rule, _ in seeded.expected)
        assert counts.keys() == whole["counts"].keys()
        assert max(counts.values()) < seeded.count / 2

    def test_silenced_findings_are_counted(self, seeded: Seeded, whole: dict[str, Any]) -> None:
        assert whole["silenced"] == seeded.silenced

    def test_lagging_tags_change_nothing(self, seeded: Seeded, whole: dict[str, Any]) -> None:
        seeded.cloud.control("PUT", "switches", {"lag_tagging_api_ms": 3_600_000})
        try:
            result = seeded.cloud.sweep({"dryRun": True})
        finally:
            seeded.cloud.control("PUT", "switches", {"lag_tagging_api_ms": 0})
        assert found(result) == seeded.expected
        assert result["changes"]["gone"] == result["changes"]["appeared"] == []

    def test_a_lagging_list_makes_no_parameter_dangle(self, seeded: Seeded, whole: dict[str, Any]) -> None:
        seeded.cloud.control("PUT", "switches", {"lag_list_ms": 3_600_000})
        try:
            result = seeded.cloud.sweep({"rules": ["parameter-dangling"]})
        finally:
            seeded.cloud.control("PUT", "switches", {"lag_list_ms": 0})
        assert found(result) == {each for each in seeded.expected if each[0] == "parameter-dangling"}

    @pytest.mark.parametrize(
        ("operation", "sources"),
        [
            ("ListInferenceProfiles:APPLICATION", {"profiles"}),
            ("ListInferenceProfiles:SYSTEM_DEFINED", {"system-profiles"}),
            ("GetResources", {"tags"}),
            ("ListTagsForResource", {"tags"}),
            ("ListFoundationModels", {"models"}),
            ("DescribeParameters", {"parameters"}),
            ("GetParameters", {"parameters"}),
            ("DescribeStacks", {"stacks"}),
            ("ListStackResources", {"stacks"}),
            ("ListMetrics", {"usage"}),
            ("GetMetricData", {"usage"}),
            ("GetServiceQuota", {"quota"}),
            ("ListCostAllocationTags", {"cost-tags"}),
        ],
    )
    def test_what_cannot_be_read_is_named_and_nothing_is_concluded_from_it(
        self,
        seeded: Seeded,
        whole: dict[str, Any],
        operation: str,
        sources: set[str],
    ) -> None:
        before = seeded.cloud.sweep({"dryRun": True})
        assert found(before) == seeded.expected
        with seeded.between.denying(operation):
            result = seeded.cloud.sweep({"dryRun": True, "deleteOrphans": True, "republishParameters": True})
        assert result["complete"] is False
        (region,) = result["regions"]
        assert region["complete"] is False
        assert {each["source"] for each in region["unread"]} == sources
        assert all("not authorized" in each["reason"] for each in region["unread"])
        assert found(result) <= seeded.expected, "nothing looks worse than it is"
        assert found(result) | found(result, "unconfirmed") == seeded.expected, "nothing looks better"
        assert result["changes"]["gone"] == result["changes"]["appeared"] == []
        assert result["unconfirmed"], "something rests on it"
        assert result["actions"] == []

    def test_a_region_that_fails_does_not_hide_another(self, seeded: Seeded, whole: dict[str, Any]) -> None:
        with seeded.between.denying("ListInferenceProfiles:APPLICATION@eu-west-1"):
            result = seeded.cloud.sweep({"dryRun": True, "regions": ["eu-west-1", "us-east-1"]})
        regions = {each["region"]: each for each in result["regions"]}
        assert {name: each["complete"] for name, each in regions.items()} == {
            "eu-west-1": False,
            "us-east-1": True,
        }
        assert {each["source"] for each in regions["eu-west-1"]["unread"]} == {"profiles"}
        here = {
            (each["rule"], each["resource"]["arn"])
            for each in result["findings"]
            if each["region"] == "us-east-1"
        }
        assert here >= {each for each in seeded.expected if each[0] != "cost-tag-inactive"}

    def test_other_thresholds(self, seeded: Seeded, whole: dict[str, Any]) -> None:
        payload = json.loads((EVENTS / "other-thresholds.json").read_text())
        result = seeded.cloud.sweep({**payload, "rules": ["idle", "model-end-of-life", "quota-near"]})
        names = Counter(each["rule"] for each in result["findings"])
        assert names["idle"] > whole["counts"]["idle"]
        assert names["model-end-of-life"] > whole["counts"]["model-end-of-life"]
        assert names["quota-near"] == 1

    def test_a_report_that_cannot_be_kept_is_told_in_the_result(
        self, seeded: Seeded, whole: dict[str, Any]
    ) -> None:
        with seeded.between.denying("PutObject"):
            result = seeded.cloud.sweep({"dryRun": True})
        assert found(result) == seeded.expected
        assert "AccessDenied" in json.dumps(result.get("undelivered"))
