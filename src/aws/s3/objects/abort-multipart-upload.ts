import { newHeaders, send } from "../answer.ts";
import { operation } from "../call.ts";
import { demand } from "../permission.ts";
import { uploadOf } from "./upload.ts";

export const abortMultipartUpload = operation(async (call) => {
  demand(call, "AbortMultipartUpload");
  const { uploadId } = await uploadOf(call);
  await call.store.abortUpload(call.place, uploadId);
  send(call, 204, newHeaders(call));
});
