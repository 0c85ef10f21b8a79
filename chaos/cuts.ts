import { setTimeout as sleep } from "node:timers/promises";
import type { Chance } from "#/base/testing/chance.ts";
import type { Fault, Injector } from "./faults.ts";
import type { Network } from "./network.ts";
import type { PostgresSite } from "./postgres-site.ts";

interface Cut {
  kind: Fault["kind"];
  victim: string;
  pid?: number;
  forMs: number;
  /** From, to. */
  links: [string, string][];
}

/**
 * About every `everyMs` cuts the network between places, one way or both; cuts one off from all others but not from clients,
 * mostly the leader; and once, in the middle, cuts PostgreSQL's primary off for good and promotes its standby.
 */
export function cutting(site: PostgresSite, network: Network, everyMs: number): Injector {
  return async (chance, untilMs, faults) => {
    const startMs = performance.now();
    const underWay: Promise<void>[] = [];
    const failures: unknown[] = [];
    const aside = (work: Promise<void>) =>
      void underWay.push(work.catch((thrown: unknown) => void failures.push(thrown)));
    let hasPromoted = false;
    for (;;) {
      await sleep(everyMs * chance.between(0.45, 1.55));
      const nowMs = performance.now();
      if (nowMs >= untilMs) break;
      if (!hasPromoted && nowMs - startMs > (untilMs - startMs) / 2) {
        hasPromoted = true;
        aside(promote(site, network, faults));
      } else {
        aside(apply(network, chooseCut(site, network, chance), faults));
      }
    }
    await Promise.all(underWay);
    network.healAll();
    if (failures.length > 0) throw failures[0];
  };
}

function chooseCut(site: PostgresSite, network: Network, chance: Chance): Cut {
  const names = [...network.places.keys()];
  const ticket = chance.fraction();
  if (ticket < 0.25) {
    const victim = site.leaderName() ?? names[0]!;
    return {
      kind: "leader",
      victim,
      forMs: chance.between(500, 5000),
      links: around(victim, names),
    };
  }
  if (ticket < 0.4) {
    const agent = chance.pick(site.agents);
    // Now and then for longer than a lease.
    const forMs = chance.isOneIn(3) ? chance.between(10_000, 14_000) : chance.between(500, 5000);
    const links = around(agent.name, names);
    return { kind: "agent", victim: agent.name, pid: agent.pid ?? 0, forMs, links };
  }
  if (ticket < 0.5) {
    const victim = site.primary.name;
    return {
      kind: "primary",
      victim,
      forMs: chance.between(300, 3000),
      links: around(victim, names),
    };
  }
  const one = chance.pick(names);
  const other = chance.pick(names.filter((name) => name !== one));
  const isBothWays = chance.isOneIn(2);
  const links: Cut["links"] = [[one, other]];
  if (isBothWays) links.push([other, one]);
  const victim = `${one} ${isBothWays ? "and" : "to"} ${other}`;
  return { kind: "link", victim, forMs: chance.between(500, 5000), links };
}

function around(name: string, names: string[]): Cut["links"] {
  return names
    .filter((other) => other !== name)
    .flatMap((other): Cut["links"] => [
      [name, other],
      [other, name],
    ]);
}

async function apply(network: Network, cut: Cut, faults: Fault[]): Promise<void> {
  const fault = faultOf(cut);
  faults.push(fault);
  for (const [from, to] of cut.links) network.cut(from, to);
  await sleep(cut.forMs);
  for (const [from, to] of cut.links) network.heal(from, to);
  fault.lastedMs = performance.now() - fault.atMs;
}

/** As who looks after the database does when the primary is gone: and the old one comes back, believing that it still is. */
async function promote(site: PostgresSite, network: Network, faults: Fault[]): Promise<void> {
  const old = site.primary;
  const links = around(old.name, [...network.places.keys()]);
  const forMs = 6000;
  faults.push(faultOf({ kind: "promotion", victim: old.name, forMs, links }));
  for (const [from, to] of links) network.cut(from, to);
  await sleep(500);
  await site.promoteStandby();
  await sleep(forMs - 500);
  for (const [from, to] of links) network.heal(from, to);
}

function faultOf({ kind, victim, pid = 0, forMs }: Cut): Fault {
  const [atMs, wallMs] = [performance.now(), Date.now()];
  return { what: "cut", kind, victim, pid, atMs, wallMs, lastedMs: forMs, awayMs: 0 };
}
