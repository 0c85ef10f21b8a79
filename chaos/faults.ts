import { setTimeout as sleep } from "node:timers/promises";
import type { Chance } from "#/base/testing/chance.ts";
import { victimKinds, type Site, type Victim, type VictimKind } from "./site.ts";

export interface Fault {
  what: "kill" | "pause" | "cut";
  kind: VictimKind | "link" | "primary" | "promotion";
  victim: string;
  /** Of what is killed, paused or cut off from everything; 0 for what is no process. */
  pid: number;
  /** By `performance.now()`, and by the clock on the wall. */
  atMs: number;
  wallMs: number;
  /** Of a pause or a cut. */
  lastedMs: number;
  /** Of a kill: before it was started again. */
  awayMs: number;
}

const weights: Record<VictimKind, number> = {
  leader: 4,
  follower: 2,
  agent: 3,
  runner: 3,
  postmaster: 2,
  backend: 2,
};

/** Does harm until `untilMs`, by `performance.now()`, and has taken back what does not heal by itself when it resolves. */
export type Injector = (chance: Chance, untilMs: number, faults: Fault[]) => Promise<void>;

export interface Harm {
  /** Kinds that may be killed. */
  kinds: readonly VictimKind[];
  /** Between two kills, on the whole. */
  everyMs: number;
}

/** One is killed about every `everyMs`, or two at once, or one is paused. */
export function killing(site: Site, harm: Harm): Injector {
  return (chance, untilMs, faults) => killUntil(site, harm, chance, untilMs, faults);
}

async function killUntil(
  site: Site,
  { kinds, everyMs }: Harm,
  chance: Chance,
  untilMs: number,
  faults: Fault[],
): Promise<void> {
  const pauses: Promise<void>[] = [];
  const victims = () => site.victims().filter(({ kind }) => kinds.includes(kind));
  for (;;) {
    await sleep(everyMs * chance.between(0.45, 1.55));
    if (performance.now() >= untilMs) break;
    if (chance.isOneIn(8)) {
      const victim = choose(victims(), chance, (one) => one.pause !== undefined);
      if (victim) pauses.push(pause(victim, chance.between(300, 4000), faults));
    }
    const victim = choose(victims(), chance);
    if (victim) kill(victim, chance, faults);
    if (!chance.isOneIn(6)) continue;
    const second = choose(victims(), chance, ({ pid }) => pid !== victim?.pid);
    if (second) kill(second, chance, faults);
  }
  await Promise.all(pauses);
}

/** A kind first, by its weight, so that many of a kind are not the more often killed. */
function choose(
  present: Victim[],
  chance: Chance,
  isAllowed: (victim: Victim) => boolean = () => true,
): Victim | undefined {
  // What starts is killed too, but not so often that it never gets anywhere on a busy machine.
  const victims = present.filter(
    (victim) => isAllowed(victim) && (victim.isStarting !== true || chance.isOneIn(5)),
  );
  const kinds = victimKinds.filter((kind) => victims.some((victim) => victim.kind === kind));
  const ticket = chance.fraction() * kinds.reduce((sum, kind) => sum + weights[kind], 0);
  let sum = 0;
  const kind = kinds.find((one) => (sum += weights[one]) > ticket);
  const ofKind = victims.filter((victim) => victim.kind === kind);
  return ofKind.length === 0 ? undefined : chance.pick(ofKind);
}

function kill(victim: Victim, chance: Chance, faults: Fault[]): void {
  // Mostly back soon; now and then an agent is away for longer than its leases.
  const isLong = victim.kind === "agent" && chance.isOneIn(12);
  const awayMs = isLong ? chance.between(4000, 12_000) : chance.between(0, 1000);
  const fault = { ...faultOf("kill", victim), awayMs };
  if (victim.kill(awayMs)) faults.push(fault);
}

async function pause(victim: Victim, forMs: number, faults: Fault[]): Promise<void> {
  if (!victim.pause!()) return;
  const fault = { ...faultOf("pause", victim), lastedMs: forMs };
  faults.push(fault);
  await sleep(forMs);
  victim.resume!();
  fault.lastedMs = performance.now() - fault.atMs; // longer than it was to, on a busy machine
}

function faultOf(what: Fault["what"], { kind, name, pid }: Victim): Fault {
  return {
    what,
    kind,
    victim: name,
    pid,
    atMs: performance.now(),
    wallMs: Date.now(),
    lastedMs: 0,
    awayMs: 0,
  };
}
