import { createHash } from "node:crypto";
import type { Clock } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import { isUploadDue, type Lifecycle } from "#/model/bucket-lifecycle.ts";
import type { BucketRecord, LifecycleDeed } from "#/model/bucket.ts";
import type { Buckets } from "#/objects/buckets.ts";
import type { ObjectStore } from "#/objects/object-store.ts";
import type { BucketEvents } from "./events.ts";
import { carryOut, deedOf, eventNameOf, unlessGone, whatCameOf } from "./lifecycle-deeds.ts";
import { nextVersions, type Walk } from "./versions.ts";

interface Parts {
  buckets: Buckets;
  store: ObjectStore;
  events: BucketEvents;
  clock: Clock;
  log: Log;
}

/** One pass over a bucket: its versions, then its uploads. */
interface Pass {
  digest: string;
  versions: Walk | undefined;
  uploads: { after?: string; afterUploadId?: string } | undefined;
  /** Of what could not be treated: how often, and why the last time. */
  failures: number;
  fault: string;
}

const dayMs = 24 * 60 * 60_000;

/**
 * Does what the lifecycle rules of buckets ask for: a pass over each after every midnight (UTC), when rules fall due, and when
 * its rules have changed. A pass goes page by page; one that a crash has ended begins anew, and does nothing twice, when what it was
 * about to do was told of, if it was done. What fails of one object or bucket holds up no other: the bucket has another pass later.
 */
export function startLifecycle(parts: Parts): Loop {
  const passes = new Map<string, Pass>();
  /** When buckets of which something failed are looked at again. */
  const notBefore = new Map<string, number>();
  const loop = startLoop("lifecycle", turn, {
    clock: parts.clock,
    log: parts.log,
    everyMs: limits.lifecycleLookMs,
  });
  loop.wake();
  return loop;

  async function turn(): Promise<void> {
    let pages = 0;
    const now = parts.clock.now();
    for (const bucket of parts.buckets.all()) {
      const { id } = bucket.spec;
      if ((notBefore.get(id) ?? 0) > now) continue;
      const pass = passes.get(id) ?? duePass(bucket, now);
      if (!pass && !bucket.status.deeds) continue;
      if (++pages > limits.lifecyclePagesPerTurn) break;
      passes.delete(id); // last in the order, and not there when it fails
      try {
        if (bucket.status.deeds) await settle(parts, bucket);
        if (!pass) continue;
        if (await onePage(parts, bucket, pass)) passes.set(id, pass);
        else if (pass.failures > 0) rest(bucket, `${pass.failures} times: ${pass.fault}`);
        else notBefore.delete(id);
      } catch (thrown) {
        rest(bucket, messageOf(thrown));
      }
    }
    if (passes.size > 0) loop.wake();
  }

  function rest({ name, spec }: BucketRecord, why: string): void {
    notBefore.set(spec.id, parts.clock.now() + limits.lifecycleAgainMs);
    parts.log.error("lifecycle rules could not be carried out, and will be again", {
      bucket: name,
      why,
    });
  }
}

function duePass(bucket: BucketRecord, now: number): Pass | undefined {
  const { spec, status } = bucket;
  if (!spec.lifecycle || status.isDeleting) return undefined;
  const { at, digest: before } = status.lifecycle ?? { at: 0, digest: "" };
  const midnight = Math.floor(now / dayMs) * dayMs;
  const digest = digestOf(spec.lifecycle);
  if (at >= midnight && before === digest) return undefined;
  return { digest, versions: {}, uploads: {}, failures: 0, fault: "" };
}

const digestOf = (lifecycle: Lifecycle) =>
  createHash("sha256").update(JSON.stringify(lifecycle)).digest("base64url").slice(0, 16);

/** Looks at one page; false when the pass is through, or has no more to go by. */
async function onePage(parts: Parts, bucket: BucketRecord, pass: Pass): Promise<boolean> {
  const { lifecycle, id } = bucket.spec;
  if (!lifecycle || bucket.status.isDeleting || digestOf(lifecycle) !== pass.digest) return false;
  const { store, clock, buckets } = parts;
  const now = clock.now();
  if (pass.versions) {
    const page = await nextVersions(store, id, pass.versions, limits.listedMax);
    const deeds = page.placed.map((placed) => deedOf(lifecycle, placed, now));
    await doAll(
      parts,
      bucket,
      pass,
      deeds.filter((deed) => deed !== undefined),
    );
    pass.versions = page.next;
    return true;
  }
  if (pass.uploads) {
    const page = await store.listUploads(id, { ...pass.uploads, max: limits.listedMax });
    const due = page.uploads.filter((upload) => isUploadDue(lifecycle, upload, now));
    await eachOf(pass, due, ({ key, uploadId }) =>
      store.abortUpload({ bucket: id, key }, uploadId).catch(unlessGone),
    );
    pass.uploads = page.next;
    if (page.next) return true;
  }
  if (pass.failures > 0) return false;
  await buckets.note(bucket, (status) => ({
    ...status,
    lifecycle: { at: now, digest: pass.digest },
  }));
  return false;
}

/** Tells of what was to be done when the process died, or that failed, if it was done. */
async function settle({ store, events, clock, buckets }: Parts, bucket: BucketRecord) {
  const { deeds = [] } = bucket.status;
  for (const deed of deeds) {
    const happened = await whatCameOf(store, bucket, deed);
    if (happened) await events.tell(bucket, { ...happened, ...told, at: clock.now() });
  }
  await buckets.note(bucket, ({ deeds: _, ...status }) => status);
}

/**
 * Some at once, so that they share what a write to disk costs. What somebody is to be told of is noted before it is done, and until
 * that was told: so a process that dies in between leaves behind what to look for.
 */
async function doAll(
  { store, events, clock, buckets }: Parts,
  bucket: BucketRecord,
  pass: Pass,
  deeds: readonly LifecycleDeed[],
): Promise<void> {
  for (let at = 0; at < deeds.length; at += limits.deletedAtOnce) {
    const heard = new Set<LifecycleDeed>();
    const ready: LifecycleDeed[] = [];
    await eachOf(pass, deeds.slice(at, at + limits.deletedAtOnce), async (deed) => {
      const name = eventNameOf(bucket, deed);
      events.requireRoom(bucket, name, deed.key);
      if (events.isHeard(bucket, name, deed.key)) heard.add(deed);
      ready.push(deed);
    });
    const noted = () =>
      buckets.note(bucket, ({ deeds: _, ...status }) =>
        heard.size === 0 ? status : { ...status, deeds: [...heard] },
      );
    const isHeard = heard.size > 0;
    if (isHeard) await noted();
    await eachOf(pass, ready, async (deed) => {
      const happened = await carryOut({ store, buckets }, bucket, deed);
      if (happened) await events.tell(bucket, { ...happened, ...told, at: clock.now() });
      heard.delete(deed);
    });
    if (isHeard) await noted(); // of what failed it is not known how it ended
  }
}

/** Nobody asked for it: the bucket's own rules did. */
const told = { principalId: "s3.amazonaws.com", sourceIp: "s3.amazonaws.com", requestId: "" };

/** Some at once. What fails of one is noted in the pass. */
async function eachOf<Item>(
  pass: Pass,
  items: readonly Item[],
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const noted = (item: Item) =>
    act(item).catch((thrown: unknown) => {
      pass.failures++;
      pass.fault = messageOf(thrown);
    });
  for (let at = 0; at < items.length; at += limits.deletedAtOnce)
    await Promise.all(items.slice(at, at + limits.deletedAtOnce).map(noted));
}
