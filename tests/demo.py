"""`make demo`: the life of two inference profiles on a local AWS, and a sweep of what people left there.

Each step checks what it claims; one that does not hold ends the demo with the place of the logs.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local_cloud import (
    ROOT,
    STATE,
    SWEEP_FUNCTION,
    SWEEP_LOG_GROUP,
    CloudError,
    LocalCloud,
    ending_cleanly,
    relative,
    stop_kept,
)
from screen import Screen
from stacks import PREFIX, Account, Stack

QUICKSTART = ROOT / "examples" / "quickstart.yaml"
STACK = "quickstart"
REPORT = STATE / "report.html"

# What every profile has to carry, as the demo deploys it.
REQUIRED_TAGS = "owner"

LITE, LEGACY = "amazon.nova-lite-v1:0", "anthropic.claude-3-haiku-20240307-v1:0"

# A profile that outlives its stack.
PROTOTYPE: dict[str, Any] = {
    "Parameters": {
        "ServiceToken": {
            "Type": "AWS::SSM::Parameter::Value<String>",
            "Default": "/inference-profile-manager/service-token",
        }
    },
    "Resources": {
        "Draft": {
            "Type": "Custom::InferenceProfile",
            "DeletionPolicy": "Retain",
            "Properties": {
                "ServiceToken": {"Ref": "ServiceToken"},
                "InferenceProfileName": "prototype-draft",
                "ModelSource": {"CopyFrom": LITE},
                "Tags": [{"Key": "owner", "Value": "team-c"}],
            },
        }
    },
}


class ExpectationError(Exception):
    """A step did not hold."""


def expect(holds: bool, claim: str) -> None:
    """Ends the demo unless ``claim`` is true."""
    if not holds:
        raise ExpectationError(f"it does not hold that {claim}")


def assignments(values: Mapping[str, str]) -> str:
    """``a=1  b=2``, by key."""
    return "  ".join(f"{key}={value}" for key, value in sorted(values.items()))


def last(arn: str) -> str:
    """The part of a model's ARN that tells it from others: Region and id."""
    parts = arn.split(":", 5)
    return f"{parts[3] or 'any Region'}/{parts[5].split('/', 1)[1]}"


def run(screen: Screen, cloud: LocalCloud) -> None:
    """All steps."""
    life(screen, cloud)
    print()
    screen.headline("The sweep: what is wrong with the profiles of an account")
    stack = neglect(screen, cloud)
    sweep(screen, cloud)
    tidy(screen, cloud, stack)


def life(screen: Screen, cloud: LocalCloud) -> None:
    """The life of two profiles, from the deployment to the end of their stack."""
    account = Account(cloud)
    stack = Stack(cloud, STACK)
    template = QUICKSTART.read_text()

    with screen.step("A local AWS is up") as step:
        cloud.start()
        step.value("MiniStack", f"{cloud.endpoint}  CloudFormation, Lambda, SSM, CloudWatch, …")
        step.value("local-aws", f"{cloud.bedrock_endpoint}  Bedrock and the tagging API")

    with screen.step("`sam deploy` deployed template.yaml: the provider runs") as step:
        token = cloud.deploy(RequiredTags=REQUIRED_TAGS)
        step.value("ServiceToken", token)
        step.value("every profile needs", REQUIRED_TAGS)

    with screen.step("examples/quickstart.yaml is deployed: two profiles exist") as step:
        status = stack.create(template, tags={"environment": "demo"})
        expect(status == "CREATE_COMPLETE", f"the stack is created ({status}: {stack.failures()})")
        outputs = stack.outputs()
        profiles = account.profiles(f"{STACK}-")
        chat, search = outputs["ChatProfile"], outputs["SearchProfile"]
        expect([each.arn for each in profiles] == [chat, search], "Bedrock has these two profiles")
        for profile in profiles:
            step.value(profile.name, profile.arn)
            step.value("", "routes to " + ", ".join(map(last, profile.models)))

    with screen.step("Their ARNs are published: applications read a stable name") as step:
        for name, arn in ((outputs["ChatParameter"], chat), (outputs["SearchParameter"], search)):
            value = account.parameter(name)
            expect(value == arn, f"{name} holds the profile's ARN ({value})")
            step.value(name, arn)

    with screen.step("They carry the declared tags, and the stack's own beneath them") as step:
        for profile in profiles:
            expect(profile.tags.get("owner") == "team-a", f"{profile.name} has its owner")
            expect(profile.tags.get("environment") == "demo", f"{profile.name} has the stack's tag")
        step.tags(profiles)

    with screen.step("Owner=team-b: the tags change in place, the profiles stay") as step:
        status = stack.update(template, parameters={"Owner": "team-b"})
        expect(status == "UPDATE_COMPLETE", f"the stack is updated ({status}: {stack.failures()})")
        profiles = account.profiles(f"{STACK}-")
        expect([each.arn for each in profiles] == [chat, search], "both profiles are the same as before")
        expect(all(each.tags["owner"] == "team-b" for each in profiles), "both have the new owner")
        step.tags(profiles)
        step.value("Ref", "the same two ARNs")

    with screen.step("ChatModel=us.amazon.nova-pro-v1:0: a new profile, and the parameter follows") as step:
        good = {"Owner": "team-b", "ChatModel": "us.amazon.nova-pro-v1:0"}
        status = stack.update(template, parameters=good)
        expect(status == "UPDATE_COMPLETE", f"the stack is updated ({status}: {stack.failures()})")
        replaced, chat = chat, stack.physical_id("Chat")
        expect(chat != replaced, "Bedrock has no update operation, so the profile is another one")
        now = account.profile(chat)
        expect(now is not None and all("nova-pro" in model for model in now.models), "it routes to Nova Pro")
        value = account.parameter(outputs["ChatParameter"])
        expect(value == chat, f"{outputs['ChatParameter']} holds the new ARN ({value})")
        expect(account.profile(replaced) is None, "the replaced profile is gone")
        expect(stack.physical_id("Search") == search, "the other profile is the same as before")
        step.value("before", f"{replaced}  (gone)")
        step.value("now", chat)
        step.value(outputs["ChatParameter"], chat)

    with screen.step("A bad update fails with advice, and everything is as it was") as step:
        before = (account.profiles(f"{STACK}-"), account.parameters())
        bad = {
            "Owner": "team-c",
            "ChatModel": "us.amazon.nova-micro-v1:0",
            "SearchModel": "amazon.nova-mikro-v1",
        }
        status = stack.update(template, parameters=bad)
        expect(status == "UPDATE_ROLLBACK_COMPLETE", f"the stack is rolled back ({status})")
        step.value("declared", assignments(bad))
        step.text("Search", stack.failures()["Search"])
        after = (account.profiles(f"{STACK}-"), account.parameters())
        expect(before == after, f"profiles, tags and parameters are those before ({before} / {after})")
        expect(stack.physical_id("Chat") == chat, "Chat is the profile it was")
        step.value("rolled back", "profiles, tags, parameters and Refs equal those before the update")

    with screen.step("The stack is deleted: nothing is left") as step:
        status = stack.delete()
        expect(status == "DELETE_COMPLETE", f"the stack is deleted ({status}: {stack.failures()})")
        left = account.profiles()
        expect(not left, f"no profile is left ({left})")
        expect(not account.parameters(), f"no parameter is left ({account.parameters()})")
        step.value("profiles", "none")
        step.value("parameters", "none")


def neglect(screen: Screen, cloud: LocalCloud) -> Stack:
    """What people do beside the stacks; gives the stack that stays."""
    account, stack, prototype = Account(cloud), Stack(cloud, STACK), Stack(cloud, "prototype")

    with screen.step("The stack is deployed again, and so is a prototype, whose stack then goes") as step:
        with ThreadPoolExecutor() as together:
            statuses = [
                together.submit(stack.create, QUICKSTART.read_text()),
                together.submit(prototype.create, PROTOTYPE),
            ]
        for each in statuses:
            expect(each.result() == "CREATE_COMPLETE", f"both stacks are created ({each.result()})")
        draft = account.profile(prototype.physical_id("Draft"))
        status = prototype.delete()
        expect(status == "DELETE_COMPLETE", f"the prototype's stack is deleted ({status})")
        expect(draft in account.profiles(), "its profile is retained")
        for profile in account.profiles():
            step.value(profile.name, profile.arn)

    with screen.step("Meanwhile people use the AWS CLI, as from a notebook") as step:
        chat = account.profile(stack.physical_id("Chat"))
        expect(chat is not None, "the stack has its chat profile")
        commands = {
            "no tags": made_by_hand("experiment", LITE),
            "half of the tags": made_by_hand("churn study", LITE, "project=churn"),
            "a legacy model": made_by_hand("summaries", LEGACY, "owner=team-d"),
            "a parameter overwritten": (
                "ssm put-parameter --overwrite --type String",
                f"--name {PREFIX}/{STACK}-search --value {LITE}",
            ),
            "a model called directly": invoked(LITE, 42),
            "a profile called": invoked(chat.id if chat else "", 7),
        }
        with ThreadPoolExecutor(len(commands)) as together:
            # Each takes a second, of which most is the start of the AWS CLI.
            list(together.map(lambda command: cloud.aws(*shlex.split(" ".join(command))), commands.values()))
        for what, (begin, end) in commands.items():
            step.value(what, f"aws {begin} \\")
            step.value("", f"    {end}")
        names = {profile.name for profile in account.profiles()}
        expect({"experiment", "churn study", "summaries"} <= names, f"the three profiles are there ({names})")
        value = account.parameter(f"{PREFIX}/{STACK}-search")
        expect(value == LITE, f"the parameter holds something else ({value})")
    return stack


def made_by_hand(name: str, model: str, *tags: str) -> tuple[str, str]:
    """The command that makes a profile, in two lines."""
    source = f"arn:aws:bedrock:us-east-1::foundation-model/{model}"
    pairs = [tag.split("=") for tag in tags]
    tagged = "".join(f" --tags key={key},value={value}" for key, value in pairs)
    return (
        f"bedrock create-inference-profile --inference-profile-name '{name}'{tagged}",
        f"--model-source copyFrom={source}",
    )


def invoked(model_id: str, times: int) -> tuple[str, str]:
    """The command that counts invocations as Bedrock itself does, in two lines."""
    return (
        "cloudwatch put-metric-data --namespace AWS/Bedrock --metric-name Invocations",
        f"--dimensions ModelId={model_id} --value {times} --unit Count",
    )


# What the sweep is to find there, and nothing else.
FINDINGS = {
    ("parameter-drift", "quickstart-search"),
    ("untagged", "experiment"),
    ("missing-required-tag", "experiment"),
    ("missing-required-tag", "churn study"),
    ("orphaned-stack-deleted", "prototype-draft"),
    ("unattributed-usage", LITE),
    ("cost-tag-inactive", "owner"),
    ("model-legacy", "summaries"),
    ("unmanaged", "experiment"),
    ("unmanaged", "churn study"),
    ("unmanaged", "summaries"),
}


def sweep(screen: Screen, cloud: LocalCloud) -> None:
    """The deployed sweep, invoked by hand."""
    with screen.step("The sweep finds what is wrong, and says what") as step:
        result = cloud.sweep()
        findings = result["findings"]
        found = {(each["rule"], each["resource"]["name"]) for each in findings}
        expect(found == FINDINGS, f"these are the findings (too many or too few: {sorted(found ^ FINDINGS)})")
        expect(len(findings) == len(FINDINGS), "each is told once")
        expect(result["complete"], f"everything could be read ({result['regions']})")
        expect(not result["actions"], f"nothing was done about it ({result['actions']})")
        step.value("aws lambda invoke", f"--function-name {SWEEP_FUNCTION} result.json")
        step.value("profiles", str(result["profiles"]))
        step.value("findings", f"{len(findings)}, the gravest first")
        step.findings(findings)

    with screen.step(
        "Each finding comes with what to do; the report is kept for people and for programs"
    ) as step:
        drift = next(each for each in findings if each["rule"] == "parameter-drift")
        step.text("for instance", f"{drift['resource']['name']}: {drift['remedy']}.")
        place = result["reportPlace"]
        bucket, _, key = place.removeprefix("s3://").partition("/")
        s3 = cloud.client("s3")
        page = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        report = json.loads(s3.get_object(Bucket=bucket, Key="report.json")["Body"].read())
        expect(report["findings"] == findings, "report.json has the same findings")
        uses = {each["name"]: each["invocations"] for each in report["regions"][0]["inventory"]}
        expect(uses[f"{STACK}-chat"] == 7, f"it tells of the calls of {STACK}-chat ({uses})")
        for _, name in FINDINGS:
            expect(name in page.decode(), f"the report tells of {name}")
        REPORT.write_bytes(page)
        step.value("kept", place)
        step.value("", place.replace(key, "report.json"))
        step.value(
            "a copy to look at", f"{relative(REPORT)}  ({len(page) / 1024:.0f} KB, open it in a browser)"
        )


def tidy(screen: Screen, cloud: LocalCloud, stack: Stack) -> None:
    """What was made for the sweep goes."""
    account, bedrock = Account(cloud), cloud.client("bedrock")
    with screen.step("The stack and what was made by hand are deleted, and the next sweep says so") as step:
        status = stack.delete()
        expect(status == "DELETE_COMPLETE", f"the stack is deleted ({status}: {stack.failures()})")
        for profile in account.profiles():
            bedrock.delete_inference_profile(inferenceProfileIdentifier=profile.arn)
        for name in account.parameters():
            cloud.client("ssm").delete_parameter(Name=name)
        result = cloud.sweep()
        left = {each["rule"] for each in result["findings"]}
        gone = len(result["changes"]["gone"])
        expect(result["profiles"] == 0, f"no profile is left ({result['profiles']})")
        expect(
            left == {"unattributed-usage"}, f"only the direct calls, which have been made, are left ({left})"
        )
        expect(gone == len(FINDINGS) - 1, f"all other findings are gone ({gone})")
        step.value("profiles", "none")
        step.value("findings", f"{gone} are gone, 1 is left for two weeks: the direct calls of {LITE}")


def explain_kept(screen: Screen, cloud: LocalCloud) -> None:
    """How to talk to what stays up."""
    print()
    screen.headline("The local AWS stays up, with the functions deployed. To talk to it with the AWS CLI:")
    print()
    for key, value in cloud.settings().items():
        print(f"  export {key}={value}")
    aws = relative(ROOT / ".venv/bin/aws")
    print()
    for command in (
        "cloudformation deploy --stack-name mine --template-file examples/quickstart.yaml",
        "bedrock list-inference-profiles --type-equals APPLICATION",
        "ssm get-parameters-by-path --path /inference-profiles",
        f"lambda invoke --function-name {SWEEP_FUNCTION} /dev/stdout",
        "logs tail /aws/lambda/inference-profile-manager-provider",
        f"logs tail {SWEEP_LOG_GROUP}",
    ):
        print(f"  {aws} {command}")
    print("\n`make stop` ends it.")


def main() -> int:
    """`make demo`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--keep", action="store_true", help="leave the local AWS up")
    parser.add_argument("--stop", action="store_true", help="stop what --keep left up, and do nothing else")
    arguments = parser.parse_args()
    screen = Screen()
    stopped = stop_kept()
    if arguments.stop:
        print("stopped" if stopped else "nothing was up")
        return 0

    cloud = LocalCloud(name="demo")
    logs = f"The logs are in {relative(cloud.logs)}/demo-*.log."
    screen.headline("Inference Profile Manager: the life of two profiles")
    begun = time.monotonic()
    with ending_cleanly():
        try:
            run(screen, cloud)
            if arguments.keep:
                cloud.keep()
        except (ExpectationError, CloudError) as error:
            print(f"\n{screen.paint('The demo failed', '31;1')}: {error}", file=sys.stderr)
            print(logs, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("\nInterrupted; stopping the local AWS.", file=sys.stderr)
            return 130
        except Exception:
            print(f"\n{screen.paint('The demo failed', '31;1')}. {logs}\n", file=sys.stderr)
            raise
        finally:
            cloud.stop()
    print(f"\nAll of it held, in {time.monotonic() - begun:.0f} seconds. {logs}")
    if arguments.keep:
        explain_kept(screen, cloud)
    return 0


if __name__ == "__main__":
    sys.exit(main())
