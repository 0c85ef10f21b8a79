import { newHeaders, send } from "../answer.ts";
import { announcedSize, keptOtherwise, takeBody } from "../body.ts";
import { operation } from "../call.ts";
import { announcedChecksum, checksumHeader, contentMd5 } from "../headers/checksums.ts";
import { encryptionHeaders } from "../headers/encryption.ts";
import { demand } from "../permission.ts";
import { withinQuota } from "../quota.ts";
import { partChecksum, partEncryption, partNumber, uploadOf } from "./upload.ts";

export const uploadPart = operation(async (call) => {
  const number = partNumber(call);
  demand(call, "PutObject");
  const announced = announcedChecksum(call.headers);
  const md5 = contentMd5(call.headers);
  const upload = await uploadOf(call);
  const checksum = partChecksum(upload, announced);
  const sizeBytes = announcedSize(call);
  const encryption = partEncryption(call, upload);
  const { part, taken } = await withinQuota(call, sizeBytes, async () => {
    const whole = await takeBody(call, sizeBytes, announced ?? checksum);
    const body = await keptOtherwise(whole, checksum.algorithm);
    const made = await call.store.putPart(call.place, upload.uploadId, number, body.source, {
      ...body.promised,
      ...(md5 !== undefined && { contentMd5: md5 }),
      ...encryption,
    });
    return { part: made, taken: whole };
  });
  const headers = newHeaders(call);
  headers["etag"] = `"${part.etag}"`;
  const told = announced ? taken.promised.checksum.expected?.() : undefined;
  if (told !== undefined) headers[checksumHeader(taken.promised.checksum.algorithm)] = told;
  else if (part.checksum && upload.checksum)
    headers[checksumHeader(part.checksum.algorithm)] = part.checksum.value;
  encryptionHeaders(headers, upload.encryption);
  send(call, 200, headers);
});
