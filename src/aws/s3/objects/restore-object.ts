import { AwsError } from "#/model/aws-error.ts";
import { newHeaders, send } from "../answer.ts";
import { readDocumentBody } from "../body.ts";
import { operation, versionIdOf } from "../call.ts";
import { checkDigest } from "../digest.ts";
import { accessDenied, methodNotAllowed } from "../errors.ts";
import { mayDo, missing } from "../permission.ts";
import { readXml } from "../xml/read.ts";
import { demandMark } from "./mark-object.ts";

/** Cold objects are read as they are, so that one that is asked for is there already. */
export const restoreObject = operation(async (call) => {
  const { context, bucket, key, store, place } = call;
  const versionId = versionIdOf(call);
  await demandMark(call, versionId, "RestoreObject");
  const body = await readDocumentBody(call);
  await checkDigest(call, body, { isRequired: false });
  if (body.length > 0) readXml(body, "RestoreRequest");
  const found = await store.find(place, versionId);
  if (!mayDo(context, bucket, "RestoreObject", key, { found, versionId })) throw accessDenied();
  if (!found) throw missing(context, bucket, key, versionId);
  if ("isDeleteMarker" in found) throw methodNotAllowed("POST", "DeleteMarker");
  if (found.storageClass !== "GLACIER" && found.storageClass !== "DEEP_ARCHIVE")
    throw new AwsError(
      "InvalidObjectState",
      403,
      "Restore is not allowed for the object's current storage class",
      { fields: { StorageClass: found.storageClass } },
    );
  send(call, 200, newHeaders(call));
});
