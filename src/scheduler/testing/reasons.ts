import { Chance } from "#/base/chance.ts";
import type { MachineRecord } from "#/model/machine.ts";
import { Rig, type FakeAgent } from "./rig.ts";

const GiB = 2 ** 30;
const step = "j1/0";

/** What was found of the reasons that `why` gives for one task that waits, over machines made by chance. */
export interface ReasonsFound {
  reasons: number;
  /** With all of a machine's reasons removed but one, the task was placed there all the same. */
  needless: string[];
  /** With all of a machine's reasons removed, it was still not placed there. */
  missing: string[];
}

/**
 * Judges the stated reasons for which a task is on none of some machines: each must stand in its way alone,
 * and all of them together must be all that does. They are removed as a person would who reads them.
 */
export async function judgeReasons(seed: number): Promise<ReasonsFound> {
  const found: ReasonsFound = { reasons: 0, needless: [], missing: [] };
  const count = new Chance(seed).between(1, 4);
  for (let at = 0; at < count; at++) {
    const name = `m${at}`;
    const stated = reasonsOf((await situation(seed)).rig, name);
    found.reasons += stated.length;
    for (const kept of stated.length > 0 ? stated : []) {
      const others = stated.filter((reason) => reason !== kept);
      if (await isPlaced(seed, name, others, false)) found.needless.push(`seed ${seed}: ${kept}`);
    }
    if (!(await isPlaced(seed, name, stated, true)))
      found.missing.push(`seed ${seed}: ${name} with ${stated.join("; ") || "no reason"}`);
  }
  return found;
}

/** Whether the task goes to a machine once these reasons are removed, and those that show up then if `all`. */
async function isPlaced(
  seed: number,
  name: string,
  reasons: readonly string[],
  all: boolean,
): Promise<boolean> {
  const { rig, agents } = await situation(seed);
  for (const reason of reasons) remove(rig, agents, name, reason);
  await rig.clock.advance(0);
  for (let more = reasonsOf(rig, name); all && more.length > 0; more = reasonsOf(rig, name)) {
    const before = more.join();
    for (const reason of more) remove(rig, agents, name, reason);
    await rig.clock.advance(0);
    if (reasonsOf(rig, name).join() === before) return false;
  }
  for (const agent of agents.values()) agent.session.pull(agent.name === name ? 8 : 0);
  await rig.clock.advance(0);
  const isHeld = agents.get(name)?.held.some(({ task }) => task.startsWith(step)) ?? false;
  rig.scheduler.stop();
  return isHeld;
}

function reasonsOf(rig: Rig, name: string): string[] {
  return rig.scheduler
    .explainJob("j1")
    .filter(({ machine }) => machine === name)
    .map(({ sentence }) => sentence)
    .filter((sentence) => !/has not asked for more work yet/.test(sentence)); // it asks in the end
}

/** Machines of all sorts, some of them busy, and a task that waits. */
async function situation(seed: number): Promise<{ rig: Rig; agents: Map<string, FakeAgent> }> {
  const chance = new Chance(seed);
  const count = chance.between(1, 4);
  const agents = new Map<string, FakeAgent>();
  const rig = await Rig.open();
  for (let at = 0; at < count; at++) {
    const name = `m${at}`;
    rig.machine(name, {
      cpus: chance.between(1, 4),
      memoryBytes: chance.between(1, 8) * GiB,
      drivers: chance.happens(0.2) ? ["process"] : ["runner", "process"],
      labels: chance.happens(0.5) ? { zone: chance.pick(["a", "b"]) } : {},
    });
    if (chance.happens(0.85)) agents.set(name, rig.agent(name));
    const agent = agents.get(name);
    const isBusy = chance.happens(0.4);
    const { drivers } = rig.space.get("machine", name)!.status;
    // One that nobody could run would wait before ours.
    if (isBusy && agent && drivers.includes("runner")) {
      rig.step(`busy${at}/0`, 1, { needs: { milliCpus: chance.between(1, 2) * 500 } });
      await agent.pull(1);
    }
    const isCordoned = chance.happens(0.2);
    const reservedFor = chance.happens(0.15) ? "other" : undefined;
    change(rig, name, (machine) => ({
      ...machine,
      spec: {
        ...machine.spec,
        cordoned: isCordoned,
        ...(reservedFor !== undefined && { reservedFor }),
      },
    }));
  }
  rig.step(step, 1, {
    needs: {
      milliCpus: chance.between(1, 5) * 1000,
      memoryBytes: chance.between(0, 9) * GiB,
      labels: chance.happens(0.3) ? { zone: "a" } : {},
    },
  });
  for (const agent of agents.values()) agent.beat(agent.held);
  await rig.clock.advance(0);
  return { rig, agents };
}

/** Does what the sentence asks for. */
function remove(rig: Rig, agents: Map<string, FakeAgent>, name: string, sentence: string): void {
  const { needs, run } = rig.stepRecord(step).spec.template;
  const grown = (more: Partial<MachineRecord["status"]["capacity"]>) =>
    change(rig, name, ({ status, ...rest }) => ({
      ...rest,
      status: { ...status, capacity: { ...status.capacity, ...more } },
    }));
  const { capacity } = rig.space.get("machine", name)!.status;
  if (/is cordoned/.test(sentence))
    change(rig, name, (machine) => ({ ...machine, spec: { ...machine.spec, cordoned: false } }));
  else if (/was bought for (the|a) job/.test(sentence))
    change(rig, name, ({ spec, ...rest }) => {
      const { reservedFor: _, ...free } = spec;
      return { ...rest, spec: free };
    });
  else if (/has no driver/.test(sentence))
    change(rig, name, ({ status, ...rest }) => ({
      ...rest,
      status: { ...status, drivers: [...status.drivers, run.driver] },
    }));
  else if (/label/.test(sentence))
    change(rig, name, ({ spec, ...rest }) => ({
      ...rest,
      spec: { ...spec, labels: { ...spec.labels, ...needs.labels } },
    }));
  else if (/connected/.test(sentence)) agents.set(name, rig.agent(name));
  else if (/ free and the task needs/.test(sentence) || /as much work/.test(sentence)) {
    const agent = agents.get(name)!;
    void agent.finish(agent.held.filter(({ task }) => !task.startsWith(step)));
  } else if (/of memory and the task needs/.test(sentence))
    grown({ memoryBytes: Math.max(capacity.memoryBytes, needs.memoryBytes) });
  else if (/CPUs? and the task needs/.test(sentence))
    grown({ milliCpus: Math.max(capacity.milliCpus, needs.milliCpus) });
}

function change(rig: Rig, name: string, next: (machine: MachineRecord) => MachineRecord): void {
  rig.commit((tx) => tx.put<"machine">(next(tx.get("machine", name)!)));
}
