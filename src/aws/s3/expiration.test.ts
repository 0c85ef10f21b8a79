import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as sdk from "@aws-sdk/client-s3";
import { clientOptions, startAwsPort } from "../testing/aws-port.ts";

const port = await startAwsPort();
const client = new sdk.S3Client(clientOptions(port.endpoint));
after(async () => {
  client.destroy();
  await port.stop();
});

test("lifecycle rules come back as they were put, and objects tell when they will expire", async () => {
  const Bucket = "expiring";
  await client.send(new sdk.CreateBucketCommand({ Bucket }));
  const Rules: sdk.LifecycleRule[] = [
    {
      ID: "logs rule",
      Status: "Enabled",
      Filter: { And: { Prefix: "log/", Tags: [{ Key: "k", Value: "v" }] } },
      Expiration: { Days: 10 },
      Transitions: [{ Days: 3, StorageClass: "GLACIER" }],
      NoncurrentVersionExpiration: { NoncurrentDays: 2, NewerNoncurrentVersions: 3 },
    },
    {
      ID: "uploads",
      Status: "Enabled",
      Filter: {},
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
    },
    {
      ID: "dated",
      Status: "Disabled",
      Prefix: "old/",
      Expiration: { Date: new Date(Date.UTC(2035, 0, 1)) },
    },
  ];
  const put = (rules: sdk.LifecycleRule[]) =>
    client.send(
      new sdk.PutBucketLifecycleConfigurationCommand({
        Bucket,
        LifecycleConfiguration: { Rules: rules },
      }),
    );
  await put(Rules);
  const got = await client.send(new sdk.GetBucketLifecycleConfigurationCommand({ Bucket }));
  assert.deepEqual(got.Rules, Rules);
  assert.equal(got.TransitionDefaultMinimumObjectSize, "all_storage_classes_128K");
  const made = await client.send(
    new sdk.PutObjectCommand({ Bucket, Key: "log/a", Body: "a", Tagging: "k=v" }),
  );
  assert.match(
    made.Expiration!,
    /^expiry-date="\w{3}, \d\d \w{3} \d{4} 00:00:00 GMT", rule-id="logs%20rule"$/,
  );
  const head = await client.send(new sdk.HeadObjectCommand({ Bucket, Key: "log/a" }));
  assert.equal(head.Expiration, made.Expiration);
  const other = await client.send(new sdk.PutObjectCommand({ Bucket, Key: "a", Body: "a" }));
  assert.equal(other.Expiration, undefined);
  const base = { ID: "one", Status: "Enabled", Filter: {} } as const;
  const wrong: [rule: sdk.LifecycleRule, code: string][] = [
    [{ ...base }, "InvalidRequest"],
    [{ ...base, Prefix: "", Expiration: { Days: 1 } }, "MalformedXML"],
    [{ ...base, Status: "On" as never, Expiration: { Days: 1 } }, "MalformedXML"],
    [{ ...base, Expiration: { Days: 0 } }, "InvalidArgument"],
    [{ ...base, Expiration: { Date: new Date(1000) } }, "InvalidArgument"],
    [{ ...base, Expiration: { Days: 1, ExpiredObjectDeleteMarker: true } }, "MalformedXML"],
    [{ ...base, Transitions: [{ Days: 3, StorageClass: "STANDARD_IA" }] }, "InvalidArgument"],
    [{ ...base, Transitions: [{ Days: 3, StorageClass: "ICE" as never }] }, "MalformedXML"],
    [
      {
        ...base,
        Expiration: { Days: 3 },
        Transitions: [{ Days: 3, StorageClass: "GLACIER" }],
      },
      "InvalidArgument",
    ],
    [
      {
        ...base,
        Filter: { Tag: { Key: "k", Value: "v" } },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
      },
      "InvalidRequest",
    ],
    [{ ...base, ID: "x".repeat(256), Expiration: { Days: 1 } }, "InvalidArgument"],
  ];
  for (const [rule, code] of wrong)
    await assert.rejects(put([rule]), { name: code }, JSON.stringify(rule));
  const same = { ...base, Expiration: { Days: 1 } };
  await assert.rejects(put([same, same]), { name: "InvalidArgument" });
  await client.send(new sdk.DeleteBucketLifecycleCommand({ Bucket }));
  const gone = client.send(new sdk.GetBucketLifecycleConfigurationCommand({ Bucket }));
  await assert.rejects(gone, { name: "NoSuchLifecycleConfiguration" });
});

test("lifecycle rules of the old form stand apart, prefixes are those of keys, and objects move to what is colder", async () => {
  const Bucket = "conflicting";
  await client.send(new sdk.CreateBucketCommand({ Bucket }));
  const put = (...rules: Partial<sdk.LifecycleRule>[]) =>
    client.send(
      new sdk.PutBucketLifecycleConfigurationCommand({
        Bucket,
        LifecycleConfiguration: { Rules: rules.map((rule) => ({ Status: "Enabled", ...rule })) },
      }),
    );
  const Expiration = { Days: 300 };
  const old = (Prefix: string) => ({ Prefix, Expiration });
  const isRefused = (sending: Promise<unknown>, name: string, message: string) =>
    assert.rejects(sending, { name, message });
  await isRefused(
    put(old("x"), old("x")),
    "InvalidRequest",
    "Found two rules with same prefix 'x' for same action type 'Expiration'",
  );
  await isRefused(
    put(old("logs/a"), old("b"), old("logs/")),
    "InvalidRequest",
    "Found overlapping prefixes 'logs/' and 'logs/a' for same action type 'Expiration'",
  );
  await put(old("x"), old("y"), {
    Prefix: "x",
    NoncurrentVersionExpiration: { NoncurrentDays: 1 },
  });
  await put({ Filter: { Prefix: "x" }, Expiration }, { Filter: { Prefix: "x" }, Expiration });
  const long = "The maximum size of a prefix is 1024.";
  await isRefused(put(old("x".repeat(1025))), "InvalidRequest", long);
  await isRefused(put({ Filter: { Prefix: "ü".repeat(513) }, Expiration }), "InvalidRequest", long);
  await put(old("x".repeat(1024)));
  const Filter = { Prefix: "x" };
  const glacier = { Days: 10, StorageClass: "GLACIER" } as const;
  await isRefused(
    put({ Filter, Transitions: [glacier, { Days: 60, StorageClass: "STANDARD_IA" }] }),
    "InvalidArgument",
    "'Days' in the Transition action for StorageClass 'GLACIER' for filter '(prefix=x)' must be greater than 'Days' in the Transition action for StorageClass 'STANDARD_IA' for filter '(prefix=x)'",
  );
  await assert.rejects(
    put({
      Filter,
      NoncurrentVersionTransitions: [
        { NoncurrentDays: 10, StorageClass: "DEEP_ARCHIVE" },
        { NoncurrentDays: 10, StorageClass: "GLACIER" },
      ],
    }),
    { name: "InvalidArgument" },
  );
  await put({
    Filter,
    Transitions: [
      { ...glacier, Days: 90 },
      { Days: 60, StorageClass: "STANDARD_IA" },
    ],
  });
});

test("uploads in parts tell when they will be given up", async () => {
  const Bucket = "given-up";
  await client.send(new sdk.CreateBucketCommand({ Bucket }));
  const rule: sdk.LifecycleRule = {
    ID: "uploads rule",
    Status: "Enabled",
    Filter: { Prefix: "x/" },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 },
  };
  await client.send(
    new sdk.PutBucketLifecycleConfigurationCommand({
      Bucket,
      LifecycleConfiguration: { Rules: [rule] },
    }),
  );
  const begin = (Key: string) => client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key }));
  const { UploadId, AbortDate, AbortRuleId } = await begin("x/a");
  assert.equal(AbortRuleId, "uploads%20rule");
  assert.ok(AbortDate!.getTime() > Date.now() + 86_400_000);
  const listed = await client.send(new sdk.ListPartsCommand({ Bucket, Key: "x/a", UploadId }));
  assert.deepEqual([listed.AbortRuleId, listed.AbortDate], [AbortRuleId, AbortDate]);
  assert.equal((await begin("y")).AbortRuleId, undefined);
});
