import { CanopyError } from "#/base/errors.ts";
import type { Files } from "#/base/files.ts";
import type { DiskFile } from "#/base/nbd/disk-file.ts";

/** What a file is, by its first bytes. */
export type FileKind = { type: "disk"; format: DiskFile["format"] } | { type: "archive" };

const marks: readonly [offset: number, bytes: string, kind: FileKind][] = [
  [0, "QFI\xfb", { type: "disk", format: "qcow2" }],
  [0, "KDMV", { type: "disk", format: "vmdk" }],
  [0, "# Disk DescriptorFile", { type: "disk", format: "vmdk" }],
  [64, "\x7f\x10\xda\xbe", { type: "disk", format: "vdi" }],
  [0, "vhdxfile", { type: "disk", format: "vhdx" }],
  [0, "conectix", { type: "disk", format: "vpc" }],
  [257, "ustar", { type: "archive" }],
  [0, "\x1f\x8b", { type: "archive" }],
];

const headBytes = 1024;

/** Throws CanopyError "not-found" where there is none, "invalid" for one that is neither an archive nor a disk. */
export async function fileKind(
  files: Pick<Files, "read" | "stat">,
  path: string,
): Promise<FileKind> {
  const found = await files.stat(path);
  if (!found || found.isFolder)
    throw new CanopyError("not-found", `Cannot import ${path} as there is no such file`);
  const head = Buffer.from((await files.read(path, { offset: 0, length: headBytes }))!);
  const text = head.toString("latin1");
  for (const [offset, bytes, kind] of marks) if (text.startsWith(bytes, offset)) return kind;
  if (found.sizeBytes > 0 && found.sizeBytes % 512 === 0) return { type: "disk", format: "raw" };
  throw new CanopyError(
    "invalid",
    `Cannot import ${path} as it must be a disk (qcow2, raw, vmdk, vdi, vhdx, vpc) or an archive of an image (OCI or Docker): it is neither`,
    { hint: "For a kernel that is all there is: canopy images import FILE --kernel" },
  );
}
