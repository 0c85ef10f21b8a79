import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { median, type BenchOptions, type Report } from "./figures.ts";
import { peakBytes, residentBytes } from "./objects/cpu.ts";
import { keyOf, measureStore, timed, type StoreFigures } from "./objects/phases.ts";
import { sha256, Signer } from "./objects/sign.ts";
import type { Store, StoreKind } from "./objects/store.ts";
import { canopy } from "./objects/stores/canopy.ts";
import { moto } from "./objects/stores/moto.ts";
import { nginx } from "./objects/stores/nginx.ts";
import { radosgw } from "./objects/stores/radosgw.ts";
import { s3rver } from "./objects/stores/s3rver.ts";

const peers: StoreKind[] = [radosgw, s3rver, moto, nginx];
const objects = 20_000;
/** Slow ones are asked for less. */
const peerObjects = 3_000;
const largeObjects = 9;
const listedObjects = 1_000_000;
const listings = 50;
const MiB = 1024 * 1024;

/**
 * Objects over HTTP, each server with a process of its own: 4 KiB at 16 connections, signed where it asks for that, each of
 * ours on disk before its answer; 64 MiB on one connection; a page of a million keys.
 */
export async function benchObjects(options: BenchOptions): Promise<Report> {
  const { say, runs, folder } = options;
  say(`objects: ${runs} times ${objects} of 4 KiB and ${largeObjects} of 64 MiB`);
  const ours = await withStore(canopy, join(folder, "canopy"), (store) =>
    measureStore(store, canopy.path, { runs, objects, largeObjects }),
  );
  say(`objects: a page of ${listedObjects} keys`);
  const listing = await withStore(canopy, join(folder, "listed"), listed);
  say(`objects: one of 5 GiB`);
  const huge = await withStore(canopy, join(folder, "huge"), oneHuge);
  const found: Record<string, StoreFigures> = {};
  for (const peer of options.peers ? peers : []) {
    const missing = await peer.missing();
    if (missing !== undefined) {
      say(`objects: without ${peer.name}: ${missing}`);
      continue;
    }
    say(`objects: ${peer.name}`);
    found[peer.name] = await withStore(peer, join(folder, peer.name), (store) =>
      measureStore(store, peer.path, {
        runs,
        objects: peer === nginx ? objects : peerObjects,
        largeObjects,
      }),
    );
  }
  return {
    bench: "objects",
    figures: { ...ours, ...listing, ...huge },
    peers: Object.fromEntries(
      Object.entries(found).map(([name, figures]) => [name, { ...figures }]),
    ),
    ratios: ratiosOf(ours, found),
    targets: {
      putPerSecond: 8_000,
      putCpuUs: 120,
      getPerSecond: 14_000,
      getCpuUs: 70,
      putMiBPerSecond: 500,
      getMiBPerSecond: 1_400,
      listP50Ms: 20,
    },
  };
}

/** nginx keeps files and checks nothing: it is the ceiling of large reads, and no peer in the rest. */
function ratiosOf(ours: StoreFigures, found: Record<string, StoreFigures>) {
  const ratios: Record<string, number> = {};
  for (const [name, theirs] of Object.entries(found)) {
    if (name !== nginx.name) {
      ratios[`${name} put`] = ours.putPerSecond / theirs.putPerSecond;
      ratios[`${name} get`] = ours.getPerSecond / theirs.getPerSecond;
      ratios[`${name} large put`] = ours.putMiBPerSecond / theirs.putMiBPerSecond;
    }
    ratios[`${name} large get`] = ours.getMiBPerSecond / theirs.getMiBPerSecond;
  }
  return ratios;
}

async function withStore<T>(
  kind: StoreKind,
  folder: string,
  action: (store: Store) => Promise<T>,
): Promise<T> {
  await mkdir(folder, { recursive: true });
  const store = await kind.start(folder);
  try {
    return await action(store);
  } finally {
    await store.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Pages of 1,000 from anywhere among a million keys, and what memory that many take. */
async function listed(store: Store): Promise<Record<string, number>> {
  const signer = new Signer(`${store.host}:${store.port}`, store.credentials);
  const body = Buffer.from("x");
  const hash = sha256(body);
  const slice = 50_000;
  let atTenthBytes = 0;
  for (let from = 0; from < listedObjects; from += slice) {
    const shots = Array.from({ length: slice }, (_, at) => ({
      head: signer.head("PUT", `${canopy.path}/${keyOf(0, from + at)}`, "", hash, body.length),
      body,
    }));
    await timed(store, 16, shots);
    if (from + slice === listedObjects / 10) atTenthBytes = residentBytes(store.pids());
  }
  const residentMiB = residentBytes(store.pids()) / MiB;
  const pages = Array.from({ length: listings }, (_, at) => {
    const after = encodeURIComponent(keyOf(0, (at * 19_997) % listedObjects));
    const query = `list-type=2&max-keys=1000&start-after=${after}`;
    return { head: signer.head("GET", canopy.path, query, sha256(""), 0) };
  });
  const { latenciesMs } = await timed(store, 1, pages);
  return {
    listP50Ms: median(latenciesMs),
    residentMiB,
    residentMiBAtTenth: atTenthBytes / MiB,
  };
}

/** The largest that one PUT takes, there and back: what the process held at most. */
async function oneHuge(store: Store): Promise<Record<string, number>> {
  const signer = new Signer(`${store.host}:${store.port}`, store.credentials);
  const body = Buffer.alloc(64 * MiB, "canopy");
  const times = 80;
  const path = `${canopy.path}/huge`;
  const hugeMiB = (body.length * times) / MiB;
  const head = signer.head("PUT", path, "", "UNSIGNED-PAYLOAD", body.length * times);
  const put = await timed(store, 1, [{ head, body, times }]);
  const get = await timed(store, 1, [{ head: signer.head("GET", path, "", sha256(""), 0) }]);
  return {
    hugePutMiBPerSecond: hugeMiB / (put.wallMs / 1000),
    hugeGetMiBPerSecond: hugeMiB / (get.wallMs / 1000),
    hugePeakMiB: peakBytes(store.pids()) / MiB,
  };
}
