"""The Create of ``Custom::InferenceProfile`` as it is usually written: crhelper and boto3.

It does less than ours: no look at what is there, no check of the model, no undoing, no owner's tags.
"""

import http.client
import os

import boto3
import crhelper.utils
from crhelper import CfnResource

helper = CfnResource(json_logging=True, log_level="INFO", boto_level="CRITICAL", sleep_on_delete=0)

try:
    bedrock = boto3.client("bedrock")
    ssm = boto3.client("ssm")
except Exception as error:
    helper.init_failure(error)


class PlainConnection(http.client.HTTPConnection):
    """The local sink speaks no TLS. Its cost is left out for everybody."""

    def __init__(self, host, context):
        super().__init__(host)


crhelper.utils.HTTPSConnection = PlainConnection


@helper.create
def create(event, context):
    properties = event["ResourceProperties"]
    source = properties["ModelSource"]["CopyFrom"]
    account = context.invoked_function_arn.split(":")[4]
    arn = f"arn:aws:bedrock:{os.environ['AWS_REGION']}:{account}:inference-profile/{source}"
    made = bedrock.create_inference_profile(
        inferenceProfileName=properties["InferenceProfileName"],
        description=properties["Description"],
        modelSource={"copyFrom": arn},
        tags=[{"key": tag["Key"], "value": tag["Value"]} for tag in properties["Tags"]],
    )
    profile = bedrock.get_inference_profile(inferenceProfileIdentifier=made["inferenceProfileArn"])
    name = "/inference-profiles/" + properties["InferenceProfileName"].replace(" ", "-")
    ssm.put_parameter(Name=name, Value=profile["inferenceProfileArn"], Type="String", Tags=properties["Tags"])
    helper.Data["InferenceProfileId"] = profile["inferenceProfileId"]
    helper.Data["InferenceProfileName"] = profile["inferenceProfileName"]
    helper.Data["Status"] = profile["status"]
    helper.Data["ParameterName"] = name
    return profile["inferenceProfileArn"]


def handler(event, context):
    helper(event, context)
