// The Create of Custom::InferenceProfile on Node with the AWS SDK. Like the one in Python it does less than ours.
//
// Lambda's own client of the runtime API for Node is compiled at installation, by tools that few machines
// have; the loop at the end does the same with Node's own HTTP client, and no more.

import http from "node:http";
import { BedrockClient, CreateInferenceProfileCommand, GetInferenceProfileCommand } from "@aws-sdk/client-bedrock";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";

const bedrock = new BedrockClient({});
const ssm = new SSMClient({});
const agent = new http.Agent({ keepAlive: true });

function call(method, url, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const options = { method, agent, headers: { ...headers, "Content-Length": Buffer.byteLength(body) } };
    const request = http.request(url, options, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(parts).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function create(event, functionArn) {
  const properties = event.ResourceProperties;
  const account = functionArn.split(":")[4];
  const source = `arn:aws:bedrock:${process.env.AWS_REGION}:${account}:inference-profile/${properties.ModelSource.CopyFrom}`;
  const made = await bedrock.send(
    new CreateInferenceProfileCommand({
      inferenceProfileName: properties.InferenceProfileName,
      description: properties.Description,
      modelSource: { copyFrom: source },
      tags: properties.Tags.map(({ Key, Value }) => ({ key: Key, value: Value })),
    }),
  );
  const profile = await bedrock.send(
    new GetInferenceProfileCommand({ inferenceProfileIdentifier: made.inferenceProfileArn }),
  );
  const name = "/inference-profiles/" + properties.InferenceProfileName.replaceAll(" ", "-");
  await ssm.send(
    new PutParameterCommand({ Name: name, Value: profile.inferenceProfileArn, Type: "String", Tags: properties.Tags }),
  );
  const data = {
    InferenceProfileId: profile.inferenceProfileId,
    InferenceProfileName: profile.inferenceProfileName,
    Status: profile.status,
    ParameterName: name,
  };
  return { PhysicalResourceId: profile.inferenceProfileArn, Data: data };
}

async function handler(event, functionArn) {
  const { StackId, RequestId, LogicalResourceId } = event;
  let answer;
  try {
    answer = { Status: "SUCCESS", ...(await create(event, functionArn)) };
  } catch (error) {
    answer = { Status: "FAILED", Reason: String(error), PhysicalResourceId: "none" };
  }
  await call("PUT", event.ResponseURL, JSON.stringify({ ...answer, StackId, RequestId, LogicalResourceId }), {
    "Content-Type": "",
  });
}

const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
for (;;) {
  const { headers, body } = await call("GET", `${api}/next`, "");
  await handler(JSON.parse(body), headers["lambda-runtime-invoked-function-arn"]);
  await call("POST", `${api}/${headers["lambda-runtime-aws-request-id"]}/response`, "null");
}
