import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Process } from "#/base/processes.ts";
import { linesOf } from "#/base/sockets.ts";
import { systemPath } from "../instances/command.ts";
import { quoted } from "../instances/quoted.ts";
import type { FunctionParts } from "./parts.ts";

/** Where the sandboxes' folders are, in the mounts' own namespace: whoever has no rights can go there, and nobody is outside. */
const root = "/mnt";

/**
 * Mounts of sandboxes, in a mount namespace of their own: the rest of the machine does not see them, and with the agent they are
 * gone. What is mounted later on a sandbox's folder appears inside it, as the sandbox's mounts follow this namespace's.
 */
const script = `
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 canopy ${root}
mount --make-shared ${root}
mkdir ${root}/base ${root}/code ${root}/slots
mount --bind "$1" ${root}/base
mount --bind "$2" ${root}/base/node
mount -o remount,bind,ro ${root}/base
set +e
echo up
while IFS= read -r line; do
  if said=$(eval "$line" 2>&1); then echo ok; else echo "failed $said" | tr '\\n' ' '; echo; fi
done`;

export class Mounts {
  readonly base = `${root}/base`;
  #process: Process;
  #waiting: PromiseWithResolvers<string>[] = [];
  #codes = new Map<string, Promise<string>>();
  #slots = 0;

  /** `base`: a folder that all sandboxes read programs from. Throws CanopyError "unavailable" where mounts are not allowed. */
  static async open(parts: FunctionParts, base: string): Promise<Mounts> {
    const command = ["unshare", "--mount", "--propagation", "private"];
    const process = parts.processes.spawn(
      [...command, "/bin/sh", "-c", script, "sh", base, parts.processes.nodePath],
      {
        folder: "/",
        env: { PATH: systemPath, LC_ALL: "C", ...parts.mark },
      },
    );
    const mounts = new Mounts(process);
    const up = mounts.#answer();
    await up;
    return mounts;
  }

  private constructor(process: Process) {
    this.#process = process;
    void this.#listen().catch((thrown: unknown) => this.#lost(messageOf(thrown)));
    void drain(process.stderr).then((said) => this.#lost(said));
  }

  get namespace(): string {
    return `/proc/${this.#process.pid}/ns/mnt`;
  }

  /** A folder for one sandbox's own mounts: "task" and "tmp" are in it. */
  slot(number: number): string {
    return `${root}/slots/${number}`;
  }

  /** Makes folders for that many sandboxes. */
  async makeSlots(count: number): Promise<void> {
    if (count <= this.#slots) return;
    const names = Array.from({ length: count - this.#slots }, (_, index) => {
      const slot = this.slot(this.#slots + index);
      return `${slot}/task ${slot}/tmp`;
    });
    this.#slots = count;
    await this.#run(`mkdir -p ${names.join(" ")}`);
  }

  async mountTmp(slot: number, bytes: number, owner: number): Promise<void> {
    const options = `size=${bytes},mode=700,uid=${owner},gid=${owner},nosuid,nodev`;
    await this.#run(`mount -t tmpfs -o ${options} canopy-tmp ${this.slot(slot)}/tmp`);
  }

  async resizeTmp(slot: number, bytes: number): Promise<void> {
    await this.#run(`mount -o remount,size=${bytes},nosuid,nodev ${this.slot(slot)}/tmp`);
  }

  /** Lets a sandbox see a folder of code. */
  async mountCode(slot: number, name: string, folder: string): Promise<void> {
    const code = await this.#code(name, folder);
    await this.#run(`mount --bind ${code} ${this.slot(slot)}/task`);
  }

  async unmount(slot: number): Promise<void> {
    const folder = this.slot(slot);
    await this.#run(`umount -l ${folder}/task; umount -l ${folder}/tmp; true`);
  }

  /** No sandbox has that code any more. */
  async forgetCode(name: string): Promise<void> {
    const code = this.#codes.get(name);
    this.#codes.delete(name);
    if (code) await this.#run(`umount -l ${await code} && rmdir ${await code}`);
  }

  /** Once per code: that it is read-only does not follow to sandboxes that have it already, so it is made so before. */
  #code(name: string, folder: string): Promise<string> {
    let made = this.#codes.get(name);
    if (!made) {
      const code = `${root}/code/${name}`;
      const bind = `mount --bind ${quoted(folder)} ${code}`;
      const options = "remount,bind,ro,nosuid,nodev";
      made = this.#run(`mkdir -p ${code} && ${bind} && mount -o ${options} ${code}`).then(
        () => code,
      );
      this.#codes.set(name, made);
      made.catch(() => this.#codes.delete(name));
    }
    return made;
  }

  async #run(command: string): Promise<void> {
    const answer = this.#answer();
    this.#process.stdin.write(`${command}\n`);
    await answer;
  }

  #answer(): Promise<void> {
    const waiting = Promise.withResolvers<string>();
    this.#waiting.push(waiting);
    return waiting.promise.then((said) => {
      if (said.startsWith("failed"))
        throw new CanopyError("unavailable", `Cannot mount for a function: ${said.slice(7)}`);
    });
  }

  async #listen(): Promise<void> {
    const incoming = this.#process.stdout[Symbol.asyncIterator]();
    for await (const line of linesOf(incoming, limits.lineBytesMax))
      this.#waiting.shift()?.resolve(line);
  }

  #lost(said: string): void {
    for (const waiting of this.#waiting.splice(0)) waiting.resolve(`failed ${said.trim()}`);
  }

  close(): void {
    this.#process.stdin.end();
  }
}

async function drain(output: AsyncIterable<Uint8Array>): Promise<string> {
  let said = "";
  for await (const piece of output) said = (said + Buffer.from(piece).toString()).slice(-1000);
  return said;
}
