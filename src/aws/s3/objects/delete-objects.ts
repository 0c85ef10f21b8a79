import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { DeleteResult, WriteCondition } from "#/objects/object-store.ts";
import { asAwsError } from "../../errors.ts";
import type { XmlElement } from "../../xml/parse.ts";
import { sendXml } from "../answer.ts";
import { readDocumentBody } from "../body.ts";
import { isVersionId, operation, type ObjectCall } from "../call.ts";
import { checkDigest } from "../digest.ts";
import { accessDenied, malformedXml, noSuchVersion } from "../errors.ts";
import { bare } from "../headers/conditions.ts";
import { checkKey } from "../key.ts";
import { mayDo } from "../permission.ts";
import { childrenOf, readXml, textAt } from "../xml/read.ts";
import { element, xmlDocument } from "../xml/write.ts";
import { mayBypass, removeObject } from "./delete-object.ts";

interface Wanted {
  key: string;
  versionId?: string;
  condition?: WriteCondition;
}

/** Up to a thousand at once; what fails is told by key. */
export const deleteObjects = operation(async (call) => {
  demandAny(call);
  const body = await readDocumentBody(call);
  await checkDigest(call, body, { isRequired: true });
  const root = readXml(body, "Delete");
  const isQuiet = textAt(root, "Quiet")?.trim() === "true";
  const wanted = childrenOf(root, "Object").map(readWanted);
  if (wanted.length === 0 || wanted.length > limits.listedMax) throw malformedXml();
  const failed: unknown[] = [];
  const told = await inTurns(wanted, async (one) => {
    try {
      return await removeOne(call, one, isQuiet);
    } catch (thrown) {
      failed.push(thrown);
      return errorOf(one, asAwsError(thrown, call.context.parts.log, "DeleteObjects"));
    }
  });
  // Where nothing was done, the whole may be sent again; else its client must learn what was.
  if (failed.length === wanted.length) throw failed[0];
  sendXml(call, xmlDocument("DeleteResult", told.join("")));
});

/** Who has signed is told by key what they may not; strangers who may delete nothing here are not read. Throws "AccessDenied". */
function demandAny({ context, bucket }: ObjectCall): void {
  if (context.caller.kind !== "anonymous") return;
  const unknown = { resource: true } as const;
  const isAny = ["DeleteObject", "DeleteObjectVersion"].some((action) =>
    mayDo(context, bucket, action, "", { unknown }),
  );
  if (!isAny) throw accessDenied();
}

async function removeOne(call: ObjectCall, wanted: Wanted, isQuiet: boolean): Promise<string> {
  const { key, ...asked } = wanted;
  try {
    checkKey(key);
    if (asked.versionId !== undefined && !isVersionId(asked.versionId))
      throw noSuchVersion(key, asked.versionId);
    const result = await removeObject(call, key, {
      ...asked,
      ...(mayBypass(call, key) && { mayBypassGovernance: true }),
    });
    return isQuiet ? "" : deleted(wanted, result);
  } catch (thrown) {
    if (!(thrown instanceof AwsError) || thrown.status >= 500) throw thrown;
    return errorOf(wanted, thrown);
  }
}

const errorOf = ({ key, versionId }: Wanted, { awsCode, message }: AwsError): string =>
  `<Error>${element("Key", key)}${element("VersionId", versionId)}${element("Code", awsCode)}${element("Message", message)}</Error>`;

function deleted({ key, versionId }: Wanted, { removed, marker }: DeleteResult): string {
  const isMarker = removed !== undefined && "isDeleteMarker" in removed;
  const markerId = marker?.versionId ?? (isMarker ? removed.versionId : undefined);
  return `<Deleted>${element("Key", key)}${element("VersionId", versionId)}${
    markerId === undefined
      ? ""
      : `${element("DeleteMarker", true)}${element("DeleteMarkerVersionId", markerId)}`
  }</Deleted>`;
}

function readWanted(object: XmlElement): Wanted {
  const key = textAt(object, "Key");
  if (key === undefined || key === "") throw malformedXml();
  const versionId = textAt(object, "VersionId");
  const etag = textAt(object, "ETag");
  const modified = textAt(object, "LastModifiedTime");
  const size = textAt(object, "Size");
  const condition: WriteCondition = {};
  if (etag !== undefined) condition.ifMatch = bare(etag);
  if (modified !== undefined) {
    condition.ifModifiedMs = Date.parse(modified);
    if (Number.isNaN(condition.ifModifiedMs)) throw malformedXml();
  }
  if (size !== undefined) {
    if (!/^\d{1,15}$/.test(size)) throw malformedXml();
    condition.ifSizeBytes = Number(size);
  }
  return {
    key,
    ...(versionId !== undefined && versionId !== "" && { versionId }),
    ...(Object.keys(condition).length > 0 && { condition }),
  };
}

/** Together in groups, so that they share what a write to disk costs; answers in the order asked. */
async function inTurns<Item, Result>(
  items: readonly Item[],
  act: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += limits.deletedAtOnce)
    results.push(...(await Promise.all(items.slice(at, at + limits.deletedAtOnce).map(act))));
  return results;
}
