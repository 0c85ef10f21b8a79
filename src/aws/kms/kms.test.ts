import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import * as iam from "@aws-sdk/client-iam";
import * as sdk from "@aws-sdk/client-kms";
import { KmsKeys } from "#/access/kms/keys.ts";
import { accountId, clientOptions, startAwsPort } from "../testing/aws-port.ts";

let aws: Awaited<ReturnType<typeof startAwsPort>>;
let root: sdk.KMSClient;
before(async () => {
  aws = await startAwsPort();
  root = new sdk.KMSClient(clientOptions(aws.endpoint));
});
after(() => aws.stop());

const fails = (promise: Promise<unknown>, name: string) => assert.rejects(promise, { name });
const secret = Buffer.from("a secret of ours");

async function newKey(more: Partial<sdk.CreateKeyCommandInput> = {}): Promise<string> {
  const { KeyMetadata } = await root.send(new sdk.CreateKeyCommand(more));
  return KeyMetadata!.KeyId!;
}
const encrypt = async (KeyId: string, EncryptionContext?: Record<string, string>) =>
  (
    await root.send(
      new sdk.EncryptCommand({
        KeyId,
        Plaintext: secret,
        ...(EncryptionContext && { EncryptionContext }),
      }),
    )
  ).CiphertextBlob!;
const decrypt = (CiphertextBlob: Uint8Array, more: Partial<sdk.DecryptCommandInput> = {}) =>
  root.send(new sdk.DecryptCommand({ CiphertextBlob, ...more }));

/** A client of a user who may nothing yet. */
async function userClient(UserName: string, Action?: string) {
  const client = new iam.IAMClient(clientOptions(aws.endpoint));
  await client.send(new iam.CreateUserCommand({ UserName }));
  if (Action !== undefined) {
    const Statement = [{ Effect: "Allow", Action, Resource: "*" }];
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
    await client.send(new iam.PutUserPolicyCommand({ UserName, PolicyName: "p", PolicyDocument }));
  }
  const { AccessKey } = await client.send(new iam.CreateAccessKeyCommand({ UserName }));
  const credentials = {
    accessKeyId: AccessKey!.AccessKeyId!,
    secretAccessKey: AccessKey!.SecretAccessKey!,
  };
  return new sdk.KMSClient({ ...clientOptions(aws.endpoint), credentials });
}

describe("keys", () => {
  it("are made, described, listed, disabled, and deleted when their time is over", async () => {
    const KeyId = await newKey({ Description: "one", Tags: [{ TagKey: "a", TagValue: "b" }] });
    const Arn = `arn:aws:kms:us-east-1:${accountId}:key/${KeyId}`;
    const state = async () =>
      (await root.send(new sdk.DescribeKeyCommand({ KeyId: Arn }))).KeyMetadata!.KeyState;
    assert.equal(await state(), "Enabled");
    const { Keys } = await root.send(new sdk.ListKeysCommand({}));
    assert.ok(Keys!.some((one) => one.KeyArn === Arn));
    const blob = await encrypt(KeyId);
    await root.send(new sdk.DisableKeyCommand({ KeyId }));
    assert.equal(await state(), "Disabled");
    await fails(encrypt(KeyId), "DisabledException");
    await fails(decrypt(blob), "DisabledException");
    await root.send(new sdk.EnableKeyCommand({ KeyId }));
    await fails(
      root.send(new sdk.ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 3 })),
      "ValidationException",
    );
    await root.send(new sdk.ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));
    await fails(decrypt(blob), "KMSInvalidStateException");
    const later = { now: () => aws.parts.clock.now() + 8 * 24 * 3_600_000 };
    const { space, random } = aws.parts;
    const then = new KmsKeys({ space, sealer: aws.sealer, clock: later, random });
    assert.throws(() => then.keyOf(blob), { awsCode: "InvalidCiphertextException" });
    await root.send(new sdk.CancelKeyDeletionCommand({ KeyId }));
    assert.equal(await state(), "Disabled");
    const { Tags } = await root.send(new sdk.ListResourceTagsCommand({ KeyId }));
    assert.deepEqual(Tags, [{ TagKey: "a", TagValue: "b" }]);
    await fails(root.send(new sdk.DescribeKeyCommand({ KeyId: "nothing" })), "NotFoundException");
    await fails(
      newKey({ KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY" }),
      "UnsupportedOperationException",
    );
  });

  it("are not found by the name that all clients know, which they read in the body", async () => {
    const headers: Record<string, string> = {};
    root.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        Object.assign(headers, (result.response as { headers: object }).headers);
        return result;
      },
      { step: "deserialize", priority: "low", name: "headers", override: true },
    );
    await fails(root.send(new sdk.DescribeKeyCommand({ KeyId: "x" })), "NotFoundException");
    root.middlewareStack.remove("headers");
    assert.equal(headers["content-type"], "application/x-amz-json-1.1");
    assert.equal(headers["x-amzn-query-error"], undefined);
  });

  it("keep their material sealed in the log", async () => {
    const KeyId = await newKey();
    const { materials } = aws.parts.space.get("kms-key", `default/${KeyId}`)!.status;
    const plain = aws.sealer.unseal(materials[0]!.sealed, `kms key ${KeyId} 0`);
    assert.equal(Buffer.from(plain, "base64").length, 32);
    assert.ok(!JSON.stringify(aws.parts.space.snapshot()).includes(plain));
  });

  it("have other names", async () => {
    const [one, two] = [await newKey(), await newKey()];
    const AliasName = "alias/app/one";
    await root.send(new sdk.CreateAliasCommand({ AliasName, TargetKeyId: one }));
    await fails(
      root.send(new sdk.CreateAliasCommand({ AliasName, TargetKeyId: two })),
      "AlreadyExistsException",
    );
    await fails(
      root.send(new sdk.CreateAliasCommand({ AliasName: "app", TargetKeyId: two })),
      "ValidationException",
    );
    const blob = await encrypt(AliasName);
    assert.ok((await decrypt(blob)).KeyId!.endsWith(one));
    await root.send(new sdk.UpdateAliasCommand({ AliasName, TargetKeyId: two }));
    await fails(decrypt(blob, { KeyId: AliasName }), "IncorrectKeyException");
    const { Aliases } = await root.send(new sdk.ListAliasesCommand({ KeyId: two }));
    assert.deepEqual(
      Aliases!.map((each) => each.AliasName),
      [AliasName],
    );
    await root.send(new sdk.DeleteAliasCommand({ AliasName }));
    await fails(encrypt(AliasName), "NotFoundException");
  });
});

describe("encryption", () => {
  it("is undone with the same context only, and by nothing that was changed", async () => {
    const KeyId = await newKey();
    const EncryptionContext = { b: "2", a: "1" };
    const blob = await encrypt(KeyId, EncryptionContext);
    const answer = await decrypt(blob, { EncryptionContext: { a: "1", b: "2" } });
    assert.deepEqual(Buffer.from(answer.Plaintext!), secret);
    await fails(decrypt(blob), "InvalidCiphertextException");
    await fails(
      decrypt(blob, { EncryptionContext: { a: "2", b: "1" } }),
      "InvalidCiphertextException",
    );
    for (const at of [0, 1, 20, 25, 40, blob.length - 1]) {
      const changed = Buffer.from(blob);
      changed[at]! ^= 1;
      await fails(decrypt(changed, { EncryptionContext }), "InvalidCiphertextException");
    }
    await fails(decrypt(Buffer.from("short")), "InvalidCiphertextException");
  });

  it("goes on after a rotation, and so does what was encrypted before", async () => {
    const KeyId = await newKey();
    const before = await encrypt(KeyId);
    await root.send(new sdk.RotateKeyOnDemandCommand({ KeyId }));
    const after = await encrypt(KeyId);
    for (const blob of [before, after])
      assert.deepEqual(Buffer.from((await decrypt(blob)).Plaintext!), secret);
    const { Rotations } = await root.send(new sdk.ListKeyRotationsCommand({ KeyId }));
    assert.equal(Rotations!.length, 1);
    await root.send(new sdk.EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 90 }));
    const status = await root.send(new sdk.GetKeyRotationStatusCommand({ KeyId }));
    assert.equal(status.RotationPeriodInDays, 90);
    const { space, random } = aws.parts;
    const later = { now: () => aws.parts.clock.now() + 91 * 24 * 3_600_000 };
    const then = new KmsKeys({ space, sealer: aws.sealer, clock: later, random });
    const blob = await then.encrypt(space.get("kms-key", `default/${KeyId}`)!, secret, {});
    assert.equal(space.get("kms-key", `default/${KeyId}`)!.status.materials.length, 3);
    assert.deepEqual(Buffer.from((await decrypt(blob)).Plaintext!), secret);
  });

  it("makes data keys, and moves cipher texts from key to key", async () => {
    const [one, two] = [await newKey(), await newKey()];
    const made = await root.send(
      new sdk.GenerateDataKeyCommand({ KeyId: one, KeySpec: "AES_256" }),
    );
    assert.equal(made.Plaintext!.length, 32);
    assert.deepEqual((await decrypt(made.CiphertextBlob!)).Plaintext, made.Plaintext);
    const unseen = await root.send(
      new sdk.GenerateDataKeyWithoutPlaintextCommand({ KeyId: one, NumberOfBytes: 64 }),
    );
    assert.ok(!("Plaintext" in unseen));
    const moved = await root.send(
      new sdk.ReEncryptCommand({ CiphertextBlob: made.CiphertextBlob!, DestinationKeyId: two }),
    );
    const answer = await decrypt(moved.CiphertextBlob!);
    assert.ok(answer.KeyId!.endsWith(two));
    assert.deepEqual(answer.Plaintext, made.Plaintext);
    await fails(root.send(new sdk.GenerateDataKeyCommand({ KeyId: one })), "ValidationException");
    const { Plaintext } = await root.send(new sdk.GenerateRandomCommand({ NumberOfBytes: 20 }));
    assert.equal(Plaintext!.length, 20);
  });
});

describe("policies of keys", () => {
  it("say whether the account's policies count at all", async () => {
    const KeyId = await newKey();
    const none = await userClient("none");
    const some = await userClient("some", "kms:*");
    const use = (client: sdk.KMSClient) =>
      client.send(new sdk.EncryptCommand({ KeyId, Plaintext: secret }));
    await fails(use(none), "AccessDeniedException");
    await use(some);
    const statement = (name: string) => ({
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${accountId}:${name}` },
      Action: "kms:*",
      Resource: "*",
    });
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement("user/none")] });
    await fails(
      root.send(new sdk.PutKeyPolicyCommand({ KeyId, Policy })),
      "MalformedPolicyDocumentException",
    );
    await fails(newKey({ Policy }), "MalformedPolicyDocumentException");
    const BypassPolicyLockoutSafetyCheck = true;
    await root.send(new sdk.PutKeyPolicyCommand({ KeyId, Policy, BypassPolicyLockoutSafetyCheck }));
    await use(none);
    await fails(use(some), "AccessDeniedException");
    await fails(use(root), "AccessDeniedException");
    const got = await none.send(new sdk.GetKeyPolicyCommand({ KeyId }));
    assert.equal(got.Policy, Policy);
    await fails(
      none.send(new sdk.PutKeyPolicyCommand({ KeyId, Policy: "{}" })),
      "MalformedPolicyDocumentException",
    );
  });

  it("may ask for an encryption context", async () => {
    const Condition = { StringEquals: { "kms:EncryptionContext:app": "mine" } };
    const own = { Effect: "Allow", Principal: { AWS: accountId }, Action: "kms:*", Resource: "*" };
    const limited = {
      ...own,
      Principal: "*",
      Effect: "Deny",
      Action: "kms:Encrypt",
      Condition: { StringNotEquals: Condition.StringEquals },
    };
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [own, limited] });
    const KeyId = await newKey({ Policy });
    await fails(encrypt(KeyId), "AccessDeniedException");
    await encrypt(KeyId, { app: "mine" });
  });
});

describe("what is asked for", () => {
  it("is tried, and not done, where it is a trial", async () => {
    const KeyId = await newKey();
    const CiphertextBlob = await encrypt(KeyId);
    const trial = { KeyId, DryRun: true };
    const dry = "DryRunOperationException";
    await fails(root.send(new sdk.EncryptCommand({ ...trial, Plaintext: secret })), dry);
    await fails(decrypt(CiphertextBlob, trial), dry);
    await fails(
      decrypt(CiphertextBlob, { ...trial, EncryptionContext: { a: "b" } }),
      "InvalidCiphertextException",
    );
    await fails(root.send(new sdk.GenerateDataKeyCommand({ ...trial, KeySpec: "AES_256" })), dry);
    const again = { CiphertextBlob, DestinationKeyId: KeyId, DryRun: true };
    await fails(root.send(new sdk.ReEncryptCommand(again)), dry);
  });

  it("is refused where keys here are not of that kind", async () => {
    const KeyId = await newKey();
    await fails(
      root.send(new sdk.GenerateDataKeyCommand({ KeyId, KeySpec: "AES_512" as never })),
      "ValidationException",
    );
    const EncryptionAlgorithm = "RSAES_OAEP_SHA_256" as const;
    await fails(
      root.send(new sdk.EncryptCommand({ KeyId, Plaintext: secret, EncryptionAlgorithm })),
      "InvalidKeyUsageException",
    );
    await fails(decrypt(await encrypt(KeyId), { EncryptionAlgorithm }), "InvalidKeyUsageException");
  });

  it("is bounded in tags and description", async () => {
    const tag = (TagKey: string) => ({ TagKey, TagValue: "v" });
    await fails(newKey({ Tags: [tag("a"), tag("a")] }), "TagException");
    const many = Array.from({ length: 51 }, (_, at) => tag(`t${at}`));
    await fails(newKey({ Tags: many }), "TagException");
    await fails(newKey({ Description: "d".repeat(8193) }), "ValidationException");
  });
});
