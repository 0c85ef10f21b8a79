import { AwsError } from "#/model/aws-error.ts";
import { invalidArgument } from "../errors.ts";

/** In bytes; `end` exclusive. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * What a Range header asks of so many bytes. Undefined is all of them: S3 takes no notice of what is malformed or of several
 * ranges. Throws "InvalidRange" where there is nothing.
 */
export function parseRange(header: string, sizeBytes: number): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (!match) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const length = Math.min(Number(last), sizeBytes);
    if (length === 0) throw invalidRange(header, sizeBytes);
    return { start: sizeBytes - length, end: sizeBytes };
  }
  const start = Number(first);
  const end = last === "" ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= sizeBytes) throw invalidRange(header, sizeBytes);
  return { start, end };
}

/** Of UploadPartCopy: exactly "bytes=first-last", within the source. Throws "InvalidArgument". */
export function parseSourceRange(header: string, sizeBytes: number): ByteRange {
  const name = "x-amz-copy-source-range";
  const match = /^bytes=(\d+)-(\d+)$/.exec(header.trim());
  const start = Number(match?.[1]);
  const last = Number(match?.[2]);
  if (!match || last < start)
    throw invalidArgument(
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
      name,
      header,
    );
  if (last >= sizeBytes)
    throw invalidArgument(
      `Range specified is not valid for source object of size: ${sizeBytes}`,
      name,
      header,
    );
  return { start, end: last + 1 };
}

function invalidRange(header: string, sizeBytes: number): AwsError {
  return new AwsError("InvalidRange", 416, "The requested range is not satisfiable", {
    fields: { RangeRequested: header, ActualObjectSize: String(sizeBytes) },
    headers: { "content-range": `bytes */${sizeBytes}` },
  });
}
