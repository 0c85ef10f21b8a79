import type { ObjectVersion } from "#/objects/object-version.ts";
import { checksumHeaders, newHeaders, send, versionHeader, type AnswerHeaders } from "../answer.ts";
import { announcedSize, takeBody } from "../body.ts";
import { operation, parameter, type ObjectCall } from "../call.ts";
import { invalidArgument } from "../errors.ts";
import { newEncryptionHeaders } from "../headers/encryption.ts";
import { withinQuota } from "../quota.ts";
import { newObject } from "./new-object.ts";
import { requireRoomToTell, tell } from "../tell.ts";
import { expirationHeader } from "../expiration.ts";

export const putObject = operation(async (call) => {
  refusePart(call);
  const { options, announced } = await newObject(call);
  const sizeBytes = announcedSize(call);
  requireRoomToTell(call, "ObjectCreated:Put");
  const { version } = await withinQuota(call, sizeBytes, async () => {
    const { source, promised } = await takeBody(call, sizeBytes, announced);
    return call.store.put(call.place, source, { ...options, ...promised });
  });
  await tell(call, "ObjectCreated:Put", version);
  const headers = newHeaders(call);
  tellPut(headers, call, version);
  send(call, 200, headers);
});

/** A part of an upload that says not which, or of none, must not become the object. Throws "InvalidArgument". */
function refusePart(call: ObjectCall): void {
  if (call.context.target.query === "") return;
  for (const [name, other] of [
    ["uploadId", "partNumber"],
    ["partNumber", "uploadId"],
  ] as const)
    if (parameter(call, name) !== undefined)
      throw invalidArgument(`This operation does not accept ${name} without ${other}`, name);
}

/** What is told of an object that was put. */
export function tellPut(headers: AnswerHeaders, call: ObjectCall, version: ObjectVersion): void {
  headers["etag"] = `"${version.etag}"`;
  headers["x-amz-object-size"] = version.sizeBytes;
  checksumHeaders(headers, version.checksum);
  newEncryptionHeaders(headers, version.encryption);
  versionHeader(headers, call, version.versionId);
  expirationHeader(headers, call, version);
}
