import { sendXml } from "../answer.ts";
import { operation, versionIdOf } from "../call.ts";
import { missingConfiguration } from "../headers/locks.ts";
import { element, xmlDocument } from "../xml/write.ts";
import { noLock } from "./get-object-retention.ts";
import { findReadable } from "./read-object.ts";

export const getObjectLegalHold = operation(async (call) => {
  if (!call.bucket.spec.objectLock) throw missingConfiguration();
  const { hasLegalHold } = await findReadable(call, versionIdOf(call), "GET", "GetObjectLegalHold");
  if (hasLegalHold === undefined) throw noLock();
  sendXml(call, xmlDocument("LegalHold", element("Status", hasLegalHold ? "ON" : "OFF")));
});
