import { newHeaders, send, versionHeader } from "../answer.ts";
import { operation, versionIdOf } from "../call.ts";
import { markObject } from "./mark-object.ts";

export const deleteObjectTagging = operation(async (call) => {
  const version = await markObject(call, versionIdOf(call), "DeleteObjectTagging", { tags: null });
  const headers = newHeaders(call);
  versionHeader(headers, call, version.versionId);
  send(call, 204, headers);
});
