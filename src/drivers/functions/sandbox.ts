import { within } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Cage, CageLimits, Cages, CageUsage, Process } from "#/base/processes.ts";
import type { FunctionInterpreter } from "#/model/function.ts";
import { Confinement } from "../confine.ts";
import { systemPath } from "../instances/command.ts";
import type { Ending } from "./function-errors.ts";
import type { Mounts } from "./mounts.ts";
import type { FunctionParts } from "./parts.ts";
import { RuntimeApi } from "./runtime-api.ts";
import type { Programs } from "./programs.ts";

/** What makes sandboxes alike before anybody has used them. */
export interface SandboxKind {
  interpreter: FunctionInterpreter;
  memoryBytes: number;
}

/** Means that all sandboxes of an agent share. */
export interface SandboxMeans {
  parts: FunctionParts;
  cages: Cages;
  mounts: Mounts;
  programs: Programs;
  slots: Slots;
}

/** Numbers of sandboxes; each stands for a folder and an owner. */
export class Slots {
  #free: number[] = [];
  #count = 0;

  take(): number {
    const slot = this.#free.shift();
    if (slot !== undefined) return slot;
    if (this.#count >= limits.sandboxesMax)
      throw new CanopyError(
        "limited",
        `Cannot start an environment as a machine may have ${limits.sandboxesMax} at once: it has as many`,
      );
    return this.#count++;
  }

  give(slot: number): void {
    this.#free.push(slot);
  }
}

let sandboxCount = 0;

/**
 * Namespaces, an owner and a cage of their own around one runtime program. It waits, knowing nobody, until it is given code: so it
 * may be made before it is known for whom.
 */
export class Sandbox {
  readonly kind: SandboxKind;
  readonly process: Process;
  /** For programs that speak Lambda's own; there once it waits. */
  api: RuntimeApi | undefined;
  /** Resolves when its program waits for its code. Rejects with CanopyError "unavailable" when it never will. */
  readonly waits: Promise<void>;
  /** Resolves when its program has ended; others of it may still live. Never rejects. */
  readonly ended: Promise<Ending>;
  #means: SandboxMeans;
  #slot: number;
  #name: string;
  #confinement: Confinement;
  #tmpBytes: number = limits.sandboxTmpBytes;
  #ending: Promise<void> | undefined;
  #errors = "";

  /** Starts one. Throws CanopyError "limited" when there are too many, "unavailable" when it cannot be. */
  static async start(means: SandboxMeans, kind: SandboxKind): Promise<Sandbox> {
    const { mounts, slots } = means;
    const slot = slots.take();
    try {
      await mounts.makeSlots(slot + 1);
      await mounts.mountTmp(slot, limits.sandboxTmpBytes, ownerOf(slot));
      return new Sandbox(means, kind, slot);
    } catch (thrown) {
      await mounts.unmount(slot).catch(() => {});
      slots.give(slot);
      throw thrown;
    }
  }

  private constructor(means: SandboxMeans, kind: SandboxKind, slot: number) {
    const { parts, mounts, programs } = means;
    this.kind = kind;
    this.#means = means;
    this.#slot = slot;
    this.#name = `function-${++sandboxCount}`;
    this.#confinement = new Confinement({ ...parts, mark: this.#name }, this.#name, {
      memoryBytes: kind.memoryBytes,
      processes: limits.sandboxProcessesMax,
    });
    this.process = parts.processes.spawn(programs.command(kind, mounts, slot, ownerOf(slot)), {
      folder: "/",
      // Its first process keeps that for all inside to read: nothing of the agent's is in it.
      env: { PATH: systemPath },
      channel: true,
      cage: this.#cage,
    });
    this.#confinement.holds(this.process);
    this.ended = this.process.ended.then(
      ({ code, signal }) => ({ code, signal, ranOutOfMemory: this.#confinement.ranOutOfMemory() }),
      () => ({ code: 127, signal: undefined, ranOutOfMemory: false }),
    );
    this.waits = this.#waits();
    this.waits.catch(() => {});
  }

  /** What it says on its channel is one word until it has code. */
  async #waits(): Promise<void> {
    const { clock } = this.#means.parts;
    const said = Promise.withResolvers<string>();
    this.process.channel!.onLines = ([line = ""]) => said.resolve(line);
    const word = await within(
      clock,
      limits.sandboxStartMs,
      Promise.race([said.promise, this.ended]),
    );
    if (word === "w") {
      if (this.kind.interpreter !== "bootstrap") return;
      this.api = await RuntimeApi.open(this.#means.parts, await this.#networkNamespace());
      // It may have been ended meanwhile, when there was nothing to close yet.
      if (this.#ending) this.api.close();
      return;
    }
    for await (const piece of this.process.stderr) {
      this.#errors = (this.#errors + Buffer.from(piece).toString()).slice(-1000);
      if (word === undefined) break;
    }
    const why = word === undefined ? "it took too long" : this.#errors.trim();
    throw new CanopyError("unavailable", `Cannot start a sandbox for a function: ${why}`);
  }

  get #cage(): Cage {
    return this.#confinement.cage!;
  }

  /** The file of its network namespace. In there is nothing but its own loopback: what leads out of it is to be put there. */
  async #networkNamespace(): Promise<string> {
    const { files } = this.#means.parts;
    const { pid } = this.process;
    const children = await files.read(`/proc/${pid}/task/${pid}/children`);
    const [child = ""] = Buffer.from(children ?? "")
      .toString()
      .trim()
      .split(" ");
    return `/proc/${child}/ns/net`;
  }

  /** Shows it the folder of its code, at /var/task, and gives /tmp its size. */
  async takeCode(name: string, folder: string, tmpBytes: number): Promise<void> {
    const { mounts } = this.#means;
    const isResized = tmpBytes !== this.#tmpBytes;
    this.#tmpBytes = tmpBytes;
    await Promise.all([
      mounts.mountCode(this.#slot, name, folder),
      isResized && mounts.resizeTmp(this.#slot, tmpBytes),
    ]);
  }

  /** From now on; it had the CPUs as they were free. */
  limit(bounds: CageLimits): void {
    this.#means.cages.make(this.#name, bounds);
  }

  usage(): CageUsage {
    return this.#cage.usage();
  }

  freeze(): boolean {
    return this.#cage.freeze();
  }

  thaw(): void {
    this.#cage.thaw();
  }

  /** Ends all of it, whatever it does. Resolves when nothing of it is left. */
  end(): Promise<void> {
    return (this.#ending ??= this.#end());
  }

  async #end(): Promise<void> {
    await this.#confinement.end();
    await this.ended;
    this.api?.close();
    await this.#means.mounts.unmount(this.#slot).catch(() => {});
    this.#means.slots.give(this.#slot);
  }
}

const ownerOf = (slot: number) => limits.sandboxOwnerBase + slot;
