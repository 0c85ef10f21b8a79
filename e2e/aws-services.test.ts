import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeZip } from "#/functions/testing/make-zip.ts";
import { TestCloud } from "./cloud.ts";
import { debianTools, type DebianTools } from "./debian-aws.ts";

/** Those of Debian speak to queues in the query protocol; newer ones and the SDK for JavaScript speak JSON. */
const python = "/usr/bin/python3";

const cloud = new TestCloud();
let tools: DebianTools;
before(async () => {
  await cloud.up("--no-agent");
  tools = await debianTools(cloud, cloud.dataFolder);
});
after(() => cloud.stop());

const run: DebianTools["run"] = (...asked) => tools.run(...asked);
const cli: DebianTools["aws"] = (...words) => tools.aws(...words);

test("awscli is told who it is, and its messages outlive the control plane", async () => {
  const account = await cli("sts", "get-caller-identity", "--query", "Account");
  assert.match(account, /^\d{12}$/);
  const url = await cli("sqs", "create-queue", "--queue-name", "q", "--query", "QueueUrl");
  assert.equal(url, `${cloud.awsUrl}/${account}/q`);
  await cli("sqs", "send-message", "--queue-url", url, "--message-body", "a & <b>");
  await cloud.kill();
  await cloud.up("--no-agent");
  const receive = ["--queue-url", url, "--query", "Messages[].[Body,ReceiptHandle]"];
  const received = await cli("sqs", "receive-message", ...receive);
  const [body, handle] = received.split("\t");
  assert.equal(body, "a & <b>");
  await cli("sqs", "delete-message", "--queue-url", url, "--receipt-handle", handle!);
  const attributes = [
    "sqs",
    "get-queue-attributes",
    "--queue-url",
    url,
    "--attribute-names",
    "All",
  ];
  const inFlight = "Attributes.ApproximateNumberOfMessagesNotVisible";
  assert.equal(await cli(...attributes, "--query", inFlight), "0");
  const lost = ["sqs", "get-queue-url", "--queue-name", "none"];
  await assert.rejects(cli(...lost), /AWS\.SimpleQueueService\.NonExistentQueue/);
});

test("awscli finds the region and its zones, and is told what is not there", async () => {
  const zones = ["ec2", "describe-availability-zones", "--query", "AvailabilityZones[].ZoneName"];
  assert.equal(await cli(...zones), "us-east-1a");
  await assert.rejects(cli("ec2", "describe-regions", "--dry-run"), /DryRunOperation/);
  await assert.rejects(cli("ec2", "describe-fleets"), /InvalidAction/);
  await assert.rejects(cli("account", "get-contact-information"), /UnknownOperationException/);
});

test("boto3 reads in the trail what awscli did", async () => {
  const script = `
import boto3, json
trail = boto3.client("cloudtrail", endpoint_url="${cloud.awsUrl}")
events = trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateQueue"}])["Events"]
record = json.loads(events[0]["CloudTrailEvent"])
print(len(events), record["eventSource"], record["sourceIPAddress"], "aws-cli" in record["userAgent"])
`;
  assert.equal(await run(python, ["-c", script]), "1 sqs.amazonaws.com 127.0.0.1 True");
  const { stdout } = await cloud.canopy("trail", "--operation", "CreateQueue");
  assert.match(stdout, /sqs:CreateQueue\tsqs:us-east-1:\d{12}:q\t127\.0\.0\.1\t200/);
});

test("awscli makes a function and waits for it, boto3 does the rest, and all of it outlives a kill -9", async () => {
  const archive = join(cloud.dataFolder, "code.zip");
  await writeFile(archive, makeZip([{ name: "app.py", content: "handler = print" }]));
  const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`;
  const named = ["iam", "create-role", "--role-name", "runs", "--query", "Role.Arn"];
  const role = await cli(...named, "--assume-role-policy-document", trust);
  const first = ["--function-name", "first"];
  const runs = ["--runtime", "python3.13", "--handler", "app.handler", "--role", role];
  const settings = ["--environment", "Variables={NAME=value}", "--memory-size", "256"];
  const code = ["--zip-file", `fileb://${archive}`];
  await cli("lambda", "create-function", ...first, ...runs, ...settings, ...code);
  await cli("lambda", "wait", "function-active-v2", ...first);
  const client = `
import boto3
client = boto3.client("lambda", endpoint_url="${cloud.awsUrl}")
first = {"FunctionName": "first"}
`;
  const change = `${client}
version = client.publish_version(**first)["Version"]
client.create_alias(**first, Name="live", FunctionVersion=version)
client.update_function_configuration(**first, Timeout=9)
client.get_waiter("function_updated_v2").wait(**first)
client.add_permission(**first, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
print(version, client.put_function_concurrency(**first, ReservedConcurrentExecutions=5)["ReservedConcurrentExecutions"])
`;
  assert.equal(await run(python, ["-c", change]), "1 5");
  await cloud.kill();
  await cloud.up("--no-agent");
  const read = `${client}
old = client.get_function(FunctionName="first:live")["Configuration"]
print(old["Version"], old["Timeout"], old["MemorySize"], old["Environment"]["Variables"]["NAME"])
new = client.get_function(**first)
print(new["Configuration"]["Timeout"], new["Concurrency"]["ReservedConcurrentExecutions"])
print("s3.amazonaws.com" in client.get_policy(**first)["Policy"])
client.delete_function(**first)
try:
    client.get_function(**first)
except client.exceptions.ResourceNotFoundException as refused:
    print(refused.response["Error"]["Message"].split(":")[0])
`;
  const location = await cli("lambda", "get-function", ...first, "--query", "Code.Location");
  const downloaded = await (await fetch(location)).arrayBuffer();
  assert.deepEqual(Buffer.from(downloaded), await readFile(archive));
  assert.deepEqual((await run(python, ["-c", read])).split("\n"), [
    "1 3 256 value",
    "9 5",
    "True",
    "Function not found",
  ]);
});

test("awscli and boto3 are told of services that are not here in codes that they know", async () => {
  await assert.rejects(cli("sns", "list-topics"), /\(InvalidAction\)/);
  await assert.rejects(cli("dynamodb", "list-tables"), /\(UnknownOperationException\)/);
  await assert.rejects(cli("scheduler", "list-schedules"), /\(UnknownOperationException\)/);
  await assert.rejects(cli("route53", "list-hosted-zones"), /\(NotImplemented\)/);
  const script = `
import boto3, botocore
calls = [("sns", "list_topics"), ("dynamodb", "list_tables"), ("scheduler", "list_schedules"), ("cloudwatch", "list_metrics")]
for service, call in calls:
    try:
        getattr(boto3.client(service, endpoint_url="${cloud.awsUrl}"), call)()
    except botocore.exceptions.ClientError as refused:
        print(refused.response["Error"]["Code"])
`;
  assert.deepEqual((await run(python, ["-c", script])).split("\n"), [
    "InvalidAction",
    "UnknownOperationException",
    "UnknownOperationException",
    "InvalidAction",
  ]);
});
