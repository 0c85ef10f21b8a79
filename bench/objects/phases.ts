import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import { median, quantile } from "../figures.ts";
import { cpuMs } from "./cpu.ts";
import { fire, type LoadFigures, type Shot } from "./load.ts";
import { sha256, Signer } from "./sign.ts";
import type { Store } from "./store.ts";

export const smallBytes = 4096;
export const largeBytes = 64 * 1024 * 1024;
const connections = 16;
const emptyHash = sha256("");

/** What one store reached: medians over the runs. */
export interface StoreFigures {
  putPerSecond: number;
  putCpuUs: number;
  putP99Ms: number;
  getPerSecond: number;
  getCpuUs: number;
  getP99Ms: number;
  putMiBPerSecond: number;
  getMiBPerSecond: number;
}

interface Sizes {
  runs: number;
  /** Small objects put, and read, in each run. */
  objects: number;
  largeObjects: number;
}

/**
 * Puts and reads small objects at 16 connections, then large ones one by one. Small ones are signed with the SHA-256 of their
 * content, large ones as SDKs send them: the request is signed, and the content vouched for by its CRC-32. One run more than
 * counts warms it up.
 */
export async function measureStore(
  store: Store,
  path: string,
  sizes: Sizes,
): Promise<StoreFigures> {
  const bodies = Array.from({ length: 64 }, () => bodyOf(randomBytes(smallBytes)));
  const large = randomBytes(largeBytes);
  const largeCrc = Buffer.alloc(4);
  largeCrc.writeUInt32BE(crc32(large));
  const runs: StoreFigures[] = [];
  for (let run = 0; run <= sizes.runs; run++) {
    const signer = new Signer(`${store.host}:${store.port}`, store.credentials);
    const put = (key: string, body: { content: Buffer; hash: string }): Shot => ({
      head: signer.head("PUT", `${path}/${key}`, "", body.hash, body.content.length),
      body: body.content,
    });
    const get = (key: string): Shot => ({
      head: signer.head("GET", `${path}/${key}`, "", emptyHash, 0),
    });
    const keys = Array.from({ length: sizes.objects }, (_, at) => keyOf(run, at));
    const puts = await timed(
      store,
      connections,
      keys.map((key, at) => put(key, bodies[at % 64]!)),
    );
    const gets = await timed(store, connections, shuffled(keys).map(get));
    const putLarge = (key: string): Shot => ({
      head: signer.head(
        "PUT",
        `${path}/${key}`,
        "",
        "UNSIGNED-PAYLOAD",
        large.length,
        largeCrc.toString("base64"),
      ),
      body: large,
    });
    const names = Array.from({ length: sizes.largeObjects }, (_, at) => `large-${at}`);
    const largePuts = await timed(store, 1, names.map(putLarge));
    const largeGets = await timed(store, 1, names.map(get));
    const rate = (load: LoadFigures) => load.latenciesMs.length / (load.wallMs / 1000);
    const largeMiB = largeBytes / 1024 / 1024;
    runs.push({
      putPerSecond: rate(puts),
      putCpuUs: (puts.cpuMs * 1000) / sizes.objects,
      putP99Ms: quantile(puts.latenciesMs, 0.99),
      getPerSecond: rate(gets),
      getCpuUs: (gets.cpuMs * 1000) / sizes.objects,
      getP99Ms: quantile(gets.latenciesMs, 0.99),
      putMiBPerSecond: largeMiB / (median(largePuts.latenciesMs) / 1000),
      getMiBPerSecond: largeMiB / (median(largeGets.latenciesMs) / 1000),
    });
  }
  const counted = runs.slice(1);
  const names = Object.keys(counted[0]!) as (keyof StoreFigures)[];
  return Object.fromEntries(
    names.map((name) => [name, median(counted.map((run) => run[name]))]),
  ) as unknown as StoreFigures;
}

/** Keys as people have them: some folders, so that an index has something to do. */
export function keyOf(run: number, at: number): string {
  return `run-${run}/folder-${at % 100}/object-${String(at).padStart(8, "0")}`;
}

export async function timed(
  store: Store,
  atOnce: number,
  shots: Shot[],
): Promise<LoadFigures & { cpuMs: number }> {
  const pids = store.pids();
  const before = cpuMs(pids);
  const load = await fire(store, atOnce, shots);
  return { ...load, cpuMs: cpuMs(pids) - before };
}

function bodyOf(content: Buffer): { content: Buffer; hash: string } {
  return { content, hash: sha256(content) };
}

/** In another order, the same each time. */
function shuffled<T>(items: readonly T[]): T[] {
  const order = items.map((item, at) => ({ item, rank: (at * 2_654_435_761) % 4_294_967_296 }));
  return order.sort((a, b) => a.rank - b.rank).map(({ item }) => item);
}
