import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeHost } from "#/base/node/host.ts";
import { silent } from "#/base/log.ts";
import type { LogLine, SegmentSource, StepBrief, TaskOffer } from "#/model/wire.ts";
import type { StepSpec } from "#/model/step.ts";
import type { TaskTemplate } from "#/model/task.ts";
import { Admission } from "../admission.ts";
import {
  SegmentsLost,
  type Driver,
  type DriverParts,
  type MakeDriver,
  type Outcome,
  type Work,
} from "../driver.ts";

export interface Printed {
  stream: LogLine["stream"];
  text: string;
}

export interface Ended extends Outcome {
  work: Work;
  printed: Printed[];
}

let rigCount = 0;

/** A driver with real processes and files around it, and what it is given kept in memory. */
export class Rig {
  readonly folder: string;
  readonly parts: DriverParts;
  readonly driver: Driver;
  readonly blobs = new Map<string, string>();
  readonly segments = new Map<string, Uint8Array>();
  #taskCount = 0;

  static async make(
    makeDriver: MakeDriver,
    options: { cpus?: number; withoutCages?: boolean; env?: Record<string, string> } = {},
  ): Promise<Rig> {
    const folder = await mkdtemp(join(tmpdir(), "canopy-rig-"));
    return new Rig(folder, makeDriver, options);
  }

  private constructor(
    folder: string,
    makeDriver: MakeDriver,
    options: { cpus?: number; withoutCages?: boolean; env?: Record<string, string> },
  ) {
    this.folder = folder;
    const host = nodeHost(silent);
    const capacity = { milliCpus: (options.cpus ?? 2) * 1000, memoryBytes: 4 * 2 ** 30 };
    const mark = `canopy-rig-${process.pid}-${++rigCount}`;
    this.parts = {
      ...host,
      folder,
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", ...options.env },
      cloudUrl: "http://127.0.0.1:1",
      capacity,
      admission: new Admission(capacity),
      cages: options.withoutCages ? undefined : host.processes.cages(mark),
      mark,
      blobs: {
        fetch: async (_project, key) => {
          const path = this.blobs.get(key);
          if (!path) throw new Error(`there is no blob ${key}`);
          return { path, sizeBytes: (await stat(path)).size };
        },
        store: async (_project, path) => {
          const key = `stored-${this.blobs.size}`;
          const kept = join(folder, key);
          await host.files.copy(path, kept);
          this.blobs.set(key, kept);
          return { key, sizeBytes: (await stat(path)).size };
        },
      },
      shuffle: {
        keep: (task, partitions) =>
          partitions.map((pieces, partition) => {
            const content = Buffer.concat(pieces);
            this.segments.set(`${task}/${partition}`, content);
            return content.length;
          }),
        gather: (sources) => this.#gather(sources),
      },
    };
    this.driver = makeDriver(this.parts);
  }

  async *#gather(sources: SegmentSource[]): AsyncGenerator<Uint8Array> {
    for (const segment of sources.flatMap((source) => source.segments)) {
      const content = this.segments.get(segment);
      if (!content)
        throw new SegmentsLost([segment.slice(0, segment.lastIndexOf("/"))], "the rig has it not");
      yield content;
    }
  }

  /** Makes a blob of a user's module; gives its key. */
  async module(source: string): Promise<string> {
    const key = `module-${this.blobs.size}`;
    const path = join(this.folder, `${key}.mjs`);
    this.blobs.set(key, path);
    await writeFile(path, source);
    return key;
  }

  async blob(content: string | Uint8Array): Promise<string> {
    const key = `blob-${this.blobs.size}`;
    const path = join(this.folder, key);
    this.blobs.set(key, path);
    await writeFile(path, content);
    return key;
  }

  /** Starts one task; resolves when it has ended. */
  run(
    brief: StepBrief,
    step: string,
    offer: Partial<TaskOffer> = {},
  ): Promise<Ended> & { work: Work } {
    const { promise, resolve } = Promise.withResolvers<Ended>();
    const printed: Printed[] = [];
    const work: Work = {
      offer: {
        task: `${step}/${this.#taskCount++}`,
        fence: 1,
        input: "null",
        attempt: 1,
        ...offer,
      },
      step,
      brief,
      sink: {
        log: (_work, stream, text) => void printed.push({ stream, text }),
        ended: (ended, outcome) => resolve({ ...outcome, work: ended, printed }),
      },
      startedMs: 0,
      cancelled: false,
      suspected: 0,
    };
    this.driver.start(work);
    return Object.assign(promise, { work });
  }

  async close(): Promise<void> {
    await this.driver.stop();
    this.parts.cages?.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A step with everything that a test does not care about. */
export function briefOf(
  template: Partial<TaskTemplate> & Pick<TaskTemplate, "run">,
  spec: Partial<StepSpec> = {},
): StepBrief {
  return {
    project: "default",
    spec: {
      name: "step",
      title: "step",
      after: [],
      source: { type: "list" },
      onFailure: "continue",
      ...spec,
      template: {
        needs: { milliCpus: 1000, memoryBytes: 0, labels: {} },
        retries: 0,
        retryMs: 0,
        inputs: [],
        outputs: [],
        reuse: false,
        ...template,
      },
    },
  };
}
