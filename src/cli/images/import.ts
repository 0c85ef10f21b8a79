import { basename, extname, join, resolve } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import { randomText } from "#/base/random.ts";
import type { ImageInput, ImageView } from "#/model/image-views.ts";
import { instanceKinds, type InstanceKind } from "#/model/instance-type.ts";
import { isKernel, kernelRule } from "#/model/kernel.ts";
import { briefSize } from "#/model/units.ts";
import { bringArchive } from "#/sdk/images/archive-import.ts";
import { bringDisk } from "#/sdk/images/disk-import.ts";
import { ImageCalls } from "#/sdk/images/image-calls.ts";
import { fileKind } from "#/sdk/images/kinds-of-file.ts";
import type { ImportParts } from "#/sdk/images/import-parts.ts";
import type { Cli, Done } from "../verb.ts";
import { requireFreeNames } from "./free-names.ts";

interface ImportOptions {
  name?: string;
  description?: string;
  kinds?: string;
  kernel?: boolean;
  bootKernel?: string;
  bootInitrd?: string;
  commandLine?: string;
}

/** What is brought, and as what it can run unless somebody says so. */
type Brought = Pick<ImageInput, "architecture" | "source" | "kinds">;

/** Makes an image of a file: a disk, an archive of an OCI image, or a kernel. */
export async function importImage(cli: Cli, word: string): Promise<Done> {
  const options = cli.options as ImportOptions;
  const path = resolve(cli.terminal.world.folder, word);
  const name = options.name ?? titleOf(path);
  await requireFreeNames(cli, [name]);
  const image = await withParts(cli, async (parts) => {
    const brought = options.kernel
      ? await bringKernel(parts, path, options.commandLine)
      : await bringFile(parts, path, options);
    return register(cli, { name, ...brought }, options);
  });
  return told(image);
}

export function told(image: ImageView): Done {
  const { id, name, kinds, disks, blobs } = image;
  const bytes = [...disks, ...blobs].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return {
    type: "record",
    value: image,
    fields: [
      { title: "image", value: id },
      { title: "name", value: name },
      { title: "runs as", value: kinds.join(", ") },
      { title: "size", value: briefSize(bytes) },
    ],
  };
}

/** Does it with a folder of its own, which is gone after it. */
export async function withParts<T>(cli: Cli, work: (parts: ImportParts) => Promise<T>): Promise<T> {
  const { world, err } = cli.terminal;
  const folder = join(world.temporary, `canopy-image-${randomText(world.random, 12)}`);
  const client = await cli.client();
  const machine = await cli.programs.machine();
  await world.files.makeFolder(folder);
  await world.files.setMode(folder, 0o700);
  const onProgress = (step: string, percent: number) => {
    if (err.isTty) err.write(`\r${step} ${percent} % ${percent === 100 ? "\n" : ""}`);
  };
  try {
    return await work({ ...machine, client, world, folder, onProgress });
  } finally {
    await world.files.remove(folder);
  }
}

export async function register(
  cli: Cli,
  brought: Brought & { name: string },
  { description, kinds }: Pick<ImportOptions, "description" | "kinds">,
): Promise<ImageView> {
  return new ImageCalls((await cli.client()).http).create({
    ...brought,
    ...(description !== undefined && { description }),
    ...(kinds !== undefined && { kinds: kindsOf(kinds) }),
  });
}

export async function bringFile(
  parts: ImportParts,
  path: string,
  options: Pick<ImportOptions, "bootKernel" | "bootInitrd" | "commandLine"> = {},
): Promise<Brought> {
  const kind = await fileKind(parts.world.files, path);
  if (kind.type === "archive")
    return { ...(await bringArchive(parts, path)), kinds: ["container"] };
  const boot = await bringBoot(parts, options);
  const { manifest } = await bringDisk(parts, { path, format: kind.format });
  return {
    kinds: boot ? ["vm", "microvm"] : ["vm"],
    source: {
      type: "disk",
      disks: [{ device: "/dev/sda1", manifest }],
      ...(boot && { boot }),
    },
  };
}

async function bringBoot(
  parts: ImportParts,
  { bootKernel, bootInitrd, commandLine = "" }: ImportOptions,
) {
  if (bootKernel === undefined) {
    if (bootInitrd === undefined) return undefined;
    throw new CanopyError("invalid", "Cannot use --boot-initrd as it needs --boot-kernel, too");
  }
  const kernel = await bringKernelFile(parts, bootKernel);
  if (bootInitrd === undefined) return { kernel, commandLine };
  return { kernel, initrd: await bringWhole(parts, bootInitrd), commandLine };
}

async function bringKernel(parts: ImportParts, path: string, commandLine = ""): Promise<Brought> {
  const kernel = await bringKernelFile(parts, path);
  return { kinds: ["microvm", "vm"], source: { type: "unikernel", kernel, commandLine } };
}

/** Throws CanopyError "invalid" for what is none, before anything is sent. */
async function bringKernelFile(parts: ImportParts, path: string): Promise<string> {
  const { files } = parts.world;
  const read = async (offset: number, length: number) =>
    (await files.read(resolve(path), { offset, length })) ?? new Uint8Array();
  if ((await files.stat(resolve(path))) && !(await isKernel(read)))
    throw new CanopyError(
      "invalid",
      `Cannot import ${path} as a kernel must be ${kernelRule}: it is none`,
    );
  return bringWhole(parts, path);
}

/** Puts a kernel or an initrd. Throws CanopyError "not-found". */
async function bringWhole(
  { world: { files }, client }: ImportParts,
  path: string,
): Promise<string> {
  const content = await files.read(resolve(path));
  if (!content?.length)
    throw new CanopyError("not-found", `Cannot import ${path} as there is no such file`);
  return (await client.putBlob(content)).key;
}

function kindsOf(words: string): InstanceKind[] {
  return words.split(",").map((word) => {
    const kind = instanceKinds.find((one) => one === word.trim());
    if (kind) return kind;
    throw new CanopyError(
      "invalid",
      `Cannot use --kinds as each must be one of ${instanceKinds.join(", ")}: one is '${word}'`,
    );
  });
}

const titleOf = (path: string) => basename(path, extname(path));
