import assert from "node:assert/strict";
import { after, test, type TestContext } from "node:test";
import * as sdk from "@aws-sdk/client-s3";
import { clientOptions, startAwsPort } from "../../testing/aws-port.ts";

const port = await startAwsPort();
const client = new sdk.S3Client(clientOptions(port.endpoint));
after(async () => {
  client.destroy();
  await port.stop();
});

/** A bucket without versions that has one object, and what switches versions on while a call is in the store. */
async function switching(t: TestContext, Bucket: string) {
  await client.send(new sdk.CreateBucketCommand({ Bucket }));
  const { VersionId } = await client.send(
    new sdk.PutObjectCommand({ Bucket, Key: "a", Body: "1" }),
  );
  assert.equal(VersionId, undefined);
  const { store } = port.parts;
  const switchOn = () =>
    client.send(
      new sdk.PutBucketVersioningCommand({
        Bucket,
        VersioningConfiguration: { Status: "Enabled" },
      }),
    );
  return {
    during(name: "put" | "completeUpload" | "delete"): void {
      const original = store[name].bind(store) as (...asked: unknown[]) => Promise<unknown>;
      t.mock.method(store, name, async (...asked: unknown[]) => {
        await switchOn();
        return original(...asked);
      });
    },
    async versions() {
      const { Versions = [], DeleteMarkers = [] } = await client.send(
        new sdk.ListObjectVersionsCommand({ Bucket }),
      );
      return [...DeleteMarkers, ...Versions].map(({ VersionId: id }) => id);
    },
  };
}

const at = (Bucket: string) => ({ Bucket, Key: "a" });

test("a put that began before versions were switched on keeps the object that was there", async (t) => {
  const { during, versions } = await switching(t, "putting");
  during("put");
  const put = await client.send(new sdk.PutObjectCommand({ ...at("putting"), Body: "2" }));
  assert.match(put.VersionId!, /^\w{32}$/);
  assert.deepEqual(await versions(), [put.VersionId, "null"]);
});

test("so does a copy, and an upload that is completed", async (t) => {
  const copying = await switching(t, "copying");
  copying.during("put");
  const CopySource = "putting/a";
  const copied = await client.send(new sdk.CopyObjectCommand({ ...at("copying"), CopySource }));
  assert.deepEqual(await copying.versions(), [copied.VersionId, "null"]);
  const completing = await switching(t, "completing");
  completing.during("completeUpload");
  const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(at("completing")));
  const part = { ...at("completing"), UploadId, PartNumber: 1 };
  const { ETag } = await client.send(new sdk.UploadPartCommand({ ...part, Body: "part" }));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  const completed = await client.send(
    new sdk.CompleteMultipartUploadCommand({ ...at("completing"), UploadId, MultipartUpload }),
  );
  assert.deepEqual(await completing.versions(), [completed.VersionId, "null"]);
});

test("so does a deletion, which hides it", async (t) => {
  const { during, versions } = await switching(t, "deleting");
  during("delete");
  const gone = await client.send(new sdk.DeleteObjectCommand(at("deleting")));
  assert.equal(gone.DeleteMarker, true);
  assert.deepEqual(await versions(), [gone.VersionId, "null"]);
});
