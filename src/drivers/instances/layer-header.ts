/**
 * Headers of a tar as layers have them: ustar, with the extensions of pax (POSIX.1-2001) and GNU for long names, large numbers and
 * attributes. Written as ustar with pax before it where that does not do.
 */
export const blockBytes = 512;

export interface LayerHeader {
  name: string;
  type:
    | "file"
    | "hard link"
    | "link"
    | "character"
    | "block"
    | "folder"
    | "pipe"
    /** Pax's attributes, GNU's long name, and GNU's long target: of the entry that follows. */
    | "more"
    | "name"
    | "target"
    | "unknown";
  mode: number;
  owner: number;
  group: number;
  sizeBytes: number;
  /** Seconds since 1970. */
  modified: number;
  link: string;
  major: number;
  minor: number;
  attributes: Record<string, string>;
}

/** Of an empty file without a name. */
export const bareHeader: LayerHeader = {
  name: "",
  type: "file",
  mode: 0,
  owner: 0,
  group: 0,
  sizeBytes: 0,
  modified: 0,
  link: "",
  major: 0,
  minor: 0,
  attributes: {},
};

const types: Record<string, LayerHeader["type"]> = {
  "\0": "file",
  "0": "file",
  "7": "file",
  "1": "hard link",
  "2": "link",
  "3": "character",
  "4": "block",
  "5": "folder",
  "6": "pipe",
  x: "more",
  g: "more",
  L: "name",
  K: "target",
};

const letters = new Map(
  (["0", "1", "2", "3", "4", "5", "6", "x"] as const).map((letter) => [types[letter]!, letter]),
);

/** Undefined where the block is no header. */
export function readHeader(block: Buffer): LayerHeader | undefined {
  if (numberAt(block, 148, 8) !== checksumOf(block)) return undefined;
  const letter = String.fromCharCode(block[156]!);
  const prefix = block.toString("latin1", 257, 262) === "ustar" ? textAt(block, 345, 155) : "";
  const name = textAt(block, 0, 100);
  // GNU has times where POSIX has the prefix.
  const isGnu = block.toString("latin1", 257, 265) === "ustar  \0";
  const type = types[letter] ?? "unknown";
  return {
    name: prefix === "" || isGnu ? name : `${prefix}/${name}`,
    type: type === "file" && name.endsWith("/") ? "folder" : type,
    mode: numberAt(block, 100, 8) & 0o7777,
    owner: numberAt(block, 108, 8),
    group: numberAt(block, 116, 8),
    sizeBytes: numberAt(block, 124, 12),
    modified: numberAt(block, 136, 12),
    link: textAt(block, 157, 100),
    major: numberAt(block, 329, 8),
    minor: numberAt(block, 337, 8),
    attributes: {},
  };
}

const attributePrefix = "SCHILY.xattr.";

/** What records "LENGTH KEY=VALUE\n" say of the entry that follows. */
export function readPax(content: Buffer): Partial<LayerHeader> {
  const told: Partial<LayerHeader> = {};
  const attributes: Record<string, string> = {};
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at);
    const length = Number(content.toString("latin1", at, space));
    if (space < 0 || !Number.isInteger(length) || length <= space - at) break;
    const record = content.subarray(space + 1, at + length - 1);
    at += length;
    const equals = record.indexOf(0x3d);
    const key = record.toString("utf8", 0, equals);
    const value = record.subarray(equals + 1);
    const text = value.toString("utf8");
    if (key === "path") told.name = text;
    else if (key === "linkpath") told.link = text;
    else if (key === "size") told.sizeBytes = Number(text);
    else if (key === "uid") told.owner = Number(text);
    else if (key === "gid") told.group = Number(text);
    else if (key === "mtime") told.modified = Math.floor(Number(text)) || 0;
    else if (key.startsWith("GNU.sparse.")) told.type = "unknown";
    else if (key.startsWith(attributePrefix))
      attributes[key.slice(attributePrefix.length)] = value.toString("latin1");
  }
  if (Object.keys(attributes).length > 0) told.attributes = attributes;
  return told;
}

/** What goes before the header where that cannot hold it. */
export function* paxHeader(header: LayerHeader): Generator<Buffer> {
  const records: Buffer[] = [];
  if (!fits(header.name, 100)) records.push(recordOf("path", header.name));
  if (!fits(header.link, 100)) records.push(recordOf("linkpath", header.link));
  if (header.owner >= 8 ** 7) records.push(recordOf("uid", String(header.owner)));
  if (header.group >= 8 ** 7) records.push(recordOf("gid", String(header.group)));
  if (header.sizeBytes >= 8 ** 11) records.push(recordOf("size", String(header.sizeBytes)));
  for (const [name, value] of Object.entries(header.attributes))
    records.push(recordOf(attributePrefix + name, Buffer.from(value, "latin1")));
  if (records.length === 0) return;
  const content = Buffer.concat(records);
  yield headerOf({
    ...header,
    name: "more",
    type: "more",
    link: "",
    owner: 0,
    group: 0,
    sizeBytes: content.length,
  });
  yield content;
  yield Buffer.alloc(paddingOf(content.length));
}

export function headerOf(header: LayerHeader): Buffer {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, length: number) => {
    const most = 8 ** (length - 1) - 1;
    block.write(
      Math.min(Math.max(value, 0), most)
        .toString(8)
        .padStart(length - 1, "0"),
      at,
    );
  };
  block.write(header.name, 0, 100);
  octal(header.mode, 100, 8);
  octal(header.owner, 108, 8);
  octal(header.group, 116, 8);
  octal(header.sizeBytes, 124, 12);
  octal(header.modified, 136, 12);
  block.write(letters.get(header.type)!, 156);
  block.write(header.link, 157, 100);
  block.write("ustar\x0000", 257, "latin1");
  octal(header.major, 329, 8);
  octal(header.minor, 337, 8);
  block.write(`${checksumOf(block).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** Zeros after content of so many bytes. */
export const paddingOf = (sizeBytes: number) =>
  (blockBytes - (sizeBytes % blockBytes)) % blockBytes;

const fits = (text: string, bytes: number) => Buffer.byteLength(text) <= bytes;

/** Its length counts itself. */
function recordOf(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length)
    length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** Octal, or in base 256 where the first bit is set. NaN where it is neither. */
function numberAt(block: Buffer, at: number, length: number): number {
  if ((block[at]! & 0x80) !== 0) {
    let value = block[at]! & 0x7f;
    for (let byte = at + 1; byte < at + length; byte++) value = value * 256 + block[byte]!;
    return value;
  }
  const text = textAt(block, at, length).trim();
  return text === "" ? 0 : /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
}

function textAt(block: Buffer, at: number, length: number): string {
  const part = block.subarray(at, at + length);
  const end = part.indexOf(0);
  return part.toString("utf8", 0, end < 0 ? length : end);
}

/** The sum of all bytes, those of the checksum itself taken as spaces. */
function checksumOf(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < blockBytes; at++) if (at < 148 || at >= 156) sum += block[at]!;
  return sum;
}
