import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as sdk from "@aws-sdk/client-s3";
import { accountId, clientOptions, startAwsPort } from "../../testing/aws-port.ts";

const port = await startAwsPort();
const client = new sdk.S3Client(clientOptions(port.endpoint));
after(async () => {
  client.destroy();
  await port.stop();
});

let made = 0;
async function newBucket(more: Partial<sdk.CreateBucketCommandInput> = {}): Promise<string> {
  const Bucket = `bucket-${++made}`;
  await client.send(new sdk.CreateBucketCommand({ Bucket, ...more }));
  return Bucket;
}

const fails = (sending: Promise<unknown>, code: string, status: number) =>
  assert.rejects(sending, (thrown: sdk.S3ServiceException) => {
    assert.equal(thrown.name, code);
    assert.equal(thrown.$metadata.httpStatusCode, status);
    return true;
  });

test("a bucket is made, listed, found, located and deleted", async () => {
  const Bucket = await newBucket();
  const { Buckets, Owner } = await client.send(new sdk.ListBucketsCommand({ Prefix: Bucket }));
  assert.deepEqual(
    Buckets?.map(({ Name, BucketRegion }) => [Name, BucketRegion]),
    [[Bucket, "us-east-1"]],
  );
  assert.match(Owner!.ID!, /^[0-9a-f]{64}$/);
  const head = await client.send(new sdk.HeadBucketCommand({ Bucket }));
  assert.equal(head.BucketRegion, "us-east-1");
  const { LocationConstraint } = await client.send(new sdk.GetBucketLocationCommand({ Bucket }));
  assert.equal(LocationConstraint, undefined);
  const again = await client.send(new sdk.CreateBucketCommand({ Bucket }));
  assert.equal(again.Location, `/${Bucket}`);
  await client.send(new sdk.DeleteBucketCommand({ Bucket }));
  await fails(client.send(new sdk.DeleteBucketCommand({ Bucket })), "NoSuchBucket", 404);
  await fails(client.send(new sdk.HeadBucketCommand({ Bucket })), "NotFound", 404);
});

test("CreateBucket refuses names, places and ACLs that S3 refuses", async () => {
  const create = (asked: sdk.CreateBucketCommandInput) =>
    client.send(new sdk.CreateBucketCommand(asked));
  await fails(create({ Bucket: "Upper" }), "InvalidBucketName", 400);
  await fails(
    create({
      Bucket: "somewhere",
      CreateBucketConfiguration: { LocationConstraint: "us-east-1" as never },
    }),
    "InvalidLocationConstraint",
    400,
  );
  await fails(
    create({ Bucket: "public", ACL: "public-read" }),
    "InvalidBucketAclWithObjectOwnership",
    400,
  );
  await fails(
    create({ Bucket: "owned", ObjectOwnership: "Nobody" as never }),
    "InvalidArgument",
    400,
  );
  await port.parts.buckets.create({
    name: "of-another",
    project: "other",
    accountId: "210987654321",
    region: "us-east-1",
  });
  await fails(create({ Bucket: "of-another" }), "BucketAlreadyExists", 409);
});

test("ListBuckets gives pages", async () => {
  for (const name of ["page-a", "page-b", "page-c"])
    await client.send(new sdk.CreateBucketCommand({ Bucket: name }));
  const names: string[][] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await client.send(
      new sdk.ListBucketsCommand({ Prefix: "page-", MaxBuckets: 2, ContinuationToken }),
    );
    names.push(page.Buckets!.map(({ Name }) => Name!));
    ContinuationToken = page.ContinuationToken;
  } while (ContinuationToken !== undefined);
  assert.deepEqual(names, [["page-a", "page-b"], ["page-c"]]);
  const wrong = new sdk.ListBucketsCommand({ MaxBuckets: 0 });
  await fails(client.send(wrong), "InvalidArgument", 400);
});

test("what nobody has set is not found, each by its own name", async () => {
  const Bucket = await newBucket();
  const asks: [sent: Promise<unknown>, code: string][] = [
    [client.send(new sdk.GetBucketPolicyCommand({ Bucket })), "NoSuchBucketPolicy"],
    [client.send(new sdk.GetBucketPolicyStatusCommand({ Bucket })), "NoSuchBucketPolicy"],
    [client.send(new sdk.GetBucketCorsCommand({ Bucket })), "NoSuchCORSConfiguration"],
    [
      client.send(new sdk.GetBucketLifecycleConfigurationCommand({ Bucket })),
      "NoSuchLifecycleConfiguration",
    ],
    [client.send(new sdk.GetBucketTaggingCommand({ Bucket })), "NoSuchTagSet"],
    [client.send(new sdk.GetBucketWebsiteCommand({ Bucket })), "NoSuchWebsiteConfiguration"],
    [
      client.send(new sdk.GetObjectLockConfigurationCommand({ Bucket })),
      "ObjectLockConfigurationNotFoundError",
    ],
    [
      client.send(new sdk.GetBucketEncryptionCommand({ Bucket })),
      "ServerSideEncryptionConfigurationNotFoundError",
    ],
    [
      client.send(new sdk.GetBucketReplicationCommand({ Bucket })),
      "ReplicationConfigurationNotFoundError",
    ],
    [
      client.send(new sdk.GetBucketInventoryConfigurationCommand({ Bucket, Id: "x" })),
      "NoSuchConfiguration",
    ],
    [
      client.send(new sdk.GetBucketMetricsConfigurationCommand({ Bucket, Id: "x" })),
      "NoSuchConfiguration",
    ],
    [
      client.send(new sdk.DeleteBucketAnalyticsConfigurationCommand({ Bucket, Id: "x" })),
      "NoSuchConfiguration",
    ],
  ];
  for (const [sent, code] of asks) await fails(sent, code, 404);
  await client.send(new sdk.DeletePublicAccessBlockCommand({ Bucket }));
  await fails(
    client.send(new sdk.GetPublicAccessBlockCommand({ Bucket })),
    "NoSuchPublicAccessBlockConfiguration",
    404,
  );
  await client.send(new sdk.DeleteBucketOwnershipControlsCommand({ Bucket }));
  await fails(
    client.send(new sdk.GetBucketOwnershipControlsCommand({ Bucket })),
    "OwnershipControlsNotFoundError",
    404,
  );
});

test("every answer is about a bucket of whom the caller expects", async () => {
  const Bucket = await newBucket();
  const head = (ExpectedBucketOwner: string) =>
    client.send(new sdk.GetBucketVersioningCommand({ Bucket, ExpectedBucketOwner }));
  await head(accountId);
  await fails(head("210987654321"), "AccessDenied", 403);
  await fails(head("somebody"), "InvalidBucketOwnerAWSAccountID", 400);
});

test("CORS rules come back as they were put", async () => {
  const Bucket = await newBucket();
  const CORSRules: sdk.CORSRule[] = [
    {
      ID: "one",
      AllowedHeaders: ["*"],
      AllowedMethods: ["PUT", "GET"],
      AllowedOrigins: ["https://*.example.org", "*"],
      ExposeHeaders: ["x-amz-version-id"],
      MaxAgeSeconds: 60,
    },
  ];
  const put = (rules: sdk.CORSRule[]) =>
    client.send(new sdk.PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: rules } }));
  await put(CORSRules);
  const got = await client.send(new sdk.GetBucketCorsCommand({ Bucket }));
  assert.deepEqual(got.CORSRules, CORSRules);
  const wrong = (more: Partial<sdk.CORSRule>) => put([{ ...CORSRules[0]!, ...more }]);
  await fails(wrong({ AllowedMethods: ["PATCH"] }), "InvalidRequest", 400);
  await fails(wrong({ AllowedOrigins: ["*.*"] }), "InvalidRequest", 400);
  await fails(wrong({ ExposeHeaders: ["*"] }), "InvalidRequest", 400);
  await fails(put([]), "MalformedXML", 400);
  await client.send(new sdk.DeleteBucketCorsCommand({ Bucket }));
  await fails(
    client.send(new sdk.GetBucketCorsCommand({ Bucket })),
    "NoSuchCORSConfiguration",
    404,
  );
});

test("tags come back as they were put", async () => {
  const Bucket = await newBucket();
  const put = (TagSet: sdk.Tag[]) =>
    client.send(new sdk.PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
  await put([{ Key: "a", Value: "1 + ä" }]);
  const got = await client.send(new sdk.GetBucketTaggingCommand({ Bucket }));
  assert.deepEqual(got.TagSet, [{ Key: "a", Value: "1 + ä" }]);
  await fails(
    put([
      { Key: "a", Value: "1" },
      { Key: "a", Value: "2" },
    ]),
    "InvalidTag",
    400,
  );
  await fails(put([{ Key: "aws:a", Value: "1" }]), "InvalidTag", 400);
  await client.send(new sdk.DeleteBucketTaggingCommand({ Bucket }));
  await fails(client.send(new sdk.GetBucketTaggingCommand({ Bucket })), "NoSuchTagSet", 404);
});

test("versions are switched on and suspended, but not where objects are locked", async () => {
  const Bucket = await newBucket();
  const put = (name: string, Status: sdk.BucketVersioningStatus | undefined) =>
    client.send(
      new sdk.PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: { Status } }),
    );
  const status = async (name: string) =>
    (await client.send(new sdk.GetBucketVersioningCommand({ Bucket: name }))).Status;
  assert.equal(await status(Bucket), undefined);
  await put(Bucket, "Enabled");
  assert.equal(await status(Bucket), "Enabled");
  await put(Bucket, "Suspended");
  assert.equal(await status(Bucket), "Suspended");
  await fails(put(Bucket, undefined), "IllegalVersioningConfigurationException", 400);
  await fails(put(Bucket, "On" as never), "MalformedXML", 400);
  const locked = await newBucket({ ObjectLockEnabledForBucket: true });
  assert.equal(await status(locked), "Enabled");
  await fails(put(locked, "Suspended"), "InvalidBucketState", 409);
});

test("object lock has a default that is days or years", async () => {
  const Bucket = await newBucket({ ObjectLockEnabledForBucket: true });
  const put = (name: string, DefaultRetention: sdk.DefaultRetention) =>
    client.send(
      new sdk.PutObjectLockConfigurationCommand({
        Bucket: name,
        ObjectLockConfiguration: { ObjectLockEnabled: "Enabled", Rule: { DefaultRetention } },
      }),
    );
  await put(Bucket, { Mode: "GOVERNANCE", Days: 3 });
  const got = await client.send(new sdk.GetObjectLockConfigurationCommand({ Bucket }));
  assert.deepEqual(got.ObjectLockConfiguration, {
    ObjectLockEnabled: "Enabled",
    Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: 3 } },
  });
  await fails(put(Bucket, { Mode: "COMPLIANCE", Days: 1, Years: 1 }), "MalformedXML", 400);
  await fails(put(Bucket, { Mode: "COMPLIANCE", Days: 0 }), "InvalidArgument", 400);
  await fails(put(Bucket, { Mode: "COMPLIANCE", Days: 36_501 }), "InvalidArgument", 400);
  const other = await newBucket();
  await fails(put(other, { Mode: "GOVERNANCE", Days: 3 }), "InvalidBucketState", 409);
});

test("encryption is what was asked for", async () => {
  const Bucket = await newBucket();
  const put = (rule: sdk.ServerSideEncryptionRule) =>
    client.send(
      new sdk.PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: { Rules: [rule] },
      }),
    );
  const KMSMasterKeyID = "arn:aws:kms:us-east-1:123456789012:key/1";
  const rule = {
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" as const, KMSMasterKeyID },
    BucketKeyEnabled: true,
  };
  await put(rule);
  const got = await client.send(new sdk.GetBucketEncryptionCommand({ Bucket }));
  assert.deepEqual(got.ServerSideEncryptionConfiguration?.Rules, [rule]);
  const plain = { SSEAlgorithm: "AES256" as const, KMSMasterKeyID };
  await fails(put({ ApplyServerSideEncryptionByDefault: plain }), "InvalidArgument", 400);
  await fails(put({}), "MalformedXML", 400);
});

test("the public access block and the ownership are what was put", async () => {
  const Bucket = await newBucket();
  const block = async () =>
    (await client.send(new sdk.GetPublicAccessBlockCommand({ Bucket })))
      .PublicAccessBlockConfiguration;
  assert.deepEqual(Object.values((await block())!), [true, true, true, true]);
  await client.send(
    new sdk.PutPublicAccessBlockCommand({
      Bucket,
      PublicAccessBlockConfiguration: { BlockPublicPolicy: true },
    }),
  );
  assert.deepEqual(await block(), {
    BlockPublicAcls: false,
    IgnorePublicAcls: false,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: false,
  });
  const ownership = async () =>
    (await client.send(new sdk.GetBucketOwnershipControlsCommand({ Bucket }))).OwnershipControls
      ?.Rules?.[0]?.ObjectOwnership;
  assert.equal(await ownership(), "BucketOwnerEnforced");
  await client.send(
    new sdk.PutBucketOwnershipControlsCommand({
      Bucket,
      OwnershipControls: { Rules: [{ ObjectOwnership: "ObjectWriter" }] },
    }),
  );
  assert.equal(await ownership(), "ObjectWriter");
});

test("an ACL is put where the ownership lets it mean something, and nothing public is blocked", async () => {
  const put = (asked: sdk.PutBucketAclCommandInput) =>
    client.send(new sdk.PutBucketAclCommand(asked));
  const closed = await newBucket();
  await fails(put({ Bucket: closed, ACL: "public-read" }), "AccessControlListNotSupported", 400);
  await put({ Bucket: closed, ACL: "private" });
  const Bucket = await newBucket({ ObjectOwnership: "BucketOwnerPreferred" });
  await fails(put({ Bucket, ACL: "public-read" }), "AccessDenied", 403);
  await client.send(new sdk.DeletePublicAccessBlockCommand({ Bucket }));
  await put({ Bucket, ACL: "public-read" });
  const { Owner, Grants } = await client.send(new sdk.GetBucketAclCommand({ Bucket }));
  assert.deepEqual(Grants, [
    { Grantee: { ID: Owner!.ID, Type: "CanonicalUser" }, Permission: "FULL_CONTROL" },
    {
      Grantee: { URI: "http://acs.amazonaws.com/groups/global/AllUsers", Type: "Group" },
      Permission: "READ",
    },
  ]);
  await put({ Bucket, AccessControlPolicy: { Owner, Grants: [Grants![0]!] } });
  const after = await client.send(new sdk.GetBucketAclCommand({ Bucket }));
  assert.equal(after.Grants!.length, 1);
  await put({ Bucket, GrantReadACP: `id="${Owner!.ID}", uri=${Grants![1]!.Grantee!.URI}` });
  const given = await client.send(new sdk.GetBucketAclCommand({ Bucket }));
  assert.deepEqual(
    given.Grants!.map(({ Permission }) => Permission),
    ["READ_ACP", "READ_ACP"],
  );
  await fails(put({ Bucket, ACL: "everyone" as never }), "InvalidArgument", 400);
  await fails(put({ Bucket, GrantRead: 'id="nobody"' }), "InvalidArgument", 400);
  await fails(
    put({ Bucket, GrantRead: "emailAddress=a@example.org" }),
    "UnresolvableGrantByEmailAddress",
    400,
  );
  const both = put({ Bucket, ACL: "private", GrantRead: `id="${Owner!.ID}"` });
  await fails(both, "InvalidRequest", 400);
  await fails(put({ Bucket }), "MissingSecurityHeader", 400);
  await fails(
    client.send(
      new sdk.PutBucketOwnershipControlsCommand({
        Bucket,
        OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
      }),
    ),
    "InvalidBucketAclWithObjectOwnership",
    400,
  );
});

test("what is wrong with owners, ACLs and replication is said in S3's words", async () => {
  const Bucket = await newBucket({ ObjectOwnership: "ObjectWriter" });
  await fails(
    newBucket({ ObjectOwnership: "ObjectWriter", ACL: "public-read" }),
    "InvalidBucketAclWithBlockPublicAccessError",
    400,
  );
  await fails(
    client.send(new sdk.GetBucketAclCommand({ Bucket, ExpectedBucketOwner: "me" })),
    "InvalidBucketOwnerAWSAccountID",
    400,
  );
  const { Owner } = await client.send(new sdk.GetBucketAclCommand({ Bucket }));
  const Grants = [{ Grantee: { Type: "CanonicalUser", ID: Owner!.ID! }, Permission: "ALL" }];
  await fails(
    client.send(
      new sdk.PutBucketAclCommand({
        Bucket,
        AccessControlPolicy: { Owner, Grants: Grants as sdk.Grant[] },
      }),
    ),
    "MalformedACLError",
    400,
  );
  await client.send(new sdk.DeleteBucketReplicationCommand({ Bucket }));
});
