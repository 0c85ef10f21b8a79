import { newHeaders, send } from "../answer.ts";
import { readDocumentBody } from "../body.ts";
import { operation, versionIdOf } from "../call.ts";
import { checkDigest } from "../digest.ts";
import { malformedXml } from "../errors.ts";
import { missingConfiguration } from "../headers/locks.ts";
import { readXml, textAt } from "../xml/read.ts";
import { demandMark, markObject } from "./mark-object.ts";

export const putObjectLegalHold = operation(async (call) => {
  const versionId = versionIdOf(call);
  await demandMark(call, versionId, "PutObjectLegalHold", ["s3:object-lock-legal-hold"]);
  const body = await readDocumentBody(call);
  await checkDigest(call, body, { isRequired: false });
  if (!call.bucket.spec.objectLock) throw missingConfiguration();
  const status = textAt(readXml(body, "LegalHold"), "Status");
  if (status !== "ON" && status !== "OFF") throw malformedXml();
  await markObject(
    call,
    versionId,
    "PutObjectLegalHold",
    { hasLegalHold: status === "ON" },
    { conditions: { "s3:object-lock-legal-hold": status } },
  );
  send(call, 200, newHeaders(call));
});
