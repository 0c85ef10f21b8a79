import { Acknowledged } from "./check/acknowledged.ts";
import { Executions } from "./check/executions.ts";
import { checkEqual, checkTasks, explainRunning, haveAllEnded, workLeftMs } from "./check/final.ts";
import { Ledger } from "./check/ledger.ts";
import { Reader } from "./check/readable.ts";
import { Registers } from "./check/registers.ts";
import { Violation } from "./check/violation.ts";
import { Plane } from "./cloud/plane.ts";
import { Server } from "./cloud/server.ts";
import { Worker } from "./cloud/worker.ts";
import { Faults } from "./faults/plan.ts";
import { Tally } from "./faults/tally.ts";
import { Client } from "./load/client.ts";
import { mixOf } from "./load/fates.ts";
import { Database } from "./logs/database.ts";
import { Prober } from "./load/prober.ts";
import { User } from "./load/user.ts";
import { Machine } from "./world/machine.ts";
import { Net } from "./world/net.ts";
import { World } from "./world/world.ts";

/** What one seed came to. */
export interface Outcome {
  seed: number;
  /** Equal for two runs of one seed. */
  digest: string;
  simulatedMs: number;
  realMs: number;
  events: number;
  faults: Record<string, number>;
  jobs: number;
  tasks: number;
  attempts: number;
  answers: number;
  restarts: number;
  /** Changes of the leading control plane. */
  failovers: number;
  /** How long it took after the last fault until nothing was left to do, beyond what was to be worked off then. */
  convergedMs: number;
  violation?: { message: string; last: string[] };
}

export interface RunOptions {
  /** Writes all that machines log, and keeps every event. */
  isVerbose?: boolean;
  /** Called now and then while events happen: after some dozens. */
  onEvents?: () => void;
}

const faultsMs: [from: number, to: number] = [120_000, 1_800_000];
/** Beside the time that the tasks take which are left. */
const convergeMsMax = 10 * 60_000;

/** To the first engine, while nothing fails yet; and to read everything once all is at rest. */
const bootMsMax = 60_000;
const checksMsMax = 30 * 60_000;

const equalLooks = 60;
/** What the largest task needs. */
const cpusMax = 2;

/** One cloud from its first start to its end, as that seed has it. */
export async function runSeed(seed: number, options: RunOptions = {}): Promise<Outcome> {
  const startMs = performance.now();
  const world = new World(seed, {
    keepsTrace: options.isVerbose ?? false,
    ...(options.onEvents && { onEvents: options.onEvents }),
  });
  const tally = new Tally();
  const { chance } = world;
  const net = new Net(world, tally);
  const machine = (name: string) => {
    const made = new Machine(name, { world, net, tally });
    net.machines.set(name, made);
    if (options.isVerbose) made.log = logOf(made);
    return made;
  };
  const executions = new Executions();
  const ledger = new Ledger(executions);
  const acknowledged = new Acknowledged();
  const registers = new Registers();

  const isShared = chance.happens(0.5);
  const database = isShared ? new Database(machine("database"), ledger) : undefined;
  const planes = Array.from(
    { length: isShared ? chance.between(1, 3) : 1 },
    (_, at) => new Plane(machine(`plane-${at + 1}`), ledger, database?.machine),
  );
  const urls = planes.map(({ url }) => url);
  const doors = planes.map(
    (plane) =>
      new Server(
        plane.machine,
        () => plane.boot(),
        () => plane.stop(),
      ),
  );
  let rootToken = "";
  const operator = new Client(
    machine("operator"),
    () => urls,
    () => rootToken,
  );
  const tokenOf = async () => {
    const reply = await operator.call("POST", "/v1/join-tokens", {}, { tries: 1000 });
    return (reply!.value as { token: string }).token;
  };
  const agents = Array.from({ length: chance.between(1, 4) }, (_, at) => {
    const made = machine(`agent-${at + 1}`);
    const worker = new Worker(made, { executions, tally, urls, tokenOf });
    return new Server(
      made,
      () => worker.boot(),
      () => worker.stop(),
    );
  });
  const databases = database ? [new Server(database.machine, () => database.boot())] : [];
  const others = [...agents, ...databases];
  // Not by chance: the stories of the other seeds stay what they were.
  const hasQuota = seed % 4 === 2;
  const faults = new Faults({ world, tally, net, planes: doors, others });
  const mix = mixOf(chance);
  const pastMs = chance.spread(...faultsMs);
  const users = Array.from({ length: chance.between(1, 3) }, (_, at) => {
    const name = `user-${at + 1}`;
    const client = new Client(
      machine(name),
      () => urls,
      () => rootToken,
    );
    const isPast = () => world.nowMs >= pastMs;
    const parts = { client, chance: world.stream(), mix, acknowledged, registers, isPast };
    return new User(name, { ...parts, hasPriorities: hasQuota });
  });

  const probers = Array.from({ length: planes.length > 1 ? 3 : 1 }, (_, at) => {
    const client = new Client(
      machine(`prober-${at + 1}`),
      () => urls,
      () => rootToken,
    );
    return new Prober({ client, chance: world.stream(), registers });
  });

  let convergedMs = 0;
  let isDone = false;
  const story = async () => {
    world.deadlineMs = bootMsMax;
    for (const server of [...databases, ...doors]) server.start();
    while (!planes[0]!.engine) await world.sleep(10, undefined, "boot");
    rootToken = planes[0]!.engine.access.rootToken;
    for (const server of agents) server.start();
    world.deadlineMs = Infinity;
    if (hasQuota) {
      // every machine can still run the largest task, so work is done as soon as the bound says
      const quota = { cpus: cpusMax * agents.length };
      await operator.call("PATCH", "/v1/projects/default", { quota }, { tries: 1000 });
    }
    faults.begin();
    const isPast = () => world.nowMs >= pastMs;
    const lives = [
      ...users.map((user) => user.live()),
      ...probers.map((prober) => prober.live(isPast)),
    ];
    for (const life of lives) life.catch((thrown: unknown) => world.fail(thrown));
    await world.sleep(pastMs, undefined, "faults");
    // A machine may be lost for good: the others do what it had.
    if (agents.length > 1 && chance.happens(0.3) && agents[0]!.lose())
      tally.count("machine lost for good");
    faults.end();
    const endMs = world.nowMs;
    const alive = agents.filter(({ machine }) => machine.isUp).length;
    const workMs = workLeftMs(acknowledged, ledger) / alive;
    while (
      ![...users, ...probers].every(({ isDone }) => isDone) ||
      !haveAllEnded(acknowledged, ledger)
    ) {
      await world.sleep(1_000, undefined, "converge");
      const tookMs = world.nowMs - endMs;
      convergedMs = Math.max(0, tookMs - workMs);
      if (convergedMs > convergeMsMax)
        throw new Violation(
          `${tookMs / 1000} s after the last fault there is work left: ${explainRunning(acknowledged, ledger)}`,
        );
    }
    world.deadlineMs = world.nowMs + checksMsMax;
    checkTasks(acknowledged, ledger);
    registers.check();
    await new Reader({ client: operator, ledger, executions }).check(acknowledged);
    for (const plane of planes) await becomesEqual(plane, ledger);
    isDone = true;
  };
  let violation: Outcome["violation"];
  const onRejected = (thrown: unknown) => world.fail(thrown);
  process.on("unhandledRejection", onRejected);
  try {
    story().catch((thrown: unknown) => world.fail(thrown));
    await world.run(() => isDone);
    if (!isDone) throw new Violation("nothing is left to happen, and the story is not over");
  } catch (thrown) {
    const message = thrown instanceof Violation ? thrown.message : String((thrown as Error).stack);
    violation = { message, last: world.trace.last(options.isVerbose ? 100_000 : 60) };
  } finally {
    process.off("unhandledRejection", onRejected);
  }
  return {
    seed,
    digest: world.trace.digest,
    simulatedMs: world.nowMs,
    realMs: performance.now() - startMs,
    events: world.events,
    faults: Object.fromEntries(tally.counts),
    jobs: acknowledged.jobs.size,
    tasks: ledger.ends,
    attempts: executions.count,
    answers: acknowledged.answers,
    restarts: [...doors, ...others].reduce((sum, { restarts }) => sum + restarts, 0),
    failovers: Math.max(0, (database?.epoch ?? 0) - 1),
    convergedMs,
    ...(violation && { violation }),
  };
}

/** One that has just begun, or begins anew, is given a minute. */
async function becomesEqual(plane: Plane, ledger: Ledger): Promise<void> {
  for (let looks = 0; ; looks++) {
    try {
      return await checkEqual(plane, ledger);
    } catch (thrown) {
      if (looks === equalLooks) throw thrown;
      await plane.machine.world.sleep(1_000, undefined, "look again");
    }
  }
}

function logOf(machine: Machine): Machine["log"] {
  const write = (message: string, fields?: object) =>
    console.log(
      `${(machine.world.nowMs / 1000).toFixed(3)} ${machine.name} ${message} ${fields ? JSON.stringify(fields) : ""}`,
    );
  return { debug: write, info: write, warn: write, error: write };
}
