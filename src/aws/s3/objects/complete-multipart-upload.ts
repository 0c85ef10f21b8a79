import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { Upload } from "#/objects/object-store.ts";
import type { Checksum, ChecksumAlgorithm, ObjectVersion } from "#/objects/object-version.ts";
import { baseUrlOf } from "../../base-url.ts";
import type { XmlElement } from "../../xml/parse.ts";
import { newHeaders, sendXml, versionHeader } from "../answer.ts";
import { readDocumentBody } from "../body.ts";
import { isVersionId, operation, parameter, type ObjectCall } from "../call.ts";
import { badDigest, invalidArgument, invalidRequest, malformedXml } from "../errors.ts";
import { checksumIn, checksumType, checkedValue } from "../headers/checksums.ts";
import { bare, writeCondition } from "../headers/conditions.ts";
import { encryptionHeaders } from "../headers/encryption.ts";
import { demand } from "../permission.ts";
import { writeConditions } from "../write-conditions.ts";
import { childrenOf, readXml, textAt } from "../xml/read.ts";
import { element, xmlDocument } from "../xml/write.ts";
import { checksumElement } from "./copy-object.ts";
import { uploadOf } from "./upload.ts";
import { requireRoomToTell, tell } from "../tell.ts";
import { expirationHeader } from "../expiration.ts";

interface ListedPart {
  number: number;
  etag: string;
  checksum?: { algorithm: ChecksumAlgorithm; value: string };
}

export const completeMultipartUpload = operation(async (call) => {
  const { headers: asked, bucket } = call;
  demand(call, "PutObject", writeConditions(asked));
  const body = await readDocumentBody(call);
  if (body.length === 0) throw invalidRequest("You must specify at least one part");
  const parts = childrenOf(readXml(body, "CompleteMultipartUpload"), "Part").map(readPart);
  if (parts.length === 0) throw malformedXml();
  checkOrder(parts);
  const version =
    (await completedBefore(call)) ?? (await complete(call, parts, await uploadOf(call)));
  const headers = newHeaders(call);
  encryptionHeaders(headers, version.encryption);
  versionHeader(headers, call, version.versionId);
  expirationHeader(headers, call, version);
  sendXml(
    call,
    xmlDocument(
      "CompleteMultipartUploadResult",
      element("Location", locationOf(call)) +
        element("Bucket", bucket.name) +
        element("Key", call.key) +
        element("ETag", `"${version.etag}"`) +
        checksumElement(version.checksum) +
        element("ChecksumType", version.checksum?.type),
    ),
    headers,
  );
});

async function complete(
  call: ObjectCall,
  parts: readonly ListedPart[],
  upload: Upload,
): Promise<ObjectVersion> {
  const condition = writeCondition(call.headers);
  const checksum = wholeChecksum(call, upload);
  const sizeBytes = statedSize(call);
  const listed = heldParts(parts, upload);
  requireRoomToTell(call, told);
  const { version } = await call.store.completeUpload(call.place, upload.uploadId, listed, {
    versioning: call.context.parts.buckets.versioningOf(call.bucket),
    ...(condition && { condition }),
    ...(checksum && { checksum }),
    ...(sizeBytes !== undefined && { sizeBytes }),
  });
  await tell(call, told, version);
  return version;
}

const told = "ObjectCreated:CompleteMultipartUpload";

/**
 * What the same call made when it came before, and its answer was lost: the upload is gone, and the object came of it. Told once
 * more, as the process may have died before it was told.
 */
async function completedBefore(call: ObjectCall): Promise<ObjectVersion | undefined> {
  const uploadId = parameter(call, "uploadId") ?? "";
  if (!isVersionId(uploadId) || (await call.store.findUpload(call.place, uploadId)))
    return undefined;
  const found = await call.store.find(call.place);
  if (!found || "isDeleteMarker" in found || found.uploadId !== uploadId) return undefined;
  await tell(call, told, found);
  return found;
}

/** Where a browser would find the object. */
export function locationOf({ context: { request, target }, bucket, key }: ObjectCall): string {
  const path = key.split("/").map(encodeURIComponent).join("/");
  const base = baseUrlOf(request);
  return target.isVirtualHost === true ? `${base}/${path}` : `${base}/${bucket.name}/${path}`;
}

function readPart(part: XmlElement): ListedPart {
  const [text, etag] = [textAt(part, "PartNumber")?.trim(), textAt(part, "ETag")];
  if (text === undefined || etag === undefined || !/^-?\d{1,10}$/.test(text)) throw malformedXml();
  const number = Number(text);
  if (number < 1) throw invalidArgument("PartNumber must be >= 1", "PartNumber", text);
  const sums = part.children.filter(({ name }) => /^Checksum(CRC|SHA)/.test(name));
  if (sums.length > 1)
    throw invalidArgument("Invalid Base64 or multiple checksums present in request", "Checksum");
  const [sum] = sums;
  if (!sum) return { number, etag: bare(etag) };
  const algorithm = sum.name.slice("Checksum".length) as ChecksumAlgorithm;
  try {
    const value = checkedValue(algorithm, sum.text.trim(), sum.name);
    return { number, etag: bare(etag), checksum: { algorithm, value } };
  } catch {
    throw invalidArgument("Invalid Base64 or multiple checksums present in request", "Checksum");
  }
}

function checkOrder(parts: readonly ListedPart[]): void {
  if (parts.length > limits.uploadPartsMax) throw malformedXml();
  for (const [index, { number }] of parts.entries())
    if (index > 0 && number <= parts[index - 1]!.number)
      throw new AwsError(
        "InvalidPartOrder",
        400,
        "The list of parts was not in ascending order. The parts list must be specified in order by part number.",
      );
}

/**
 * The parts with the checksums that they must have: those of an upload that asked for none are its own business. Throws
 * "InvalidRequest" where a composite one is to be made and one is missing, "BadDigest" for one of another kind.
 */
function heldParts(
  parts: readonly ListedPart[],
  { checksum }: Upload,
): { number: number; etag: string; checksum?: string }[] {
  return parts.map(({ number, etag, checksum: said }) => {
    if (!checksum) return { number, etag };
    const algorithm = checksum.algorithm.toLowerCase();
    if (!said && checksum.type === "COMPOSITE")
      throw invalidRequest(
        `The upload was created using a ${algorithm} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`,
      );
    if (!said) return { number, etag };
    if (said.algorithm !== checksum.algorithm)
      throw new AwsError(
        "BadDigest",
        400,
        `The ${said.algorithm.toLowerCase()} you specified for part ${number} did not match what we received.`,
      );
    return { number, etag, checksum: said.value };
  });
}

/** The checksum that the client says the object will have. Throws "InvalidRequest", "BadDigest". */
function wholeChecksum({ headers }: ObjectCall, upload: Upload): Checksum | undefined {
  const type = headers["x-amz-checksum-type"];
  if (type !== undefined && upload.checksum && checksumType(String(type)) !== upload.checksum.type)
    throw invalidRequest(
      `The upload was created using the ${upload.checksum.type} checksum mode. The complete request must use the same checksum mode.`,
    );
  const found = checksumIn(headers, upload.checksum?.type === "COMPOSITE");
  if (!found || !upload.checksum) return undefined;
  if (upload.checksum.algorithm !== found.algorithm) throw badDigest(found.algorithm);
  return { ...found, type: upload.checksum.type };
}

function statedSize({ headers }: ObjectCall): number | undefined {
  const said = headers["x-amz-mp-object-size"];
  if (said === undefined) return undefined;
  if (/^\d{1,15}$/.test(String(said))) return Number(said);
  throw invalidRequest(`Value for x-amz-mp-object-size header is invalid: '${String(said)}'`);
}
