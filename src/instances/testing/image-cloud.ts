import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { FileBlobs } from "#/blobs/files.ts";
import type { Blobs } from "#/blobs/blobs.ts";
import { sleep, type Clock } from "#/base/clock.ts";
import type { Files } from "#/base/files.ts";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeFiles } from "#/base/node/files.ts";
import { nodeRandom } from "#/base/node/random.ts";
import type { ImageRecord } from "#/model/image.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { VolumeRecord } from "#/model/volume.ts";
import type { Batch } from "#/space/log.ts";
import { MemoryLog, SharedMemory } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { Images, type ImageAsked } from "../images.ts";
import { OrphanRemoval } from "../orphan-removal.ts";
import type { VolumeKeys } from "../volume-keys.ts";
import { Volumes } from "../volumes.ts";
import { testVolumeKeys } from "./volume-keys.ts";

const GiB = 2 ** 30;
export const project = "p";
/** Nothing is encrypted here. */
export const sealer = { seal: (plain: string) => plain, unseal: (sealed: string) => sealed };
/** What a Linux begins as, with something of its own behind. */
export const kernelText = (own: string): string => `${" ".repeat(0x202)}HdrS ${own}`;
export const keyOf = (content: string) => createHash("sha256").update(content).digest("hex");

/** Images, volumes and blobs of a cloud that can be killed, over files and a log that outlive it. */
export class ImageCloud {
  space!: Space;
  images!: Images;
  volumes!: Volumes;
  keys!: VolumeKeys;
  blobs!: Blobs;
  #removal!: OrphanRemoval;
  #log = new SharedMemory();
  #folder: string;
  #aheadMs = 0;
  /** So many blobs are removed before it is killed, with the next one. */
  removalsLeft = Infinity;
  onPut: (key: string) => void = () => {};
  /** What an earlier life was doing is not done any more. */
  life = new Life();
  #logMs: () => number;

  readonly clock: Clock = { ...nodeClock, now: () => nodeClock.now() + this.#aheadMs };

  private constructor(folder: string, logMs: () => number) {
    this.#folder = folder;
    this.#logMs = logMs;
  }

  /** `logMs`: how long its log takes for the next batch. */
  static async make(folder: string, logMs = () => 0): Promise<ImageCloud> {
    const cloud = new ImageCloud(folder, logMs);
    await cloud.start();
    return cloud;
  }

  /** Begins with what is in the log and the files, as after a crash. */
  async start(): Promise<void> {
    const { clock } = this;
    const shared = { clock, random: nodeRandom };
    this.life.end();
    const life = new Life();
    const log = new LateLog(this.#log, life, this.#logMs);
    this.#log.leader = undefined;
    this.space = await Space.open({
      log,
      clock,
      report: silent,
      onBroken: (thrown) => assert.fail(String(thrown)),
    });
    const { space } = this;
    this.blobs = await FileBlobs.open({ files: this.#files(), clock, folder: this.#folder });
    this.keys = testVolumeKeys({ space, ...shared }, sealer);
    this.volumes = new Volumes({ space, keys: this.keys, ...shared });
    this.images = new Images({ space, volumes: this.volumes, blobs: this.blobs, ...shared });
    this.removalsLeft = Infinity;
    const { blobs } = this;
    const dying: Pick<Blobs, "get" | "isUntouched" | "removeUntouched"> = {
      get: (...asked) => blobs.get(...asked),
      isUntouched: (...asked) => blobs.isUntouched(...asked),
      removeUntouched: async (...asked) => {
        if (life.isOver) throw new Error("killed");
        const gone = await blobs.removeUntouched(...asked);
        if (typeof gone === "object" && --this.removalsLeft < 0) life.end();
        if (life.isOver) throw new Error("killed");
        return gone;
      },
    };
    this.#removal = new OrphanRemoval({
      space,
      blobs: dying,
      clock,
      log: silent,
      isSure: () => !life.isOver,
    });
    this.life = life;
  }

  pass(ms: number): void {
    this.#aheadMs += ms;
  }

  /** A turn of the loop; false when the cloud was killed in it. */
  async removeOrphans(): Promise<boolean> {
    const { life } = this;
    const turn = this.#removal.turn().catch((thrown: unknown) => {
      if (!life.isOver) throw thrown;
    });
    await Promise.race([turn, life.over]);
    return !life.isOver;
  }

  /** As an importer does: what is there is not put again. */
  async bring(content: string): Promise<string> {
    const key = keyOf(content);
    return (await this.blobs.stat(project, key)) ? key : this.put(content);
  }

  /** As a machine does. */
  async put(content: string): Promise<string> {
    this.onPut(keyOf(content));
    return (await this.blobs.put(project, Buffer.from(content))).key;
  }

  async bringDisk(contents: readonly (string | null)[]): Promise<string> {
    const chunks: (string | null)[] = [];
    for (const content of contents)
      chunks.push(content === null ? null : await this.bring(content));
    return this.bring(
      JSON.stringify({ sizeBytes: chunks.length << 20, chunkBytes: 1 << 20, chunks }),
    );
  }

  async importDisk(title: string, contents: readonly (string | null)[]): Promise<ImageRecord> {
    const disks = [{ device: "/dev/sda1", manifest: await this.bringDisk(contents) }];
    return this.images.make(project, { ...said, title, source: { type: "disk", disks } });
  }

  async importKernel(title: string, content: string): Promise<ImageRecord> {
    const source = {
      type: "unikernel" as const,
      kernel: await this.bring(content),
      commandLine: "",
    };
    return this.images.make(project, { ...said, title, source });
  }

  /** An instance that is stopped, and the volume that is its root when it has one. */
  launch(image: ImageRecord): InstanceRecord {
    const { source } = image.spec;
    if (source.type === "disk") this.volume(source.disks[0]!.snapshot);
    const name = `i-${Buffer.from(nodeRandom.bytes(8)).toString("hex")}`;
    return this.space.commit((tx) =>
      tx.put<"instance">({
        kind: "instance",
        project,
        name,
        spec: { image: image.name, tags: {} } as unknown as InstanceRecord["spec"],
        status: { state: "stopped", since: 0, fence: 1 },
      }),
    ).value;
  }

  /** It has a file on the machine "m". */
  volume(snapshotName: string): VolumeRecord {
    const snapshot = this.volumes.findSnapshot(project, snapshotName);
    const asked = { type: "gp3" as const, zone: "z", tags: {}, isEncrypted: false };
    const made = this.volumes.create(project, { ...asked, snapshot, sizeBytes: GiB });
    return this.space.commit((tx) =>
      tx.put<"volume">({ ...made, status: { ...made.status, machine: "m" } }),
    ).value;
  }

  has = (key: string): boolean => existsSync(this.#pathOf(key));

  contentOf = (key: string): string => readFileSync(this.#pathOf(key), "utf8");

  /** Keys of all blobs. */
  kept(): string[] {
    const folder = join(this.#folder, project);
    if (!existsSync(folder)) return [];
    return readdirSync(folder).flatMap((part) => readdirSync(join(folder, part)));
  }

  #pathOf = (key: string) => join(this.#folder, project, key.slice(0, 2), key);

  /** As they are but for the syncs, and at the time that it is here. */
  #files(): Files {
    return {
      ...nodeFiles,
      write: async (path, content) => {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, content);
        utimesSync(path, this.clock.now() / 1000, this.clock.now() / 1000);
      },
      rename: async () => {},
    };
  }
}

/** Of a process, until it is killed. */
class Life {
  isOver = false;
  #over = Promise.withResolvers<void>();

  get over(): Promise<void> {
    return this.#over.promise;
  }

  end(): void {
    this.isOver = true;
    this.#over.resolve();
  }
}

/** What it was given is kept a while later, unless its process was killed before that. */
class LateLog extends MemoryLog {
  #life: Life;
  #logMs: () => number;

  constructor(shared: SharedMemory, life: Life, logMs: () => number) {
    super(shared);
    this.#life = life;
    this.#logMs = logMs;
  }

  override async append(batch: Batch): Promise<void> {
    const ms = this.#logMs();
    if (ms > 0) await sleep(nodeClock, ms);
    if (this.#life.isOver) await new Promise(() => {});
    await super.append(batch);
  }
}

const said: Omit<ImageAsked, "title" | "source"> = {
  description: "",
  architecture: "x86_64",
  kinds: ["vm"],
  tags: {},
};
