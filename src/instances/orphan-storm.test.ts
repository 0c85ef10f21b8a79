import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { sleep } from "#/base/clock.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import { OneAtATime } from "#/base/one-at-a-time.ts";
import { Chance } from "#/base/testing/chance.ts";
import type { HostReports } from "#/model/hosting.ts";
import { blobsOf, type ImageRecord } from "#/model/image.ts";
import type { RecordOfKind } from "#/model/record.ts";
import type { DiskManifest, SnapshotRecord } from "#/model/volume.ts";
import { fold } from "./fold.ts";
import { copyImage } from "./image-changes.ts";
import { orderMeans } from "./order-means.ts";
import { ordersFor } from "./orders.ts";
import { orphansOf, removeOrphan } from "./orphans.ts";
import { deleteSnapshot } from "./snapshots.ts";
import { ImageCloud, project, sealer, kernelText } from "./testing/image-cloud.ts";

const hourMs = 60 * 60_000;
const root = mkdtempSync(join(tmpdir(), "canopy-storm-"));
after(() => rmSync(root, { recursive: true }));

type Thing = "image" | "instance" | "volume" | "snapshot";
type Chunks = DiskManifest["chunks"];

/** What people, machines, crashes and the loop do at once. It finds out by itself what is named, with no code of what it judges. */
class Storm {
  #cloud: ImageCloud;
  #chance: Chance;
  #count = 0;
  /** Of a snapshot that is being taken, what its machine has read of the one before. */
  #taking = new Map<string, Chunks>();
  /** Blobs that somebody wants gone, until something else is seen to name them. */
  #unwanted = new Set<string>();
  /** The same, of which it is not known yet whether it will be remembered. */
  #asked = new Set<Set<string | null>>();
  /** Lists of chunks that somebody wanted gone, and nobody has put since. */
  #lists = new Set<string>();
  #askedLists = new Set<Set<string>>();
  #under: Promise<unknown>[] = [];
  #isCollecting = false;
  #starts = new OneAtATime();
  readonly did = { removed: 0, crashed: 0 };

  constructor(cloud: ImageCloud, chance: Chance) {
    this.#cloud = cloud;
    this.#chance = chance;
    cloud.onPut = (key) => {
      this.#excuse(key); // it is new, whatever becomes of who has put it
      for (const lists of [this.#lists, ...this.#askedLists]) lists.delete(key);
    };
  }

  async step(): Promise<void> {
    const chance = this.#chance;
    const { images } = this.#cloud;
    const deregister = this.#some("image", (image) => images.deregister(image), "available");
    const act = chance.pick([
      () => this.#import(),
      () => this.#import(),
      deregister,
      deregister,
      this.#some("image", (image) => this.#cloud.launch(image), "available"),
      this.#some("image", (image) => this.#copy(image), "available"),
      this.#some("instance", ({ name }) => this.#delete("instance", name)),
      this.#some("volume", ({ name }) => this.#delete("volume", name)),
      this.#some("volume", (volume) => this.#beginSnapshot(volume)),
      this.#some("snapshot", (snapshot) => this.#endSnapshot(snapshot), "pending"),
      this.#some("snapshot", (snapshot) => this.#endSnapshot(snapshot), "pending"),
      this.#some("snapshot", (snapshot) => this.#deleteSnapshot(snapshot)),
      () => this.#removeOrphans(),
      () => this.#removeOrphans(),
      () => this.#collect(),
      () => this.#collect(),
      () => this.#cloud.pass(chance.whole(1, 40) * hourMs),
      () => this.#crash(),
    ]);
    // Half of what takes a while is still under way when the next thing happens.
    const done = Promise.resolve(attempt(act));
    if (chance.isOneIn(2)) await done;
    else this.#under.push(done);
    if (chance.isOneIn(3)) await sleep(nodeClock, 1);
    this.check();
  }

  /** Lets all that is under way end, and what may go, go. */
  async settle(): Promise<void> {
    await Promise.all(this.#under);
    await this.#crash();
    const snapshots = [...this.#cloud.space.all("snapshot")];
    for (const { name, status } of snapshots)
      if (status.state === "pending") this.#delete("snapshot", name);
    await this.#removeOrphans();
    this.#cloud.pass(48 * hourMs);
    await this.#cloud.removeOrphans();
    this.check();
  }

  /** What is named is there. */
  check(): void {
    for (const key of this.#named()) {
      this.#excuse(key);
      assert.ok(this.#cloud.has(key), `${key} is named, and gone`);
    }
  }

  /** What nobody names, and somebody wanted gone, is gone; and nothing waits. */
  checkEnd(): void {
    for (const key of this.#unwanted) assert.ok(!this.#cloud.has(key), `${key} should be gone`);
    const origins = [...this.#cloud.space.all("volume")].map(({ spec }) => spec.origin?.manifest);
    const waiting = this.#waiting();
    for (const manifests of waiting)
      assert.ok(
        manifests.some((manifest) => origins.includes(manifest)),
        "it waits for a volume that was made of it",
      );
    const left = orphansOf(this.#cloud.space, project);
    assert.ok(left.every(({ snapshots, blobs }) => snapshots.length + blobs.length === 0));
  }

  /** With the last volumes goes what waited for them. */
  async endVolumes(): Promise<void> {
    const volumes = [...this.#cloud.space.all("volume")];
    for (const { name } of volumes) this.#delete("volume", name);
    await this.#cloud.removeOrphans();
    this.check();
    assert.deepEqual(this.#waiting(), []);
    const named = this.#named();
    for (const list of this.#lists)
      assert.ok(named.has(list) || !this.#cloud.has(list), `the list ${list} should be gone`);
  }

  /** Lists of chunks of what is still to go. */
  #waiting(): (readonly string[])[] {
    const { space } = this.#cloud;
    const images = [...space.all("image")].flatMap(({ status }) => status.removal ?? []);
    const snapshots = [...space.all("snapshot-removal")].map(({ spec }) => [spec.manifest]);
    return [...images.map(({ manifests }) => manifests), ...snapshots];
  }

  #excuse(key: string): void {
    for (const keys of [this.#unwanted, ...this.#asked]) keys.delete(key);
  }

  #named(): Set<string> {
    const { space } = this.#cloud;
    const keys = new Set<string>();
    const lists = new Set<string | undefined>();
    for (const { status } of space.all("snapshot")) lists.add(status.manifest);
    for (const { spec } of space.all("volume")) lists.add(spec.origin?.manifest);
    const used = new Set([...space.all("instance")].map(({ spec }) => spec.image));
    for (const image of space.all("image"))
      if (image.status.state !== "deregistered" || used.has(image.name))
        for (const { key } of blobsOf(image)) keys.add(key);
    for (const list of lists) {
      if (list === undefined) continue;
      keys.add(list);
      assert.ok(this.#cloud.has(list), `the list ${list} is named, and gone`);
      for (const chunk of this.#chunksOf(list)) if (chunk !== null) keys.add(chunk);
    }
    return keys;
  }

  #chunksOf = (list: string): Chunks =>
    (JSON.parse(this.#cloud.contentOf(list)) as DiskManifest).chunks;

  /** A disk, or a kernel, of few contents, so that many have the same. */
  async #import(): Promise<void> {
    const chance = this.#chance;
    const content = () => `content ${chance.below(8)}`;
    const title = `image ${++this.#count}`;
    if (chance.isOneIn(3)) await this.#cloud.importKernel(title, kernelText(content()));
    else await this.#cloud.importDisk(title, [content(), null, content()]);
  }

  #copy(image: ImageRecord): void {
    const parts = { space: this.#cloud.space, clock: this.#cloud.clock, random: nodeRandom };
    copyImage(parts, image, { title: `copy ${++this.#count}`, description: "", tags: {} });
  }

  #beginSnapshot(volume: RecordOfKind<"volume">): void {
    const { space, volumes, keys } = this.#cloud;
    const { name } = volumes.snapshot(volume, { description: "", tags: {} });
    const means = orderMeans({ space, access: sealer, volumeKeys: keys, region: "r" });
    const order = ordersFor("m", means).snapshots.find(({ snapshot }) => snapshot === name);
    const before = order && "after" in order ? order.after : undefined;
    this.#taking.set(name, before === undefined ? [] : this.#chunksOf(before));
  }

  /** Its machine has put what is new, and takes the rest of the one before without asking. */
  async #endSnapshot({ name: snapshot }: SnapshotRecord): Promise<void> {
    const [, ...rest] = this.#taking.get(snapshot) ?? [];
    const chunks = [await this.#cloud.put(`written ${this.#chance.below(8)}`), ...rest];
    const sizes = { sizeBytes: chunks.length << 20, chunkBytes: 1 << 20 };
    const manifest = await this.#cloud.put(JSON.stringify({ ...sizes, chunks }));
    const report = { snapshot, state: "done" as const, progress: 100, manifest };
    const reports: HostReports = { instances: [], volumes: [], gone: [], snapshots: [report] };
    const { space } = this.#cloud;
    space.commit((tx) => fold(tx, space, { machine: "m", reports, now: 0 }));
  }

  async #removeOrphans(): Promise<void> {
    const { space } = this.#cloud;
    for (const { image, snapshots, blobs } of orphansOf(space, project)) {
      if (snapshots.length + blobs.length === 0) continue;
      const lists = snapshots.flatMap(({ status }) => status.manifest ?? []);
      const chunks = lists.filter(this.#cloud.has).flatMap(this.#chunksOf);
      const keys = new Set([...lists, ...chunks, ...blobs.map((blob) => blob.key)]);
      removeOrphan(space, image.name);
      this.#ask(keys, lists);
    }
  }

  #deleteSnapshot(snapshot: SnapshotRecord): void {
    const { manifest } = snapshot.status;
    const isThere = manifest !== undefined && this.#cloud.has(manifest);
    const keys = isThere ? [manifest, ...this.#chunksOf(manifest)] : [];
    deleteSnapshot(this.#cloud.space, snapshot);
    this.#ask(new Set(keys), isThere ? [manifest] : []);
  }

  /** Before it is durable a crash may have it forgotten, and its owner told so. */
  #ask(keys: Set<string | null>, lists: readonly string[]): void {
    this.#asked.add(keys);
    const askedLists = new Set(lists);
    this.#askedLists.add(askedLists);
    void this.#cloud.space.durable().then(() => {
      this.did.removed++;
      this.#asked.delete(keys);
      for (const key of keys) if (key !== null) this.#unwanted.add(key);
      this.#askedLists.delete(askedLists);
      for (const list of askedLists) this.#lists.add(list);
    });
  }

  /** One turn at a time, as the loop has it. */
  async #collect(): Promise<void> {
    if (this.#isCollecting) return;
    this.#isCollecting = true;
    if (this.#chance.isOneIn(3)) this.#cloud.removalsLeft = this.#chance.below(4);
    const isAlive = await this.#cloud.removeOrphans();
    this.#isCollecting = false;
    if (!isAlive) await this.#crash();
  }

  #crash(): Promise<void> {
    this.did.crashed++;
    return this.#starts.run("", () => this.#cloud.start());
  }

  #delete(kind: Thing, name: string): void {
    this.#cloud.space.commit((tx) => tx.delete(kind, name));
  }

  #some<K extends Thing>(
    kind: K,
    act: (record: RecordOfKind<K>) => unknown,
    state?: string,
  ): () => unknown {
    return () => {
      const all = [...this.#cloud.space.all(kind)].filter(
        (one) =>
          state === undefined || (one as { status: { state?: string } }).status.state === state,
      );
      return all.length > 0 ? act(this.#chance.pick(all)) : undefined;
    };
  }
}

/** What is refused, or was under way when the cloud was killed, is as if nobody had asked. */
async function attempt(act: () => unknown): Promise<void> {
  try {
    await act();
  } catch (thrown) {
    if (!(thrown instanceof Error) || thrown.name === "AssertionError") throw thrown;
    if ((thrown as { code?: string }).code === undefined) throw thrown;
  }
}

for (let seed = 1; seed <= 8; seed++)
  test(`whatever happens at once, a named blob is never gone, and what nobody names goes in the end (seed ${seed})`, async () => {
    const chance = new Chance(seed);
    const cloud = await ImageCloud.make(join(root, String(seed)), () => chance.below(4));
    const storm = new Storm(cloud, chance);
    for (let step = 0; step < 250; step++) await storm.step();
    await storm.settle();
    storm.checkEnd();
    await storm.endVolumes();
    assert.ok(storm.did.removed > 1 && storm.did.crashed > 5, JSON.stringify(storm.did));
  });
