import { describeLog } from "#/space/testing/log-contract.ts";
import { describeSharedLog } from "#/space/testing/shared-log-contract.ts";
import type { SharedLog, SpaceLog } from "#/space/log.ts";
import { Tally } from "../faults/tally.ts";
import { Machine } from "../world/machine.ts";
import { Net } from "../world/net.ts";
import { World } from "../world/world.ts";
import { DatabaseLog } from "./database-log.ts";
import { Database } from "./database.ts";
import { DiskLog } from "./disk-log.ts";

const nobody = { epoch: 0, take: () => {}, reloaded: () => {} };

/** Runs the world for as long as that takes. */
async function within<T>(world: World, promise: Promise<T>): Promise<T> {
  let isOver = false;
  const end = () => void (isOver = true);
  promise.then(end, end);
  await world.run(() => isOver);
  if (!isOver) throw new Error("Nothing is left to happen, and there is no answer");
  return promise;
}

/** A log in a world that goes on while it is asked. */
function driven<L extends SpaceLog>(world: World, log: L): L {
  return new Proxy(log, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...asked: unknown[]) => within(world, value.apply(target, asked) as Promise<unknown>);
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}

function worldOf() {
  const world = new World(1);
  const tally = new Tally();
  const net = new Net(world, tally);
  const machine = (name: string) => {
    const made = new Machine(name, { world, net, tally });
    net.machines.set(name, made);
    return made;
  };
  return { world, machine };
}

let databases = 0;

/** Control planes, each on a machine of its own, over one database. */
function sharedIn({ world, machine }: ReturnType<typeof worldOf>): () => SharedLog {
  const number = ++databases;
  const database = new Database(machine(`database-${number}`), nobody);
  database.boot();
  let planes = 0;
  return () => {
    const plane = machine(`plane-${number}-${++planes}`);
    const { life, host } = plane.begin();
    return driven(world, new DatabaseLog(plane, life, host, database.machine));
  };
}

describeLog({
  name: "simulated disk's",
  skip: false,
  make() {
    const { world, machine } = worldOf();
    const plane = machine("plane");
    return { open: () => driven(world, new DiskLog(plane, plane.begin().life, nobody)) };
  },
});

describeLog({
  name: "simulated database's",
  skip: false,
  make: () => ({ open: sharedIn(worldOf()) }),
});

const shared = worldOf();
describeSharedLog({
  name: "simulated database's",
  skip: false,
  make: () => sharedIn(shared),
  time: {
    nowMs: () => shared.world.nowMs,
    sleep: (ms) => within(shared.world, shared.world.sleep(ms, undefined, "test")),
  },
});
