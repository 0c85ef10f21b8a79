import { CanopyError } from "./errors.ts";
import type { Files } from "./files.ts";

/**
 * Tar as POSIX.1-1988 has it ("ustar": pax(1), "ustar Interchange Format"), with sizes past 8 GiB in
 * base 256 as GNU tar writes them: every tar reads it.
 */
const blockBytes = 512;
const octalSizeMax = 8 ** 11 - 1;

/** Where the parts of a header are: offset and length. */
const parts = {
  name: [0, 100],
  mode: [100, 8],
  owner: [108, 8],
  group: [116, 8],
  size: [124, 12],
  modified: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
  prefix: [345, 155],
} as const;

/** The block before a file's content. A name of more than 100 bytes must have a "/" that leaves as much behind it. */
export function tarHeader(file: { name: string; sizeBytes: number; modifiedMs: number }): Buffer {
  const header = Buffer.alloc(blockBytes);
  const put = (part: keyof typeof parts, text: string) => header.write(text, parts[part][0]);
  const octal = (part: keyof typeof parts, value: number) =>
    put(part, value.toString(8).padStart(parts[part][1] - 1, "0"));
  const slash = file.name.length <= 100 ? -1 : file.name.indexOf("/", file.name.length - 101);
  put("name", file.name.slice(slash + 1));
  if (slash > 0) put("prefix", file.name.slice(0, slash));
  octal("mode", 0o600);
  octal("owner", 0);
  octal("group", 0);
  if (file.sizeBytes <= octalSizeMax) octal("size", file.sizeBytes);
  else {
    header.writeBigUInt64BE(BigInt(file.sizeBytes), parts.size[0] + 4);
    header[parts.size[0]] = 0x80;
  }
  octal("modified", Math.floor(file.modifiedMs / 1000));
  put("type", "0");
  put("magic", "ustar\x0000");
  put("checksum", `${checksumOf(header).toString(8).padStart(6, "0")}\0 `);
  return header;
}

/** Zeros after content of so many bytes, up to the next block. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
}

/** What a tar ends with. */
export const tarEnd: Uint8Array = Buffer.alloc(2 * blockBytes);

export interface TarEntry {
  name: string;
  /** Where its content is in the tar. */
  offset: number;
  sizeBytes: number;
}

/** What is in a tar of files, in its order. Throws CanopyError "invalid" when it is none, or is cut off. */
export async function* walkTar(
  files: Pick<Files, "read" | "stat">,
  path: string,
): AsyncGenerator<TarEntry> {
  const wholeBytes = (await files.stat(path))?.sizeBytes;
  if (wholeBytes === undefined)
    throw new CanopyError("not-found", `Cannot read ${path} as there is no such file`);
  for (let at = 0; ;) {
    const header = Buffer.from((await files.read(path, { offset: at, length: blockBytes }))!);
    if (header.length < blockBytes) throw cutOff(path);
    if (header.every((byte) => byte === 0)) return;
    if (Number.parseInt(textOf(header, "checksum"), 8) !== checksumOf(header)) {
      throw new CanopyError(
        "invalid",
        `Cannot read ${path} as it must be a tar: what stands at byte ${at} is no header`,
      );
    }
    const sizeBytes = sizeOf(header);
    const prefix = textOf(header, "prefix");
    const name = textOf(header, "name");
    const offset = at + blockBytes;
    at = offset + sizeBytes + tarPadding(sizeBytes).length;
    if (at > wholeBytes) throw cutOff(path);
    yield { name: prefix === "" ? name : `${prefix}/${name}`, offset, sizeBytes };
  }
}

function sizeOf(header: Buffer): number {
  const [offset] = parts.size;
  if (header[offset] === 0x80) return Number(header.readBigUInt64BE(offset + 4));
  return Number.parseInt(textOf(header, "size"), 8) || 0;
}

function textOf(header: Buffer, part: keyof typeof parts): string {
  const [offset, length] = parts[part];
  const [text = ""] = header.toString("utf8", offset, offset + length).split("\0");
  return text.trim();
}

/** The sum of all bytes, those of the checksum itself taken as spaces. */
function checksumOf(header: Buffer): number {
  const [offset, length] = parts.checksum;
  return header.reduce(
    (sum, byte, at) => sum + (at >= offset && at < offset + length ? 0x20 : byte),
    0,
  );
}

function cutOff(path: string): CanopyError {
  return new CanopyError("invalid", `Cannot read ${path} as it is cut off: its end is missing`);
}
