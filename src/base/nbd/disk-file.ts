import { join } from "node:path";
import { sleep, within } from "../clock.ts";
import { CanopyError, messageOf } from "../errors.ts";
import type { Host } from "../host.ts";
import { limits } from "../limits.ts";
import type { Process } from "../processes.ts";
import { NbdClient } from "./nbd-client.ts";

/** A file with a disk in it. */
export interface DiskFile {
  path: string;
  format: "raw" | "qcow2" | "vmdk" | "vdi" | "vhdx" | "vpc";
  /** A file with what opens it, where it is encrypted: nobody else may read that. */
  secretFile?: string;
  /** A raw file that it stands on, where it does not name that itself. */
  below?: string;
}

export interface DiskFileParts extends Pick<Host, "clock" | "files" | "processes" | "sockets"> {
  /** Where the socket to it is made; nobody else may enter it. */
  folder: string;
  /** What the program that serves it has in its environment. */
  env: Record<string, string>;
}

/** The contents of a disk, whatever its format, what it stands on and how it is encrypted. */
export interface OpenDisk {
  contents: NbdClient;
  /** Of one that was written to: all is on disk when it resolves. */
  close(): Promise<void>;
}

let count = 0;

/**
 * Opens a disk by qemu-nbd, which ends when this process lets go of it, however that is. Throws CanopyError
 * "damaged" for what is no such disk, "conflict" for one that something else has open, "unavailable" without qemu-nbd.
 */
export async function openDiskFile(
  { clock, files, processes, sockets, folder, env }: DiskFileParts,
  file: DiskFile,
  options: { isReadOnly: boolean },
): Promise<OpenDisk> {
  const name = `disk-${++count}`;
  const { isReadOnly } = options;
  const process = processes.spawn(
    [
      "qemu-nbd",
      "--shared=1",
      // It must begin at the root, and be short: the folder may be deep.
      `--socket=/proc/self/cwd/${name}`,
      isReadOnly ? "--read-only" : "--discard=unmap",
      ...imageOptions(file),
    ],
    { folder, env },
  );
  process.stdin.end();
  const said = lastWordsOf(process);
  try {
    const contents = await connectTo(() => sockets.connect({ path: join(folder, name) }), {
      clock,
      process,
    });
    return {
      contents,
      async close() {
        try {
          if (!isReadOnly) await contents.flush();
        } finally {
          await contents.close();
          await endOf(process, clock);
        }
      },
    };
  } catch (thrown) {
    process.signal("SIGKILL");
    if (!(thrown instanceof HasEnded)) throw thrown;
    throw refusal(file, await said, thrown);
  } finally {
    await files.remove(join(folder, name)); // who is connected stays so
  }
}

/** What tells QEMU's programs of a disk. */
export function imageOptions({ path, format, secretFile, below }: DiskFile): string[] {
  const quoted = (text: string) => text.replaceAll(",", ",,");
  const base =
    below === undefined
      ? ""
      : `,backing.driver=raw,backing.file.driver=file,backing.file.filename=${quoted(below)}`;
  const image = `driver=${format},file.driver=file,file.filename=${quoted(path)}${base}`;
  if (secretFile === undefined) return ["--image-opts", image];
  return [
    `--object=secret,id=key,format=raw,file=${quoted(secretFile)}`,
    "--image-opts",
    `${image},encrypt.format=luks,encrypt.key-secret=key`,
  ];
}

function whenEnded(ended: Promise<unknown>, clock: Host["clock"]) {
  return async (thrown: unknown): Promise<never> => {
    const hasEnded = await within(clock, limits.diskOpenMs, ended.then(yes, yes));
    throw hasEnded ? new HasEnded() : thrown;
  };
}

const yes = () => true;

/** Makes of a program that is not there, or may not run, what is to be done about it. */
export const missing = (program: string) => (thrown: unknown) => {
  throw new CanopyError("unavailable", `Cannot open disks: ${messageOf(thrown)}`, {
    hint: `${program} is of QEMU's tools: apt-get install qemu-utils`,
    cause: thrown,
  });
};

class HasEnded extends Error {}

/** It listens soon, or ends with its reason. */
async function connectTo(
  connect: () => ReturnType<Host["sockets"]["connect"]>,
  { clock, process }: { clock: Host["clock"]; process: Process },
): Promise<NbdClient> {
  let hasEnded = false;
  const ended = process.ended.finally(() => (hasEnded = true));
  ended.catch(() => {});
  const untilMs = clock.monotonicMs() + limits.diskOpenMs;
  for (let waitMs = 2; ; waitMs = Math.min(waitMs * 2, 50)) {
    const socket = await connect().catch(() => undefined);
    // It listens before it has opened the disk.
    if (socket) return NbdClient.open(socket).catch(whenEnded(ended, clock));
    if (hasEnded) {
      await ended.catch(missing("qemu-nbd"));
      throw new HasEnded();
    }
    if (clock.monotonicMs() > untilMs)
      throw new CanopyError("unavailable", "Cannot open the disk as qemu-nbd does not answer");
    await sleep(clock, waitMs);
  }
}

async function lastWordsOf({ stderr, stdout }: Process): Promise<string> {
  void drain(stdout);
  let words = "";
  for await (const piece of stderr)
    words = (words + Buffer.from(piece).toString()).slice(-limits.failureTailBytesMax);
  return words.trim();
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of stream);
}

async function endOf(process: Process, clock: Host["clock"]): Promise<void> {
  const ended = process.ended.catch(() => undefined);
  if (
    await within(
      clock,
      limits.diskCloseMs,
      ended.then(() => true),
    )
  )
    return;
  process.signal("SIGKILL");
  await ended;
}

function refusal({ path }: DiskFile, words: string, cause: unknown): CanopyError {
  const why = words.replace(/^qemu-nbd: /, "");
  if (/Failed to get .* lock/.test(words))
    return new CanopyError("conflict", `Cannot open ${path} as something else has it open`, {
      cause,
    });
  return new CanopyError("damaged", `Cannot open ${path}: ${why}`, { cause });
}
