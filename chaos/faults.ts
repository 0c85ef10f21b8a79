import { setTimeout as sleep } from "node:timers/promises";
import type { Dice } from "./dice.ts";
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
export type Injector = (dice: Dice, untilMs: number, faults: Fault[]) => Promise<void>;

export interface Harm {
  /** Kinds that may be killed. */
  kinds: readonly VictimKind[];
  /** Between two kills, on the whole. */
  everyMs: number;
}

/** One is killed about every `everyMs`, or two at once, or one is paused. */
export function killing(site: Site, harm: Harm): Injector {
  return (dice, untilMs, faults) => killUntil(site, harm, dice, untilMs, faults);
}

async function killUntil(
  site: Site,
  { kinds, everyMs }: Harm,
  dice: Dice,
  untilMs: number,
  faults: Fault[],
): Promise<void> {
  const pauses: Promise<void>[] = [];
  const victims = () => site.victims().filter(({ kind }) => kinds.includes(kind));
  for (;;) {
    await sleep(everyMs * dice.between(0.45, 1.55));
    if (performance.now() >= untilMs) break;
    if (dice.isOneIn(8)) {
      const victim = choose(victims(), dice, (one) => one.pause !== undefined);
      if (victim) pauses.push(pause(victim, dice.between(300, 4000), faults));
    }
    const victim = choose(victims(), dice);
    if (victim) kill(victim, dice, faults);
    if (!dice.isOneIn(6)) continue;
    const second = choose(victims(), dice, ({ pid }) => pid !== victim?.pid);
    if (second) kill(second, dice, faults);
  }
  await Promise.all(pauses);
}

/** A kind first, by its weight, so that many of a kind are not the more often killed. */
function choose(
  present: Victim[],
  dice: Dice,
  isAllowed: (victim: Victim) => boolean = () => true,
): Victim | undefined {
  // What starts is killed too, but not so often that it never gets anywhere on a busy machine.
  const victims = present.filter(
    (victim) => isAllowed(victim) && (victim.isStarting !== true || dice.isOneIn(5)),
  );
  const kinds = victimKinds.filter((kind) => victims.some((victim) => victim.kind === kind));
  const ticket = dice.fraction() * kinds.reduce((sum, kind) => sum + weights[kind], 0);
  let sum = 0;
  const kind = kinds.find((one) => (sum += weights[one]) > ticket);
  const ofKind = victims.filter((victim) => victim.kind === kind);
  return ofKind.length === 0 ? undefined : dice.pick(ofKind);
}

function kill(victim: Victim, dice: Dice, faults: Fault[]): void {
  // Mostly back soon; now and then an agent is away for longer than its leases.
  const isLong = victim.kind === "agent" && dice.isOneIn(12);
  const awayMs = isLong ? dice.between(4000, 12_000) : dice.between(0, 1000);
  const fault = { ...faultOf("kill", victim), awayMs };
  if (victim.kill(awayMs)) faults.push(fault);
}

async function pause(victim: Victim, forMs: number, faults: Fault[]): Promise<void> {
  if (!victim.pause!()) return;
  const fault = { ...faultOf("pause", victim), lastedMs: forMs };
  faults.push(fault);
  await sleep(forMs);
  victim.resume!();
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
