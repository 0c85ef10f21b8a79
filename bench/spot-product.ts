import { startAutonomic } from "#/autonomic/autonomic.ts";
import { CarbonZones } from "#/autonomic/carbon/zones.ts";
import { Knowledge } from "#/autonomic/knowledge/follow.ts";
import { Chance } from "#/base/chance.ts";
import { silent } from "#/base/log.ts";
import { SimulatedClock } from "#/base/simulated-clock.ts";
import { Attempts } from "#/forecast/attempts.ts";
import { SimulatedMachine } from "#/forecast/machine.ts";
import { machineForOrder } from "#/forecast/offered.ts";
import { startJobs } from "#/jobs/jobs.ts";
import { cancelJob, submitJob } from "#/jobs/submit.ts";
import { plainMeter } from "#/meter/meter.ts";
import { jobRequest } from "#/model/job-request.ts";
import type { WatchedMarket } from "#/model/site.ts";
import { Scheduler } from "#/scheduler/scheduler.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import type { Market, Outcome, Terms } from "./spot-market.ts";
import { TraceSite } from "./spot-site.ts";

const hourMs = 3_600_000;
/** Changes of a market that the cloud remembers. */
const changesMax = 256;
const job = "j1";

/**
 * The same work by the whole product: a job of equal tasks with a deadline, which the loop that keeps goals buys
 * machines for, at most one of each kind. What a machine had begun when it was taken away is begun again: nothing keeps
 * it. Costs are in hours of an on-demand machine, as the optimum's are in ticks of one.
 */
export async function runProduct(
  market: Market,
  terms: Terms,
  taskMsWanted: number,
): Promise<Outcome> {
  const { tickMs } = market;
  const beganAt = terms.startTick * tickMs;
  const clock = new SimulatedClock(beganAt);
  const space = await Space.open({
    log: new MemoryLog(),
    clock,
    report: silent,
    onBroken: (thrown: unknown) => {
      throw thrown;
    },
  });
  const scheduler = new Scheduler({
    space,
    clock,
    log: silent,
    meter: plainMeter,
    isSimulated: true,
  });
  const tasks = Math.round((terms.workTicks * tickMs) / taskMsWanted);
  const taskMs = (terms.workTicks * tickMs) / tasks;
  const attempts = new Attempts({
    space,
    clock,
    fates: { runMs: () => taskMs, fails: () => false },
    ended: () => {},
  });
  const machines = new Map<string, SimulatedMachine>();
  const site = new TraceSite(market, terms, clock, {
    booted(name) {
      const order = space.get("order", name)!;
      if (order.status.phase !== "ordered" && order.status.phase !== "booting") return;
      const record = machineForOrder(order);
      const now = clock.now();
      const joined = { phase: "joined", since: now, joinedAt: now, machine: record.name } as const;
      space.commit((tx) => {
        tx.put(record);
        tx.put<"order">({ ...order, status: { ...order.status, ...joined } });
      });
      const machine = new SimulatedMachine(record, {
        clock,
        begin: (attempt) => attempts.begin(attempt),
      });
      machines.set(name, machine);
      machine.connect(scheduler, []);
    },
    ended(name) {
      machines.get(name)?.end();
      machines.delete(name);
    },
  });
  begin(space, site, market, terms, { tasks, taskMs });
  startJobs({ space, blobs: noBlobs, clock, log: silent });
  scheduler.start();
  const knowledge = new Knowledge(space);
  knowledge.start({ clock, log: silent });
  const loop = startAutonomic({
    space,
    clock,
    random: new Chance(terms.startTick),
    log: silent,
    field: scheduler,
    sites: { offers: () => site.now(), site: () => Promise.resolve(site), look: nothing },
    knowledge,
    zones: new CarbonZones({ space, clock }),
    createToken: () => "",
    urls: () => [],
    cancelJob: (...asked) => void cancelJob(...asked),
  });
  const deadlineAt = beganAt + terms.windowTicks * tickMs;
  const look = () => {
    loop.wake();
    clock.after(lookMs, look);
  };
  look();
  let endedAt = Infinity;
  await clock.run(() => {
    const status = space.get("job", job)?.status;
    if (status?.phase === "succeeded") endedAt = Math.min(endedAt, status.endedAt!);
    return clock.now() > Math.min(endedAt + hourMs, deadlineAt + 4 * hourMs);
  });
  loop.stop();
  const { hours, starts } = site.billed();
  return { cost: (hours * hourMs) / tickMs, late: endedAt > deadlineAt, starts };
}

/** The cloud looks each second; nothing here changes within less than that. */
const lookMs = 30_000;

/** The job and its plan, and what was seen of the market until then. */
function begin(
  space: Space,
  site: TraceSite,
  market: Market,
  terms: Terms,
  { tasks, taskMs }: { tasks: number; taskMs: number },
): void {
  const now = terms.startTick * market.tickMs;
  const needs = { milliCpus: 1000, memoryBytes: 0, labels: {} };
  const belief = { meanMs: taskMs, meanHighMs: taskMs, longMs: taskMs, seen: 1000 };
  const work = [{ kind: "work", tasks, ...belief, needs, driver: "process" }];
  const run = { driver: "process", command: ["work"] };
  const source = { type: "inputs", inputs: Array<null>(tasks).fill(null) };
  const request = jobRequest.parse({
    title: "work",
    steps: [{ name: "work", run, needs: { cpus: 1, memoryBytes: 0 }, source }],
  });
  const deadlineAt = now + terms.windowTicks * market.tickMs;
  const goal = { plan: "p1", objective: "cost", deadlineAt } as const;
  space.commit((tx) => {
    const markets = Object.fromEntries(
      market.zones.map(({ zone, available }) => [
        zone,
        seenUntil(available, market.tickMs, terms.startTick),
      ]),
    );
    tx.put<"site">({
      kind: "site",
      project: "",
      name: site.name,
      spec: { createdAt: 0, config: site.config },
      status: { health: "healthy", since: 0, markets },
    });
    tx.put<"plan">({
      kind: "plan",
      project: "p",
      name: "p1",
      spec: {
        title: "work",
        madeBy: "bench",
        madeAt: now,
        request: "",
        goal: { objective: "cost" },
        work,
        chainMs: 0,
        considered: [],
        predicted: {
          finishMs: { likely: 0, high: 0 },
          costMicros: undefined,
          joules: undefined,
          grams: undefined,
        },
        bound: 0,
      },
      status: { phase: "approved", job },
    });
    submitJob(tx, { request, project: "p", submittedBy: "bench", now, id: job, goal });
  });
}

function seenUntil(available: Uint8Array, tickMs: number, untilTick: number): WatchedMarket {
  const ticks: number[] = [];
  for (let tick = 1; tick <= untilTick; tick++)
    if (available[tick] !== available[tick - 1]) ticks.push(tick);
  const left = Math.max(0, ticks.length - changesMax);
  const first = left === 0 ? 0 : ticks[left - 1]!;
  return {
    fromMs: first * tickMs,
    availableFirst: available[first] === 1,
    changesMs: ticks.slice(left).map((tick) => tick * tickMs),
  };
}

const nothing = () => Promise.resolve();

const noBlobs: Parameters<typeof startJobs>[0]["blobs"] = {
  get: () => Promise.resolve(undefined),
  put: () => Promise.reject(new Error("The bench keeps no blobs")),
  stat: () => Promise.resolve(undefined),
};
