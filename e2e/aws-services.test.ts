import assert from "node:assert/strict";
import { after, before, test } from "node:test";
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

test("awscli and boto3 are told of services that are not here in codes that they know", async () => {
  await assert.rejects(cli("sns", "list-topics"), /\(InvalidAction\)/);
  await assert.rejects(cli("dynamodb", "list-tables"), /\(UnknownOperationException\)/);
  await assert.rejects(cli("lambda", "list-functions"), /\(UnknownOperationException\)/);
  await assert.rejects(cli("route53", "list-hosted-zones"), /\(NotImplemented\)/);
  const script = `
import boto3, botocore
calls = [("sns", "list_topics"), ("dynamodb", "list_tables"), ("lambda", "list_functions"), ("cloudwatch", "list_metrics")]
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
