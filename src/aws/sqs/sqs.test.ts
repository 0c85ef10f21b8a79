import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  AddPermissionCommand,
  CancelMessageMoveTaskCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListMessageMoveTasksCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
  TagQueueCommand,
} from "@aws-sdk/client-sqs";
import { accountId, clientOptions, startAwsPort } from "../testing/aws-port.ts";
import { ask } from "../testing/signed.ts";
import type { AwsContext } from "../call.ts";
import { startMessageMoveTask } from "./start-message-move-task.ts";

let aws: Awaited<ReturnType<typeof startAwsPort>>;
let client: SQSClient;
before(async () => {
  aws = await startAwsPort();
  client = new SQSClient(clientOptions(aws.endpoint));
});
after(() => aws.stop());

async function newQueue(
  QueueName: string,
  Attributes: Record<string, string> = {},
): Promise<string> {
  return (await client.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl!;
}

test("a message goes through a queue with its attributes, checked by the SDK's own digests", async () => {
  const QueueUrl = await newQueue("first");
  assert.equal(QueueUrl, `${aws.endpoint}/${accountId}/first`);
  const sent = await client.send(
    new SendMessageCommand({
      QueueUrl,
      MessageBody: "<ü & more>",
      MessageAttributes: {
        n: { DataType: "Number", StringValue: "1" },
        b: { DataType: "Binary", BinaryValue: Buffer.from([0, 1, 255]) },
      },
    }),
  );
  const { Messages } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MessageAttributeNames: ["All"],
      MessageSystemAttributeNames: ["All"],
    }),
  );
  const [message] = Messages!;
  assert.equal(message!.MessageId, sent.MessageId);
  assert.equal(message!.Body, "<ü & more>");
  assert.equal(message!.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
  assert.deepEqual([...message!.MessageAttributes!["b"]!.BinaryValue!], [0, 1, 255]);
  assert.equal(message!.Attributes!["ApproximateReceiveCount"], "1");
  const { ReceiptHandle } = message!;
  await client.send(
    new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 60 }),
  );
  await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  const counts = await client.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
  );
  assert.equal(counts.Attributes!["ApproximateNumberOfMessagesNotVisible"], "0");
  assert.equal(counts.Attributes!["QueueArn"], `arn:aws:sqs:us-east-1:${accountId}:first`);
});

test("batches tell of each entry, and refuse what is wrong with them as a whole", async () => {
  const QueueUrl = await newQueue("batch", { MaximumMessageSize: "1024" });
  const batch = await client.send(
    new SendMessageBatchCommand({
      QueueUrl,
      Entries: [
        { Id: "a", MessageBody: "a" },
        { Id: "b", MessageBody: "b".repeat(2000) },
        { Id: "c", MessageBody: "c" },
      ],
    }),
  );
  assert.deepEqual(
    batch.Successful!.map(({ Id }) => Id),
    ["a", "c"],
  );
  assert.deepEqual(
    batch.Failed!.map(({ Id, Code }) => [Id, Code]),
    [["b", "InvalidParameterValue"]],
  );
  const twice = [1, 2].map(() => ({ Id: "a", MessageBody: "a" }));
  await assert.rejects(client.send(new SendMessageBatchCommand({ QueueUrl, Entries: twice })), {
    name: "BatchEntryIdsNotDistinct",
  });
  await assert.rejects(client.send(new SendMessageBatchCommand({ QueueUrl, Entries: [] })), {
    name: "EmptyBatchRequest",
  });
  const many = Array.from({ length: 11 }, (_, index) => ({ Id: String(index), MessageBody: "a" }));
  await assert.rejects(client.send(new SendMessageBatchCommand({ QueueUrl, Entries: many })), {
    name: "TooManyEntriesInBatchRequest",
  });
  const received = await client.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
  );
  const Entries = received.Messages!.map(({ ReceiptHandle }, index) => ({
    Id: String(index),
    ReceiptHandle,
  }));
  const deleted = await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  assert.equal(deleted.Successful!.length, 2);
});

test("who waits for a message gets it when it comes", async () => {
  const QueueUrl = await newQueue("wait");
  const waiting = client.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10 }));
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: "now" }));
  assert.equal((await waiting).Messages![0]!.Body, "now");
});

test("queues are made once, listed in pages, changed, tagged and deleted", async () => {
  for (const name of ["list-1", "list-2", "list-3"]) await newQueue(name);
  await newQueue("list-1");
  await assert.rejects(newQueue("list-1", { VisibilityTimeout: "5" }), { name: "QueueNameExists" });
  await assert.rejects(newQueue("no good"), { name: "InvalidParameterValue" });
  await assert.rejects(newQueue("x", { VisibilityTimeout: "-1" }), {
    name: "InvalidAttributeValue",
  });
  await assert.rejects(newQueue("x", { Nothing: "1" }), { name: "InvalidAttributeName" });
  const first = await client.send(
    new ListQueuesCommand({ QueueNamePrefix: "list-", MaxResults: 2 }),
  );
  const second = await client.send(
    new ListQueuesCommand({ QueueNamePrefix: "list-", MaxResults: 2, NextToken: first.NextToken }),
  );
  assert.deepEqual(
    [first.QueueUrls!.length, second.QueueUrls!.length, second.NextToken],
    [2, 1, undefined],
  );
  const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: "list-1" }));
  await client.send(
    new SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout: "7" } }),
  );
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["VisibilityTimeout"] }),
  );
  assert.deepEqual(Attributes, { VisibilityTimeout: "7" });
  await client.send(new TagQueueCommand({ QueueUrl, Tags: { a: "1" } }));
  assert.deepEqual((await client.send(new ListQueueTagsCommand({ QueueUrl }))).Tags, { a: "1" });
  await client.send(new DeleteQueueCommand({ QueueUrl }));
  await assert.rejects(client.send(new GetQueueUrlCommand({ QueueName: "list-1" })), {
    name: "QueueDoesNotExist",
  });
});

test("dead letters are taken back to where they came from", async () => {
  const DeadUrl = await newQueue("dead");
  const deadLetterTargetArn = `arn:aws:sqs:us-east-1:${accountId}:dead`;
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 1 });
  const QueueUrl = await newQueue("lively", { RedrivePolicy, VisibilityTimeout: "0" });
  const SourceArn = deadLetterTargetArn;
  for (const MessageBody of ["a", "b"])
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  const receive = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 });
  assert.equal((await client.send(receive)).Messages?.length, 2);
  assert.equal((await client.send(receive)).Messages, undefined);
  await client.send(new StartMessageMoveTaskCommand({ SourceArn }));
  const list = new ListMessageMoveTasksCommand({ SourceArn });
  let task = (await client.send(list)).Results![0]!;
  while (task.Status === "RUNNING") task = (await client.send(list)).Results![0]!;
  assert.deepEqual([task.Status, task.ApproximateNumberOfMessagesMoved], ["COMPLETED", 2]);
  assert.equal((await client.send(receive)).Messages?.length, 2);
  await client.send(new ReceiveMessageCommand({ QueueUrl: DeadUrl }));
  await assert.rejects(
    client.send(
      new StartMessageMoveTaskCommand({ SourceArn: `arn:aws:sqs:us-east-1:${accountId}:lively` }),
    ),
    { name: "UnsupportedOperation" },
  );
  await assert.rejects(client.send(new CancelMessageMoveTaskCommand({ TaskHandle: "x" })), {
    name: "ResourceNotFoundException",
  });
});

test("clients of the query protocol are understood, and answered in it", async () => {
  await newQueue("old");
  const form = (text: string) =>
    ask(aws.endpoint, {
      service: "sqs",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: `${text}&Version=2012-11-05&QueueUrl=${encodeURIComponent(`${aws.endpoint}/${accountId}/old`)}`,
    });
  const sent = await form(
    "Action=SendMessage&MessageBody=a%26b&MessageAttribute.1.Name=n&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=v",
  );
  assert.equal(sent.status, 200, sent.text);
  const received = await form(
    "Action=ReceiveMessage&AttributeName.1=All&MessageAttributeName.1=All",
  );
  assert.match(received.text, /<ReceiveMessageResult><Message>.*<Body>a&amp;b<\/Body>/);
  assert.match(
    received.text,
    /<Attribute><Name>ApproximateReceiveCount<\/Name><Value>1<\/Value><\/Attribute>/,
  );
  const missing = await ask(aws.endpoint, {
    service: "sqs",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "Action=GetQueueUrl&Version=2012-11-05&QueueName=none",
  });
  assert.match(
    missing.text,
    /<Type>Sender<\/Type><Code>AWS\.SimpleQueueService\.NonExistentQueue<\/Code>/,
  );
});

test("who is not allowed is not told whether a queue of another account is there", async () => {
  await newQueue("own");
  const QueueUrl = `${aws.endpoint}/000000000000/own`;
  await assert.rejects(client.send(new SendMessageCommand({ QueueUrl, MessageBody: "a" })), {
    name: "QueueDoesNotExist",
  });
});

test("lists of queues have pages of 1 to 1000", async () => {
  const QueueUrl = await newQueue("listed");
  for (const MaxResults of [0, -1, 1001])
    for (const command of [
      new ListQueuesCommand({ MaxResults }),
      new ListDeadLetterSourceQueuesCommand({ QueueUrl, MaxResults }),
    ])
      await assert.rejects(client.send(command as ListQueuesCommand), {
        name: "InvalidParameterValue",
      });
  const { QueueUrls } = await client.send(new ListQueuesCommand({ MaxResults: 1000 }));
  assert.ok(QueueUrls!.includes(QueueUrl));
  await client.send(new DeleteQueueCommand({ QueueUrl }));
});

test("the name of a queue that was deleted may be had again after a minute", async () => {
  const QueueUrl = await newQueue("gone");
  await client.send(new DeleteQueueCommand({ QueueUrl }));
  await assert.rejects(newQueue("gone"), {
    name: "QueueDeletedRecently",
    message:
      "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
  });
});

test("AddPermission makes no policy that nobody can read", async () => {
  const QueueUrl = await newQueue("permitted");
  const add = (AWSAccountIds: string[], Actions: string[]) =>
    client.send(new AddPermissionCommand({ QueueUrl, Label: "l", AWSAccountIds, Actions }));
  for (const [ids, actions] of [
    [["abc"], ["SendMessage"]],
    [[], ["SendMessage"]],
    [["111122223333"], ["Send Message"]],
    [["111122223333"], []],
    [["111122223333"], ["Foo"]],
    [["111122223333"], ["SendMessage", "DeleteQueue"]],
  ] as const)
    await assert.rejects(add([...ids], [...actions]), { name: "InvalidParameterValue" });
  await add(["111122223333"], ["SendMessage"]);
  await client.send(new DeleteQueueCommand({ QueueUrl }));
});

test("a queue takes the dead letters of those alone that it allows, of its own account", async () => {
  const arn = (title: string, account = accountId) => `arn:aws:sqs:us-east-1:${account}:${title}`;
  const redrive = (deadLetterTargetArn: string) => ({
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 3 }),
  });
  const allow = (policy: object) => ({ RedriveAllowPolicy: JSON.stringify(policy) });
  const QueueUrl = await newQueue("letters");
  const set = (Attributes: Record<string, string>) =>
    client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
  for (const bad of [{}, { redrivePermission: "byQueue" }, { redrivePermission: "some" }])
    await assert.rejects(set(allow(bad)), { name: "InvalidAttributeValue" });
  await set(allow({ redrivePermission: "byQueue", sourceQueueArns: [arn("one")] }));
  await newQueue("one", redrive(arn("letters")));
  const refused = { name: "InvalidParameterValue" };
  await assert.rejects(newQueue("two", redrive(arn("letters"))), refused);
  await set(allow({ redrivePermission: "allowAll" }));
  const two = await newQueue("two", redrive(arn("letters")));
  for (const wrong of ["none", "two.fifo"].map((title) => arn(title)))
    await assert.rejects(
      client.send(new SetQueueAttributesCommand({ QueueUrl: two, Attributes: redrive(wrong) })),
      refused,
    );
  await assert.rejects(newQueue("three", redrive(arn("letters", "000000000000"))), refused);
});

test("who takes dead letters back must be allowed all that this does to each queue", async () => {
  const arn = (title: string) => `arn:aws:sqs:us-east-1:${accountId}:${title}`;
  await newQueue("late");
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn("late"), maxReceiveCount: 3 });
  await newQueue("source", { RedrivePolicy });
  const context = { parts: aws.parts, caller: { accountId } } as unknown as AwsContext;
  const asks = [await startMessageMoveTask.asks({ SourceArn: arn("late") }, context)].flat();
  assert.deepEqual(
    asks.map(({ action, resource }) => `${action} ${resource.split(":").at(-1)}`),
    [
      "sqs:StartMessageMoveTask late",
      "sqs:ReceiveMessage late",
      "sqs:DeleteMessage late",
      "sqs:GetQueueAttributes late",
      "sqs:SendMessage source",
    ],
  );
});
