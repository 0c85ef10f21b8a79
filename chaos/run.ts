import { setTimeout as sleep } from "node:timers/promises";
import { checkAll, settle } from "./check.ts";
import { Chance } from "#/base/testing/chance.ts";
import { Door } from "./door.ts";
import { checkEffects } from "./effects.ts";
import type { Fault } from "./faults.ts";
import { History } from "./history.ts";
import { bags, cancellations, chains, effects, programs, streams } from "./load/jobs.ts";
import type { Client } from "./load/parts.ts";
import { records } from "./load/records.ts";
import { keys, blobs, readers } from "./load/things.ts";
import { Probe } from "./probe.ts";
import { parentOfOrphans } from "./processes.ts";
import type { Scene } from "./sites.ts";
import { moduleSource } from "./work.ts";

const settleMsMax = 60_000;
const jobClients: Client[] = [
  bags,
  bags,
  streams,
  streams,
  chains,
  effects,
  programs,
  cancellations,
];
const clients = [...jobClients, blobs, keys, readers, readers, records, records];

export interface ChaosOptions {
  seed: number;
  /** Faults are injected for so long. */
  forMs: number;
  /** Where what was acknowledged is written down. */
  historyFile: string;
  say: (sentence: string) => void;
}

export interface Outcome {
  seed: number;
  faults: Fault[];
  /** From the first fault to the last. */
  faultsMs: number;
  acknowledged: number;
  jobs: number;
  tasks: number;
  recordCalls: number;
  records: number;
  runs: { runs: number; again: number };
  calls: { answered: number; unanswered: number; refusedForNow: number };
  /** Without an acknowledged write, and what was done to the cloud meanwhile. */
  longestGap: { forMs: number; faults: string[] };
  /** From a fault of a leader, or of what is below it, to the first acknowledged write, by kind of fault. */
  recoveriesMs: Record<string, number[]>;
  /** From the last fault until nothing was left to do. */
  settledMs: number | undefined;
  /** How often a control plane ended as its log was away when it started. */
  startsRefused: number;
  violations: string[];
}

/** Load and faults for `forMs`, then none; then every acknowledged write is checked, twice: before and after a restart. */
export async function runChaos({ site, inject }: Scene, options: ChaosOptions): Promise<Outcome> {
  const { seed, forMs, historyFile, say } = options;
  const chance = new Chance(seed);
  const history = new History(historyFile);
  const door = new Door(site.urls, site.key, chance.fork());
  const { key: module } = await door.must<{ key: string }>("POST", "/v1/blobs", {
    bytes: Buffer.from(moduleSource),
  });
  const probe = new Probe();
  const working = new Set<Promise<void>>();
  const aside = (work: Promise<void>): void => {
    const blamed = work
      .catch((thrown: unknown) => history.blame(thrown))
      .finally(() => working.delete(blamed));
    working.add(blamed);
  };
  for (const [client, work] of clients.entries())
    aside(
      work({ door, history, chance: chance.fork(), client, module, folder: site.folder, aside }),
    );
  aside(probe.run(door, history));
  await sleep(1000);
  const faults: Fault[] = [];
  const faultsFromMs = performance.now();
  await inject(chance.fork(), faultsFromMs + forMs, faults).catch((thrown: unknown) =>
    history.violate(`not all harm could be done: ${String(thrown)}`),
  );
  const faultsToMs = performance.now();
  await sleep(1000);
  say(`${faults.length} faults, ${history.acknowledged} acknowledged writes`);
  door.close();
  while (working.size > 0) await Promise.all(working);

  const last = new Door(site.urls, site.key, chance.fork());
  const checked = async (): Promise<boolean> => {
    await checkAll(last, history);
    await probe.check(last, history);
    return history.violations.length === 0;
  };
  const settled = async (fromMs: number): Promise<number | undefined> => {
    const leftMs = Math.max(0, fromMs + settleMsMax - performance.now());
    if (!(await settle(last, site, history, leftMs))) return undefined;
    const tookMs = performance.now() - fromMs;
    if (tookMs > settleMsMax)
      history.violate(`it came to rest after ${tookMs} ms, which may take ${settleMsMax}`);
    return tookMs;
  };
  let settledMs: number | undefined;
  try {
    say("nobody asks for more");
    settledMs = await settled(faultsToMs);
    say(settledMs === undefined ? "not everything comes to rest" : "everything is at rest");
    if (await checked()) {
      say("all is there; restarting");
      const restartedMs = performance.now();
      await site.restart();
      await settled(restartedMs);
      await checked();
    }
  } catch (thrown) {
    history.violate(String(thrown));
  }
  for (const fault of faults) history.tell("fault", { fault }, 0);
  const { runs, again, violations } = checkEffects(
    history.jobs.values(),
    faults,
    parentOfOrphans(),
  );
  for (const violation of violations) history.violate(violation);
  for (const end of site.ownEnds()) history.violate(end);
  history.close();
  const jobs = [...history.jobs.values()];
  return {
    seed,
    faults,
    faultsMs: faultsToMs - faultsFromMs,
    acknowledged: history.acknowledged,
    jobs: jobs.length,
    tasks: jobs.flatMap(({ steps }) => steps).reduce((sum, { offered }) => sum + offered, 0),
    recordCalls: [...history.records.values()].reduce((sum, { calls }) => sum + calls.length, 0),
    records: history.records.size,
    runs: { runs, again },
    calls: door.counts,
    longestGap: gapOf(probe, faults),
    recoveriesMs: recoveriesOf(probe, faults),
    settledMs,
    startsRefused: site.startsRefused(),
    violations: history.violations,
  };
}

/** Faults that come upon each other count until the last of them is over. */
function recoveriesOf(probe: Probe, faults: Fault[]): Record<string, number[]> {
  const recoveries: Record<string, number[]> = {};
  for (const { what, kind, atMs } of faults) {
    if (what === "pause" || ["agent", "runner", "link"].includes(kind)) continue;
    const recoveryMs = probe.recoveryMs(atMs);
    if (recoveryMs !== undefined) (recoveries[`${what} of ${kind}`] ??= []).push(recoveryMs);
  }
  return recoveries;
}

function gapOf({ longestGap }: Probe, faults: Fault[]): Outcome["longestGap"] {
  const { fromMs, toMs } = longestGap;
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  const during = faults.filter(({ atMs, lastedMs }) => atMs + lastedMs >= fromMs && atMs <= toMs);
  return {
    forMs: toMs - fromMs,
    faults: during.map(
      ({ what, kind, victim, atMs, lastedMs }) =>
        `${seconds(atMs - fromMs)} s ${what} of ${kind} ${victim}${lastedMs > 0 ? ` for ${seconds(lastedMs)} s` : ""}`,
    ),
  };
}
