"""Profiles without a tag, as such a script is usually written: a list, and a call for each of them."""

import sys

import boto3

bedrock = boto3.client("bedrock")
found = 0
pages = bedrock.get_paginator("list_inference_profiles").paginate(typeEquals="APPLICATION")
for page in pages:
    for profile in page["inferenceProfileSummaries"]:
        arn = profile["inferenceProfileArn"]
        tags = bedrock.list_tags_for_resource(resourceARN=arn)["tags"]
        if not any(tag["key"] == sys.argv[1] for tag in tags):
            print(arn, profile["inferenceProfileName"])
            found += 1
print(f"{found} profiles have no tag {sys.argv[1]}", file=sys.stderr)
