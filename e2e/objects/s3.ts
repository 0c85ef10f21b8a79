import { S3Client } from "@aws-sdk/client-s3";
import type { MadeAccessKeyView } from "#/model/access-key-views.ts";
import type { TestCloud } from "../cloud.ts";

/** A key of a cloud's own, and what speaks S3 with it. */
export async function s3Of(cloud: TestCloud, known?: MadeAccessKeyView) {
  const key =
    known ?? (await cloud.call<MadeAccessKeyView>("POST", "/v1/access-keys", { title: "t" }));
  const { accessKeyId, secretAccessKey } = key;
  const credentials = { accessKeyId, secretAccessKey };
  const endpoint = cloud.awsUrl;
  const s3 = new S3Client({ endpoint, region: "us-east-1", credentials, forcePathStyle: true });
  return { s3, key };
}
