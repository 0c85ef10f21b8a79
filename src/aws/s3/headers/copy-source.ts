import { isBucketName } from "#/model/bucket-name.ts";
import { invalidArgument } from "../errors.ts";
import { isVersionId } from "../call.ts";
import { decodePath } from "../key.ts";

export interface CopySource {
  bucket: string;
  key: string;
  versionId?: string;
}

/** "x-amz-copy-source": "/bucket/key?versionId=…", percent-encoded, with or without the first slash. Throws "InvalidArgument". */
export function parseCopySource(header: string): CopySource {
  const name = "x-amz-copy-source";
  const question = header.lastIndexOf("?versionId=");
  const path = question < 0 ? header : header.slice(0, question);
  const versionId = question < 0 ? undefined : header.slice(question + "?versionId=".length);
  let decoded: string;
  try {
    decoded = decodePath(path);
  } catch {
    throw invalidArgument("Invalid copy source encoding", name, header);
  }
  const bare = decoded.startsWith("/") ? decoded.slice(1) : decoded;
  const slash = bare.indexOf("/");
  const bucket = slash < 0 ? bare : bare.slice(0, slash);
  const key = slash < 0 ? "" : bare.slice(slash + 1);
  if (!isBucketName(bucket)) throw invalidArgument("Invalid copy source bucket name", name, header);
  if (key === "") throw invalidArgument("Invalid copy source object key", name, header);
  if (versionId === "")
    throw invalidArgument("Version id cannot be the empty string", name, header);
  if (versionId !== undefined && !isVersionId(versionId))
    throw invalidArgument("Invalid version id specified", name, header);
  return { bucket, key, ...(versionId !== undefined && { versionId }) };
}
