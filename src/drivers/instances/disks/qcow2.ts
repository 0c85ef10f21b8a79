import type { Files } from "#/base/files.ts";

/** What the header of a qcow2 file says: https://www.qemu.org/docs/master/interop/qcow2.html */
export interface Qcow2Header {
  sizeBytes: number;
  /** The file that it stands on, as it names it. */
  below: string | undefined;
  isEncrypted: boolean;
  /** Its clusters are in another file. */
  hasDataFile: boolean;
}

const magic = "QFI\xfb";
const headerBytes = 104;
const nameBytesMax = 1023;
const luks = 2;
const externalData = 4n;

/** Undefined where there is no such file, or it is none of qcow2. Reads it as it is, whoever has it open. */
export async function readQcow2Header(
  files: Pick<Files, "read">,
  path: string,
): Promise<Qcow2Header | undefined> {
  const bytes = await files.read(path, { offset: 0, length: headerBytes });
  const header = bytes && Buffer.from(bytes);
  if (!header || header.length < headerBytes || header.toString("latin1", 0, 4) !== magic)
    return undefined;
  const offset = Number(header.readBigUInt64BE(8));
  const length = header.readUInt32BE(16);
  const name =
    offset === 0 || length > nameBytesMax ? undefined : await files.read(path, { offset, length });
  return {
    sizeBytes: Number(header.readBigUInt64BE(24)),
    below: name && Buffer.from(name).toString("utf8"),
    isEncrypted: header.readUInt32BE(32) === luks,
    hasDataFile: (header.readBigUInt64BE(72) & externalData) !== 0n,
  };
}
