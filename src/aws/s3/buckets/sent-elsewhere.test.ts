import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as sdk from "@aws-sdk/client-s3";
import { accountId, clientOptions, startAwsPort } from "../../testing/aws-port.ts";

const places = {
  webhook: {
    isThere: (arn: string) => arn.endsWith(":there"),
    atOnceMax: 1,
    tell: () => Promise.resolve(),
  },
};
const port = await startAwsPort({ places });
const client = new sdk.S3Client(clientOptions(port.endpoint));
after(async () => {
  client.destroy();
  await port.stop();
});

let made = 0;
async function newBucket(): Promise<string> {
  const Bucket = `bucket-${++made}`;
  await client.send(new sdk.CreateBucketCommand({ Bucket }));
  return Bucket;
}

const fails = (sending: Promise<unknown>, code: string, status: number) =>
  assert.rejects(sending, (thrown: sdk.S3ServiceException) => {
    assert.equal(thrown.name, code);
    assert.equal(thrown.$metadata.httpStatusCode, status);
    return true;
  });

test("a website has an index or redirects all", async () => {
  const Bucket = await newBucket();
  const put = (WebsiteConfiguration: sdk.WebsiteConfiguration) =>
    client.send(new sdk.PutBucketWebsiteCommand({ Bucket, WebsiteConfiguration }));
  const site: sdk.WebsiteConfiguration = {
    IndexDocument: { Suffix: "index.html" },
    ErrorDocument: { Key: "error.html" },
    RoutingRules: [
      {
        Condition: { KeyPrefixEquals: "old/" },
        Redirect: { ReplaceKeyPrefixWith: "new/", HttpRedirectCode: "302" },
      },
    ],
  };
  await put(site);
  const { $metadata, ...got } = await client.send(new sdk.GetBucketWebsiteCommand({ Bucket }));
  assert.equal($metadata.httpStatusCode, 200);
  assert.deepEqual(got, site);
  await fails(put({ IndexDocument: { Suffix: "a/b" } }), "InvalidArgument", 400);
  await fails(put({ ErrorDocument: { Key: "a" } }), "InvalidArgument", 400);
  await fails(
    put({ ...site, RedirectAllRequestsTo: { HostName: "example.org" } }),
    "InvalidRequest",
    400,
  );
  await put({ RedirectAllRequestsTo: { HostName: "example.org", Protocol: "https" } });
  await client.send(new sdk.DeleteBucketWebsiteCommand({ Bucket }));
});

test("inventories are put, read, listed in pages and deleted", async () => {
  const Bucket = await newBucket();
  const target = await newBucket();
  const put = (Id: string, more: Partial<sdk.InventoryS3BucketDestination> = {}) =>
    client.send(
      new sdk.PutBucketInventoryConfigurationCommand({
        Bucket,
        Id,
        InventoryConfiguration: configuration(Id, more),
      }),
    );
  const configuration = (
    Id: string,
    more: Partial<sdk.InventoryS3BucketDestination> = {},
  ): sdk.InventoryConfiguration => ({
    Id,
    IsEnabled: true,
    IncludedObjectVersions: "All",
    Schedule: { Frequency: "Daily" },
    OptionalFields: ["Size", "ETag"],
    Destination: {
      S3BucketDestination: { Bucket: `arn:aws:s3:::${target}`, Format: "CSV", ...more },
    },
  });
  await put("one");
  const got = await client.send(
    new sdk.GetBucketInventoryConfigurationCommand({ Bucket, Id: "one" }),
  );
  assert.deepEqual(got.InventoryConfiguration, configuration("one"));
  await fails(put("orc", { Format: "ORC" }), "NotImplemented", 501);
  await fails(put("gone", { Bucket: "arn:aws:s3:::gone" }), "InvalidS3DestinationBucket", 400);
  const listed = await client.send(new sdk.ListBucketInventoryConfigurationsCommand({ Bucket }));
  assert.deepEqual(listed.InventoryConfigurationList, [configuration("one")]);
  assert.equal(listed.IsTruncated, false);
  await client.send(new sdk.DeleteBucketInventoryConfigurationCommand({ Bucket, Id: "one" }));
  await fails(
    client.send(new sdk.DeleteBucketInventoryConfigurationCommand({ Bucket, Id: "one" })),
    "NoSuchConfiguration",
    404,
  );
});

test("the access log goes to a bucket of the same owner", async () => {
  const Bucket = await newBucket();
  const TargetBucket = await newBucket();
  const put = (LoggingEnabled: sdk.LoggingEnabled | undefined) =>
    client.send(
      new sdk.PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: { LoggingEnabled } }),
    );
  const asked: sdk.LoggingEnabled = {
    TargetBucket,
    TargetPrefix: "log/",
    TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: "EventTime" } },
  };
  await put(asked);
  const got = () => client.send(new sdk.GetBucketLoggingCommand({ Bucket }));
  assert.deepEqual((await got()).LoggingEnabled, asked);
  await fails(
    put({ TargetBucket: "no-such", TargetPrefix: "" }),
    "InvalidTargetBucketForLogging",
    400,
  );
  await put(undefined);
  assert.equal((await got()).LoggingEnabled, undefined);
});

test("who pays is the owner or the requester", async () => {
  const Bucket = await newBucket();
  const payer = async () =>
    (await client.send(new sdk.GetBucketRequestPaymentCommand({ Bucket }))).Payer;
  assert.equal(await payer(), "BucketOwner");
  await client.send(
    new sdk.PutBucketRequestPaymentCommand({
      Bucket,
      RequestPaymentConfiguration: { Payer: "Requester" },
    }),
  );
  assert.equal(await payer(), "Requester");
});

test("a policy is put, told to be public, blocked, and deleted", async () => {
  const Bucket = await newBucket();
  const policyOf = (Principal: unknown, Resource = `arn:aws:s3:::${Bucket}/*`) =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal, Action: "s3:GetObject", Resource }],
    });
  const put = (Policy: string) => client.send(new sdk.PutBucketPolicyCommand({ Bucket, Policy }));
  const closed = policyOf({ AWS: "arn:aws:iam::123456789012:root" });
  await put(closed);
  assert.equal((await client.send(new sdk.GetBucketPolicyCommand({ Bucket }))).Policy, closed);
  const isPublic = async () =>
    (await client.send(new sdk.GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus?.IsPublic;
  assert.equal(await isPublic(), false);
  await fails(put(policyOf("*")), "AccessDenied", 403);
  await client.send(new sdk.DeletePublicAccessBlockCommand({ Bucket }));
  await put(policyOf("*"));
  assert.equal(await isPublic(), true);
  await fails(put("{"), "MalformedPolicy", 400);
  await fails(put(policyOf("*", "arn:aws:s3:::another/*")), "MalformedPolicy", 400);
  await client.send(new sdk.DeleteBucketPolicyCommand({ Bucket }));
  await fails(client.send(new sdk.GetBucketPolicyCommand({ Bucket })), "NoSuchBucketPolicy", 404);
});

test("notifications are put for places that are there, which are told so", async () => {
  const Bucket = await newBucket();
  const put = (
    NotificationConfiguration: sdk.NotificationConfiguration,
    more: Partial<sdk.PutBucketNotificationConfigurationCommandInput> = {},
  ) =>
    client.send(
      new sdk.PutBucketNotificationConfigurationCommand({
        Bucket,
        NotificationConfiguration,
        ...more,
      }),
    );
  const TopicArn = `arn:canopy:webhook:us-east-1:${accountId}:there`;
  const wanted: sdk.NotificationConfiguration = {
    TopicConfigurations: [
      {
        Id: "one",
        TopicArn,
        Events: ["s3:ObjectCreated:*"],
        Filter: { Key: { FilterRules: [{ Name: "prefix", Value: "in/" }] } },
      },
    ],
    EventBridgeConfiguration: {},
  };
  await put(wanted);
  const got = await client.send(new sdk.GetBucketNotificationConfigurationCommand({ Bucket }));
  const { $metadata: _metadata, ...configuration } = got;
  assert.deepEqual(configuration, {
    ...wanted,
    TopicConfigurations: [
      {
        ...wanted.TopicConfigurations![0],
        Filter: { Key: { FilterRules: [{ Name: "Prefix", Value: "in/" }] } },
      },
    ],
  });
  const [notice] = [...port.parts.space.list("notice", TopicArn)];
  assert.partialDeepStrictEqual(JSON.parse(notice!.spec.body), {
    Service: "Amazon S3",
    Event: "s3:TestEvent",
    Bucket,
  });
  const other = (more: Partial<sdk.TopicConfiguration>): sdk.NotificationConfiguration => ({
    TopicConfigurations: [{ TopicArn, Events: ["s3:ObjectCreated:Put"], ...more }],
  });
  await fails(put(other({ TopicArn: `${TopicArn}-not` })), "InvalidArgument", 400);
  await put(other({ TopicArn: `${TopicArn}-not` }), { SkipDestinationValidation: true });
  await fails(put(other({ Events: ["s3:Nothing" as never] })), "InvalidArgument", 400);
  await fails(put(other({ TopicArn: "somewhere" })), "InvalidArgument", 400);
  await fails(
    put({
      TopicConfigurations: [
        ...wanted.TopicConfigurations!,
        { TopicArn, Events: ["s3:ObjectCreated:Put"] },
      ],
    }),
    "InvalidArgument",
    400,
  );
  await put({});
  const empty = await client.send(new sdk.GetBucketNotificationConfigurationCommand({ Bucket }));
  assert.equal(empty.TopicConfigurations, undefined);
});
