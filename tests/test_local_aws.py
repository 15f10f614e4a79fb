"""``local-aws`` is Bedrock to whoever talks to it: boto3 and the AWS CLI, with their own validation on."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import CloudError, LocalCloud

NOVA = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"
US_NOVA = "arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.amazon.nova-lite-v1:0"


def codes(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    """An error's code and HTTP status."""
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_the_whole_life_of_a_profile_with_boto3(cloud: LocalCloud, name: str) -> None:
    bedrock, tagging = cloud.client("bedrock"), cloud.client("resourcegroupstaggingapi")
    made = bedrock.create_inference_profile(
        inferenceProfileName=name,
        description="Made by boto3",
        modelSource={"copyFrom": US_NOVA},
        tags=[{"key": "owner", "value": "team-a"}],
    )
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["status"] == "ACTIVE"
    arn = made["inferenceProfileArn"]
    prefix, _, profile_id = arn.rpartition("/")
    assert prefix == "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile"
    assert len(profile_id) == 12

    by_arn = bedrock.get_inference_profile(inferenceProfileIdentifier=arn)
    by_id = bedrock.get_inference_profile(inferenceProfileIdentifier=profile_id)
    del by_arn["ResponseMetadata"], by_id["ResponseMetadata"]
    assert by_arn == by_id
    assert by_arn["inferenceProfileName"] == name
    assert by_arn["description"] == "Made by boto3"
    assert by_arn["inferenceProfileId"] == profile_id
    assert by_arn["type"] == "APPLICATION"
    assert {model["modelArn"] for model in by_arn["models"]} == {
        f"arn:aws:bedrock:{region}::foundation-model/amazon.nova-lite-v1:0"
        for region in ("us-east-1", "us-east-2", "us-west-2")
    }
    assert not {"modelSource", "tags"} & by_arn.keys(), "Bedrock never gives these back"

    listed = bedrock.get_paginator("list_inference_profiles").paginate(typeEquals="APPLICATION")
    assert by_arn in [each for page in listed for each in page["inferenceProfileSummaries"]]

    bedrock.tag_resource(
        resourceARN=arn, tags=[{"key": "owner", "value": "team-b"}, {"key": "x", "value": ""}]
    )
    bedrock.untag_resource(resourceARN=arn, tagKeys=["x", "never-there"])
    assert bedrock.list_tags_for_resource(resourceARN=arn)["tags"] == [{"key": "owner", "value": "team-b"}]

    mapping = {"ResourceARN": arn, "Tags": [{"Key": "owner", "Value": "team-b"}]}
    kind = ["bedrock:application-inference-profile"]
    filters = [{"Key": "owner", "Values": ["team-b"]}]
    found = tagging.get_resources(ResourceTypeFilters=kind, TagFilters=filters)["ResourceTagMappingList"]
    assert found == [mapping]
    assert tagging.get_resources(ResourceARNList=[arn])["ResourceTagMappingList"] == [mapping]

    bedrock.delete_inference_profile(inferenceProfileIdentifier=arn)
    with pytest.raises(ClientError) as gone:
        bedrock.get_inference_profile(inferenceProfileIdentifier=arn)
    assert codes(gone) == ("ResourceNotFoundException", 404)
    assert tagging.get_resources(ResourceARNList=[arn])["ResourceTagMappingList"] == []


def test_the_whole_life_of_a_profile_with_the_aws_cli(cloud: LocalCloud, name: str) -> None:
    aws = cloud.aws
    made = aws(
        "bedrock",
        "create-inference-profile",
        f"--inference-profile-name={name}",
        "--description=Made by the CLI",
        f"--model-source=copyFrom={NOVA}",
        "--tags=key=owner,value=team-a",
    )
    arn = made["inferenceProfileArn"]
    identifier = f"--inference-profile-identifier={arn}"
    shown = aws("bedrock", "get-inference-profile", identifier)
    assert shown["inferenceProfileName"] == name
    assert shown["models"] == [{"modelArn": NOVA}]
    listed = aws("bedrock", "list-inference-profiles", "--type-equals=APPLICATION", "--page-size=1")
    assert shown in listed["inferenceProfileSummaries"]

    aws("bedrock", "tag-resource", f"--resource-arn={arn}", "--tags=key=project,value=search")
    aws("bedrock", "untag-resource", f"--resource-arn={arn}", "--tag-keys=owner")
    tags = aws("bedrock", "list-tags-for-resource", f"--resource-arn={arn}")["tags"]
    assert tags == [{"key": "project", "value": "search"}]
    found = aws("resourcegroupstaggingapi", "get-resources", f"--resource-arn-list={arn}")
    assert found["ResourceTagMappingList"] == [
        {"ResourceARN": arn, "Tags": [{"Key": "project", "Value": "search"}]}
    ]

    aws("bedrock", "delete-inference-profile", identifier)
    with pytest.raises(CloudError, match=r"ResourceNotFoundException.*GetInferenceProfile"):
        aws("bedrock", "get-inference-profile", identifier)


def test_models_and_system_profiles_are_there_with_their_life_cycles(cloud: LocalCloud) -> None:
    bedrock = cloud.client("bedrock")
    nova = bedrock.get_foundation_model(modelIdentifier="amazon.nova-lite-v1:0")["modelDetails"]
    assert nova["modelArn"] == NOVA
    assert nova["modelLifecycle"]["status"] == "ACTIVE"
    assert "ON_DEMAND" in nova["inferenceTypesSupported"]
    assert bedrock.get_foundation_model(modelIdentifier=NOVA)["modelDetails"] == nova

    summaries = bedrock.list_foundation_models()["modelSummaries"]
    legacy = [each for each in summaries if each["modelLifecycle"]["status"] == "LEGACY"]
    assert legacy
    assert all("endOfLifeTime" in each["modelLifecycle"] for each in legacy)
    assert any("ON_DEMAND" not in each["inferenceTypesSupported"] for each in summaries)

    pages = bedrock.get_paginator("list_inference_profiles").paginate(typeEquals="SYSTEM_DEFINED")
    system = {
        each["inferenceProfileId"]: each for page in pages for each in page["inferenceProfileSummaries"]
    }
    assert {each["type"] for each in system.values()} == {"SYSTEM_DEFINED"}
    assert system["us.amazon.nova-lite-v1:0"]["inferenceProfileArn"] == US_NOVA
    everywhere = [model["modelArn"] for model in system["global.amazon.nova-2-lite-v1:0"]["models"]]
    assert "arn:aws:bedrock:::foundation-model/amazon.nova-2-lite-v1:0" in everywhere, "has no Region"


def test_pages_are_as_small_as_asked_for_and_complete(cloud: LocalCloud, name: str) -> None:
    bedrock = cloud.client("bedrock")
    source = {"copyFrom": NOVA}
    made = {
        bedrock.create_inference_profile(inferenceProfileName=f"{name} {n}", modelSource=source)[
            "inferenceProfileArn"
        ]
        for n in range(5)
    }
    pages = list(
        bedrock.get_paginator("list_inference_profiles").paginate(
            typeEquals="APPLICATION", PaginationConfig={"PageSize": 2}
        )
    )
    assert all(len(page["inferenceProfileSummaries"]) <= 2 for page in pages)
    listed = [each["inferenceProfileArn"] for page in pages for each in page["inferenceProfileSummaries"]]
    assert len(listed) == len(set(listed))
    assert made <= set(listed)
    for arn in made:
        bedrock.delete_inference_profile(inferenceProfileIdentifier=arn)


def test_a_profile_that_never_had_a_tag_is_absent_from_the_tagging_api(cloud: LocalCloud, name: str) -> None:
    bedrock, tagging = cloud.client("bedrock"), cloud.client("resourcegroupstaggingapi")
    made = bedrock.create_inference_profile(inferenceProfileName=name, modelSource={"copyFrom": NOVA})
    arn = made["inferenceProfileArn"]
    assert tagging.get_resources(ResourceARNList=[arn])["ResourceTagMappingList"] == []
    bedrock.tag_resource(resourceARN=arn, tags=[{"key": "owner", "value": "team-a"}])
    bedrock.untag_resource(resourceARN=arn, tagKeys=["owner"])
    mapping = {"ResourceARN": arn, "Tags": []}
    assert tagging.get_resources(ResourceARNList=[arn])["ResourceTagMappingList"] == [mapping]
    bedrock.delete_inference_profile(inferenceProfileIdentifier=arn)


BAD_CREATIONS: dict[str, tuple[dict[str, Any], str]] = {
    "a name outside the alphabet": ({"inferenceProfileName": "search!"}, "ValidationException"),
    "a name with two spaces together": ({"inferenceProfileName": "sea  rch"}, "ValidationException"),
    "parentheses in the description": ({"description": "search (new)"}, "ValidationException"),
    "a source of no kind": ({"modelSource": {"copyFrom": "amazon.nova-lite-v1:0"}}, "ValidationException"),
    "an unknown model": ({"modelSource": {"copyFrom": f"{NOVA}x"}}, "ValidationException"),
    "a reserved tag": ({"tags": [{"key": "aws:owner", "value": "x"}]}, "ValidationException"),
    "51 tags": (
        {"tags": [{"key": f"key-{n}", "value": "x"} for n in range(51)]},
        "TooManyTagsException",
    ),
}


@pytest.mark.parametrize("case", BAD_CREATIONS)
def test_bedrock_refuses(cloud: LocalCloud, name: str, case: str) -> None:
    change, code = BAD_CREATIONS[case]
    request: dict[str, Any] = {"inferenceProfileName": name, "modelSource": {"copyFrom": NOVA}, **change}
    bedrock = cloud.client("bedrock")
    with pytest.raises(ClientError) as refused:
        bedrock.create_inference_profile(**request)
    assert codes(refused) == (code, 400)


def test_an_error_has_its_type_in_the_header_and_a_message_in_the_body(cloud: LocalCloud) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", cloud.bedrock_port, timeout=10)
    connection.request("GET", "/inference-profiles/0mbq3svia2re")
    response = connection.getresponse()
    assert response.status == 404
    assert response.headers["x-amzn-errortype"].startswith("ResourceNotFoundException")
    assert response.headers["x-amzn-requestid"]
    assert json.loads(response.read())["message"]


def test_an_injected_fault_reaches_the_client_and_can_be_taken_away(cloud: LocalCloud) -> None:
    bedrock = cloud.client("bedrock")
    missing = "0mbq3svia2re"
    cloud.control("POST", "faults", {"kind": "error", "code": "AccessDeniedException", "times": 1})
    try:
        with pytest.raises(ClientError) as denied:
            bedrock.get_inference_profile(inferenceProfileIdentifier=missing)
        assert codes(denied) == ("AccessDeniedException", 403)
    finally:
        cloud.control("DELETE", "faults")
    with pytest.raises(ClientError) as gone:
        bedrock.get_inference_profile(inferenceProfileIdentifier=missing)
    assert codes(gone) == ("ResourceNotFoundException", 404)
