import type { Retention } from "#/objects/object-version.ts";
import { newHeaders, send } from "../answer.ts";
import { readDocumentBody } from "../body.ts";
import { operation, versionIdOf } from "../call.ts";
import { checkDigest } from "../digest.ts";
import { invalidArgument, malformedXml } from "../errors.ts";
import { instantOf, missingConfiguration } from "../headers/locks.ts";
import { remainingDays } from "../write-conditions.ts";
import { readXml, textAt } from "../xml/read.ts";
import { mayBypass } from "./delete-object.ts";
import { demandMark, markObject } from "./mark-object.ts";

const retentionKeys = [
  "s3:object-lock-mode",
  "s3:object-lock-retain-until-date",
  "s3:object-lock-remaining-retention-days",
];

export const putObjectRetention = operation(async (call) => {
  const versionId = versionIdOf(call);
  await demandMark(call, versionId, "PutObjectRetention", retentionKeys);
  const body = await readDocumentBody(call);
  await checkDigest(call, body, { isRequired: false });
  if (!call.bucket.spec.objectLock) throw missingConfiguration();
  const retention = readRetention(body, call.nowMs);
  const mayBypassGovernance = mayBypass(call, call.key);
  await markObject(
    call,
    versionId,
    "PutObjectRetention",
    { retention: retention ?? null },
    {
      mayBypassGovernance,
      conditions: retention
        ? {
            "s3:object-lock-mode": retention.mode,
            "s3:object-lock-retain-until-date": new Date(retention.untilMs).toISOString(),
            ...remainingDays(retention.untilMs, call.nowMs),
          }
        : {},
    },
  );
  send(call, 200, newHeaders(call));
});

/** An empty one takes the retention away. Throws "MalformedXML", "InvalidArgument". */
function readRetention(body: Uint8Array, nowMs: number): Retention | undefined {
  const root = readXml(body, "Retention");
  const [mode, until] = [textAt(root, "Mode"), textAt(root, "RetainUntilDate")];
  if (mode === undefined && until === undefined) return undefined;
  if (until === undefined || (mode !== "GOVERNANCE" && mode !== "COMPLIANCE")) throw malformedXml();
  const untilMs = instantOf(until);
  if (untilMs === undefined) throw malformedXml();
  if (untilMs <= nowMs)
    throw invalidArgument("The retain until date must be in the future!", "RetainUntilDate", until);
  return { mode, untilMs };
}
