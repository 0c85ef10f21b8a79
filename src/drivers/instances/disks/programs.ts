import { join } from "node:path";
import { within } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import {
  imageOptions,
  missing,
  openDiskFile,
  type DiskFile,
  type OpenDisk,
} from "#/base/nbd/disk-file.ts";
import { agentMark } from "#/model/agent-mark.ts";

export interface DiskProgramParts extends Pick<Host, "clock" | "files" | "processes" | "sockets"> {
  /** Sockets and secrets, for as long as something is opened; nobody else may enter it. */
  folder: string;
  mark: string;
}

/** A file with a disk, and what opens it. */
export interface SealedDisk {
  path: string;
  format: "raw" | "qcow2";
  /** As the passphrase of its LUKS header: base64. */
  key?: string | undefined;
  /** A raw file that it stands on, where it does not name that itself. */
  below?: string | undefined;
}

/**
 * QEMU's programs for files with disks, as this machine's agent runs them. A key is in a file that nobody else may read, for as
 * long as it takes the program to begin.
 */
export class DiskPrograms {
  #parts: DiskProgramParts;
  #env: Record<string, string>;
  #count = 0;

  constructor(parts: DiskProgramParts) {
    this.#parts = parts;
    this.#env = { PATH: systemPath, LC_ALL: "C", [agentMark]: parts.mark };
  }

  /** Ends what an earlier life of the agent has left, and what was half done in it. */
  async begin(): Promise<void> {
    const { files, processes, folder, mark } = this.#parts;
    for (const pid of processes.marked(agentMark, mark)) processes.kill(pid);
    await files.remove(folder);
    await files.makeFolder(folder);
    await files.setMode(folder, 0o700);
  }

  /** Throws CanopyError, as openDiskFile does. */
  open(disk: SealedDisk, options: { isReadOnly: boolean }): Promise<OpenDisk> {
    return this.#withSecret(disk, (file) =>
      openDiskFile({ ...this.#parts, env: this.#env }, file, options),
    );
  }

  /** Makes an empty one, or one that reads as the base beside it where it was not written to. */
  async create(
    disk: SealedDisk,
    { sizeBytes, below }: { sizeBytes: number; below?: string },
  ): Promise<void> {
    const { path, format } = disk;
    await this.#withSecret(disk, ({ secretFile }) =>
      this.#runAgain([
        "create",
        "-q",
        "-f",
        format,
        ...(secretFile === undefined ? [] : luksOf(secretFile)),
        // It is not looked for: it may be made later.
        ...(below === undefined ? [] : ["-u", "-b", below, "-F", "raw"]),
        path,
        String(sizeBytes),
      ]),
    );
  }

  /** Makes it larger. Throws "conflict" while something has it open. */
  async grow(disk: SealedDisk, sizeBytes: number): Promise<void> {
    await this.#withSecret(disk, (file) =>
      this.#run(["resize", "-q", ...imageOptions(file), String(sizeBytes)]),
    );
  }

  /** All that was written to a file, and its name, is on disk when it resolves. */
  async sync(path: string): Promise<void> {
    const file = await this.#parts.files.append(path);
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #withSecret<T>(
    { path, format, key, below }: SealedDisk,
    use: (file: DiskFile) => Promise<T>,
  ): Promise<T> {
    const file: DiskFile = { path, format, ...(below !== undefined && { below }) };
    if (key === undefined) return use(file);
    const { files, folder } = this.#parts;
    const secretFile = join(folder, `key-${++this.#count}`);
    try {
      await files.write(secretFile, key, { mode: 0o600 });
      return await use({ ...file, secretFile });
    } finally {
      await files.remove(secretFile);
    }
  }

  /** QEMU measures how long it guesses a key; where the kernel counts time in ticks, it may find that it took none, and gives up. */
  async #runAgain(args: string[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#run(args);
      } catch (thrown) {
        const mayPass = messageOf(thrown).includes("Unable to get accurate CPU usage");
        if (!mayPass || tries >= limits.diskProgramTries) throw thrown;
      }
    }
  }

  async #run(args: string[]): Promise<void> {
    const { processes, clock } = this.#parts;
    const process = processes.spawn(["qemu-img", ...args], { folder: "/", env: this.#env });
    process.stdin.end();
    const said = Promise.all([textOf(process.stdout), textOf(process.stderr)]);
    const asked = process.ended.catch(missing("qemu-img"));
    const ended = await within(clock, limits.diskProgramMs, asked);
    if (!ended) process.signal("SIGKILL");
    if (ended?.code === 0) return;
    throw refusal((await said).join("\n").trim() || "qemu-img does not end");
  }
}

/** The key is as good as random bits can be: there is nothing to be won by making guesses slow. */
const luksOf = (secretFile: string) => [
  `--object=secret,id=key,format=raw,file=${secretFile.replaceAll(",", ",,")}`,
  "-o",
  "encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10",
];

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const piece of stream)
    text = (text + Buffer.from(piece).toString()).slice(-limits.failureTailBytesMax);
  return text;
}

function refusal(words: string): CanopyError {
  if (/No space left/.test(words))
    return new CanopyError("no-space", `Cannot make the file of a disk: ${words}`);
  if (/Failed to get .* lock/.test(words))
    return new CanopyError("conflict", "Cannot change the file of a disk as it is in use");
  return new CanopyError("internal", `Cannot make or change the file of a disk: ${words}`);
}
