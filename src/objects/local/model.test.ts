import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import fc from "fast-check";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { ObjectStore } from "../object-store.ts";
import type { ObjectVersion } from "../object-version.ts";
import { md5, Model } from "../testing/model.ts";
import { openLocalStore } from "./open.ts";
import type { LocalStore } from "./store.ts";

const owner = { ownerId: "123456789012", storageClass: "STANDARD" };
const keys = ["a", "a/b", "a/b/c", "a/c", "b", "b\u0000", "b/\u{1f600}", "b/\uffee", "z"];
const keyOf = fc.constantFrom(...keys);
/** What fits a pack, and what does not. */
const contentOf = fc
  .tuple(fc.constantFrom(0, 1, 7, 4096, 131_072, 131_073, 300_000), fc.nat(255))
  .map(([size, byte]) => Buffer.alloc(size, byte));

type Step = (run: Run) => Promise<void>;

interface Run {
  store: ObjectStore;
  model: Model;
  folder: string;
  reopen(how: "closed" | "killed" | "without its index"): Promise<void>;
  compact(shareMin: number): Promise<void>;
}

const bucket = "b1";

const put = fc.tuple(keyOf, contentOf, fc.boolean()).map(([key, content, asStream]): Step => {
  return async ({ store, model }) => {
    const source = asStream ? streamed(content) : content;
    const { versioning } = model;
    const { version, replacedBytes } = await store.put({ bucket, key }, source, {
      versioning,
      ...owner,
      metadata: { size: String(content.length) },
    });
    assert.equal(version.etag, md5(content));
    assert.equal(version.versionId === "null", versioning !== "enabled");
    const { bytes } = model.use();
    model.put(key, { versionId: version.versionId, content, etag: version.etag });
    assert.equal(model.use().bytes, bytes + content.length - replacedBytes);
  };
});

const conditional = fc
  .tuple(keyOf, contentOf, fc.constantFrom("*", "same", "other", "none"))
  .map(([key, content, kind]): Step => {
    return async ({ store, model }) => {
      const current = model.current(key);
      const ifMatch = kind === "*" ? "*" : kind === "same" ? current?.etag : md5(Buffer.from("?"));
      const condition =
        kind === "none" || ifMatch === undefined ? { ifNoneMatch: "*" as const } : { ifMatch };
      const expected =
        "ifNoneMatch" in condition
          ? current && "PreconditionFailed"
          : !current
            ? "NoSuchKey"
            : ifMatch === "*" || ifMatch === current.etag
              ? undefined
              : "PreconditionFailed";
      const putting = store.put({ bucket, key }, content, {
        versioning: model.versioning,
        ...owner,
        condition,
      });
      if (expected) await assert.rejects(putting, { awsCode: expected });
      else {
        const { version } = await putting;
        model.put(key, { versionId: version.versionId, content, etag: version.etag });
      }
    };
  });

const remove = keyOf.map((key): Step => {
  return async ({ store, model }) => {
    const { versioning } = model;
    const { marker, removed } = await store.delete({ bucket, key }, { versioning, ...owner });
    assert.equal(marker === undefined, versioning === "off");
    if (versioning === "off") assert.equal(removed?.key, model.current(key) && key);
    model.delete(key, marker?.versionId);
  };
});

const removeVersion = fc.tuple(keyOf, fc.nat(5)).map(([key, index]): Step => {
  return async ({ store, model }) => {
    const versions = model.versions(key);
    const versionId = versions[index % (versions.length || 1)]?.versionId ?? "null";
    const { versioning } = model;
    const { removed } = await store.delete({ bucket, key }, { versioning, ...owner, versionId });
    assert.equal(removed === undefined, versions.length === 0);
    model.remove(key, versionId);
  };
});

const mark = fc.tuple(keyOf, fc.nat(5)).map(([key, color]): Step => {
  return async ({ store, model }) => {
    const current = model.current(key);
    const marking = store.mark({ bucket, key }, undefined, { tags: { color: String(color) } });
    if (current) {
      await marking;
      current.tags = { color: String(color) };
    } else await assert.rejects(marking, AwsError);
  };
});

const transition = fc
  .tuple(keyOf, fc.constantFrom("GLACIER", "STANDARD"))
  .map(([key, to]): Step => {
    return async ({ store, model }) => {
      if (!model.current(key)) return;
      const { storageClass } = await store.transition({ bucket, key }, undefined, to);
      assert.equal(storageClass, to);
    };
  });

const upload = fc
  .tuple(keyOf, fc.array(fc.nat(3), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([key, numbers, isCompleted]): Step => {
    return async ({ store, model }) => {
      const place = { bucket, key };
      const { uploadId } = await store.beginUpload(place, owner);
      const parts = new Map<number, { etag: string; content: Buffer }>();
      for (const [index, part] of numbers.entries()) {
        const content = Buffer.alloc(index === 0 ? 200_000 : 17, index);
        const { etag } = await store.putPart(place, uploadId, part + 1, content, {});
        parts.set(part + 1, { etag, content });
      }
      const listed = await store.listParts(place, uploadId, { max: 1000 });
      assert.deepEqual(
        listed.parts.map((one) => one.number),
        [...parts.keys()].toSorted((a, b) => a - b),
      );
      if (isCompleted) {
        // Only the last may be small: one is chosen.
        const [number, { etag, content }] = parts.entries().next().value!;
        const { version } = await store.completeUpload(place, uploadId, [{ number, etag }], {
          versioning: model.versioning,
        });
        model.put(key, { versionId: version.versionId, content, etag: version.etag });
      } else await store.abortUpload(place, uploadId);
      const gone = store.putPart(place, uploadId, 1, Buffer.from("late"), {});
      await assert.rejects(gone, { awsCode: "NoSuchUpload" });
    };
  });

const versioning = fc.constantFrom("enabled" as const, "suspended" as const).map((to): Step => {
  return async ({ model }) => void (model.versioning = to);
});

const reopen = fc
  .constantFrom("closed" as const, "killed" as const, "without its index" as const)
  .map(
    (how): Step =>
      (run) =>
        run.reopen(how),
  );

const compact = fc
  .tuple(fc.constantFrom(0, 0.3, 0.95), fc.boolean())
  .map(([shareMin, isMadeAnew]): Step => {
    return async (run) => {
      await run.compact(shareMin);
      if (isMadeAnew) await run.reopen("without its index");
    };
  });

const list = fc
  .tuple(
    fc.constantFrom("", "a", "a/", "b", "b/", "x"),
    fc.constantFrom(undefined, "/", "b"),
    fc.integer({ min: 1, max: 5 }),
  )
  .map(([prefix, delimiter, max]): Step => {
    return async ({ store, model }) => {
      const found: string[] = [];
      for (let after: string | undefined, pages = 0; pages < 50; pages++) {
        const asked = { prefix, max, ...(delimiter && { delimiter }), ...(after && { after }) };
        const { entries, commonPrefixes, next } = await store.list(bucket, asked);
        assert.ok(entries.length + commonPrefixes.length <= max);
        found.push(...[...entries.map(({ key }) => key), ...commonPrefixes].toSorted(byBytes));
        if (!next) break;
        after = next.after;
      }
      assert.deepEqual(found, model.list(prefix, delimiter));
      const versions: string[] = [];
      let after: { after: string; afterVersionId?: string } | undefined;
      do {
        const { entries, next } = await store.listVersions(bucket, { prefix, max, ...after });
        for (const one of entries)
          versions.push(
            JSON.stringify([one.key, one.versionId, "isDeleteMarker" in one, one.isLatest]),
          );
        after = next;
      } while (after);
      assert.deepEqual(versions, model.listVersions(prefix));
    };
  });

test("the store does what a simple model of S3 does, over restarts and crashes", async () => {
  const step = fc.oneof(
    { arbitrary: put, weight: 6 },
    conditional,
    { arbitrary: remove, weight: 3 },
    removeVersion,
    mark,
    transition,
    upload,
    versioning,
    reopen,
    { arbitrary: compact, weight: 2 },
    { arbitrary: list, weight: 2 },
  );
  const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), runAll);
  await fc.assert(property, { numRuns: 60 });
});

async function runAll(steps: readonly Step[]): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "canopy-objects-"));
  let folder = join(root, "0");
  let store = await open(folder);
  let copies = 0;
  const stores = [store];
  const run: Run = {
    store,
    model: new Model(),
    folder,
    async reopen(how) {
      if (how === "closed") await store.close();
      else {
        // What is on disk at this moment is what a process that is killed now leaves behind.
        const copy = join(root, String(++copies));
        cpSync(folder, copy, { recursive: true });
        if (how === "without its index")
          for (const end of ["", "-wal", "-shm"])
            rmSync(join(copy, `index.sqlite${end}`), { force: true });
        folder = copy;
      }
      store = await open(folder);
      stores.push(store);
      run.store = store;
    },
    compact: (shareMin) => store.compact({ shareMin }),
  };
  try {
    for (const step of steps) {
      await step(run);
      await check(run);
    }
  } finally {
    for (const one of stores) await one.close();
    rmSync(root, { recursive: true });
  }
}

async function check({ store, model }: Run): Promise<void> {
  assert.deepEqual(store.use(bucket), model.use());
  for (const key of keys) {
    const place = { bucket, key };
    const [newest] = model.versions(key);
    assert.equal(store.find(place) === undefined, newest === undefined, key);
    for (const { versionId, content, tags } of model.versions(key)) {
      const version = (await store.find(place, versionId)) as ObjectVersion;
      assert.equal("isDeleteMarker" in version, content === undefined);
      assert.equal(version.isLatest, versionId === newest!.versionId);
      if (!content) continue;
      assert.deepEqual(version.tags, tags);
      const found = await store.read(place, version, {});
      assert.ok(content.equals(found instanceof Uint8Array ? found : await buffer(found)));
    }
  }
}

async function* streamed(content: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536);
}

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

function open(folder: string): Promise<LocalStore> {
  return openLocalStore({
    folder,
    clock: nodeClock,
    random: nodeRandom,
    report: silent,
    packBytesMax: 20_000, // many packs, so that there is something to compact
    onBroken(error) {
      throw error;
    },
  });
}
