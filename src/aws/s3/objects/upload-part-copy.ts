import { limits } from "#/base/limits.ts";
import { newHeaders, sendXml } from "../answer.ts";
import { operation } from "../call.ts";
import { copiedSource } from "../copied-source.ts";
import { entityTooLarge } from "../errors.ts";
import { parseCopySource } from "../headers/copy-source.ts";
import { encryptionHeaders } from "../headers/encryption.ts";
import { parseSourceRange } from "../headers/range.ts";
import { givingUp } from "../giving-up.ts";
import { demand } from "../permission.ts";
import { withinQuota } from "../quota.ts";
import { writeConditions } from "../write-conditions.ts";
import { copyResult } from "./copy-object.ts";
import { partChecksum, partEncryption, partNumber, uploadOf } from "./upload.ts";

export const uploadPartCopy = operation(async (call) => {
  const number = partNumber(call);
  demand(call, "PutObject", writeConditions(call.headers));
  const asked = parseCopySource(String(call.headers["x-amz-copy-source"]));
  const upload = await uploadOf(call);
  const source = await copiedSource(call, asked, { takesTags: false });
  const { found } = source;
  const header = call.headers["x-amz-copy-source-range"];
  const range =
    header === undefined ? undefined : parseSourceRange(String(header), found.sizeBytes);
  const sizeBytes = range ? range.end - range.start : found.sizeBytes;
  if (sizeBytes > limits.objectPutBytesMax)
    throw entityTooLarge(sizeBytes, limits.objectPutBytesMax);
  const encryption = partEncryption(call, upload);
  const { algorithm } = partChecksum(upload, undefined, true);
  const part = await withinQuota(call, sizeBytes, async () => {
    const bytes = await call.store.read(source.place, found, {
      ...(range && { range }),
      ...(source.key && { key: source.key }),
    });
    const about = { sizeBytes, checksum: { algorithm }, ...encryption };
    return givingUp(bytes, (read) =>
      call.store.putPart(call.place, upload.uploadId, number, read, about),
    );
  });
  const headers = newHeaders(call);
  if (source.bucket.spec.versioning !== "off")
    headers["x-amz-copy-source-version-id"] = found.versionId;
  encryptionHeaders(headers, upload.encryption);
  const { checksum, ...told } = part;
  const isTold = checksum !== undefined && upload.checksum !== undefined;
  sendXml(call, copyResult("CopyPartResult", { ...told, ...(isTold && { checksum }) }), headers);
});
