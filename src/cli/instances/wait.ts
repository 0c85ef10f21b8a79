import { sleep } from "#/base/clock.ts";
import type { InstanceView } from "#/model/instance-views.ts";
import type { InstanceCalls } from "#/sdk/instances.ts";
import type { Cli } from "../verb.ts";

const everyMsMin = 200;
const everyMsMax = 2000;
const toldEveryMs = 10_000;

const over: Record<string, readonly InstanceView["state"][]> = {
  running: ["running", "stopped", "terminated"],
  stopped: ["stopped", "terminated"],
  terminated: ["terminated"],
};

/** Waits until instances are in a state, or cannot come to it any more; says now and then what is waited for. */
export async function untilState(
  cli: Cli,
  calls: Pick<InstanceCalls, "read">,
  instances: readonly InstanceView[],
  state: "running" | "stopped" | "terminated",
): Promise<InstanceView[]> {
  const { err, world } = cli.terminal;
  const known = new Map(instances.map((instance) => [instance.id, instance]));
  let toldMs = world.clock.monotonicMs();
  for (let everyMs = everyMsMin; ; everyMs = Math.min(everyMs * 1.5, everyMsMax)) {
    const left = [...known.values()].filter((one) => !over[state]!.includes(one.state));
    if (left.length === 0) return [...known.values()];
    if (world.clock.monotonicMs() - toldMs >= toldEveryMs) {
      toldMs = world.clock.monotonicMs();
      const [first] = left;
      err.write(
        `${left.length} of ${known.size} not ${state} yet: ${first!.id} is ${first!.state}${first!.waits === undefined ? "" : `, ${first!.waits}`}\n`,
      );
    }
    await sleep(world.clock, everyMs);
    for (const { id } of left) known.set(id, await calls.read(id));
  }
}
