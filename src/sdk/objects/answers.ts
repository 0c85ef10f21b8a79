import { CanopyError } from "#/base/errors.ts";

/** One object of a listing. */
export interface ListedObject {
  key: string;
  sizeBytes: number;
  modifiedMs: number;
  /** Without quotes. */
  etag: string;
}

export interface ListPage {
  objects: ListedObject[];
  prefixes: string[];
  next?: string;
}

export interface ListedPart {
  number: number;
  sizeBytes: number;
  etag: string;
  crc32?: string;
}

/** What an element holds: text, or elements by name. */
type Node = string | { [name: string]: Node[] };

/** Elements of S3's answers by name; every one is a list, as nothing tells which may come several times. */
async function read(text: string): Promise<{ [name: string]: Node[] }> {
  const { XMLParser } = await import("fast-xml-parser");
  const parser = new XMLParser({
    ignoreAttributes: true,
    ignoreDeclaration: true,
    parseTagValue: false,
    trimValues: false,
    isArray: () => true,
  });
  try {
    const [root] = Object.values(parser.parse(text) as Record<string, Node[]>);
    return elementsOf(root?.[0]);
  } catch (thrown) {
    throw new CanopyError("unavailable", "Cannot read what the object store answered", {
      cause: thrown,
    });
  }
}

function elementsOf(node: Node | undefined): { [name: string]: Node[] } {
  return typeof node === "object" ? node : {};
}

function textOf(elements: { [name: string]: Node[] }, name: string): string | undefined {
  const node = elements[name]?.[0];
  return typeof node === "string" ? node : node === undefined ? undefined : "";
}

export async function readBuckets(
  text: string,
): Promise<{ buckets: { name: string; createdMs: number }[]; next?: string }> {
  const root = await read(text);
  const all = elementsOf(root["Buckets"]?.[0])["Bucket"] ?? [];
  const next = textOf(root, "ContinuationToken");
  return {
    buckets: all.map(elementsOf).map((bucket) => ({
      name: textOf(bucket, "Name") ?? "",
      createdMs: Date.parse(textOf(bucket, "CreationDate") ?? ""),
    })),
    ...(next !== undefined && next !== "" && { next }),
  };
}

/** A page of ListObjectsV2 with encoding-type=url. */
export async function readPage(text: string): Promise<ListPage> {
  const root = await read(text);
  const next = textOf(root, "NextContinuationToken");
  return {
    objects: (root["Contents"] ?? []).map(elementsOf).map((object) => ({
      key: decoded(textOf(object, "Key") ?? ""),
      sizeBytes: Number(textOf(object, "Size")),
      modifiedMs: Date.parse(textOf(object, "LastModified") ?? ""),
      etag: bare(textOf(object, "ETag")),
    })),
    prefixes: (root["CommonPrefixes"] ?? []).map((entry) =>
      decoded(textOf(elementsOf(entry), "Prefix") ?? ""),
    ),
    ...(next !== undefined && next !== "" && { next }),
  };
}

export async function readUploadId(text: string): Promise<string> {
  const id = textOf(await read(text), "UploadId");
  if (id !== undefined && id !== "") return id;
  throw new CanopyError("unavailable", "Cannot upload as the object store named no upload");
}

export async function readParts(text: string): Promise<{ parts: ListedPart[]; next?: string }> {
  const root = await read(text);
  const parts = (root["Part"] ?? []).map(elementsOf).map((part) => {
    const crc32 = textOf(part, "ChecksumCRC32");
    return {
      number: Number(textOf(part, "PartNumber")),
      sizeBytes: Number(textOf(part, "Size")),
      etag: bare(textOf(part, "ETag")),
      ...(crc32 !== undefined && { crc32 }),
    };
  });
  const isCut = textOf(root, "IsTruncated") === "true";
  const next = textOf(root, "NextPartNumberMarker");
  return { parts, ...(isCut && next !== undefined && { next }) };
}

/** Errors of DeleteObjects. */
export async function readUndeleted(text: string): Promise<{ key: string; message: string }[]> {
  const root = await read(text);
  return (root["Error"] ?? []).map(elementsOf).map((error) => ({
    key: textOf(error, "Key") ?? "",
    message: textOf(error, "Message") ?? textOf(error, "Code") ?? "",
  }));
}

/** The code and the message of an error; some come with status 200, after the work began. */
export async function readError(
  text: string,
): Promise<{ code: string; message: string } | undefined> {
  if (!/<Error[\s>]/.test(text)) return undefined;
  const root = await read(text).catch(() => undefined);
  const code = root && textOf(root, "Code");
  return code === undefined ? undefined : { code, message: textOf(root!, "Message") ?? code };
}

export function bare(etag: string | undefined): string {
  return (etag ?? "").replaceAll(/&quot;|"/g, "");
}

/** What encoding-type=url has made of a key; one whose bytes are no text is left as it came. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", "%20"));
  } catch {
    return text;
  }
}

export function escaped(text: string): string {
  return text.replace(/[&<>"'\r\n\t]|[^\P{Cc}\r\n\t]/gu, (mark) => `&#${mark.codePointAt(0)};`);
}
