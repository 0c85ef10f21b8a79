import { join } from "node:path";
import { startAgent } from "#/agent/agent.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { stderrLog } from "#/base/node/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { openFunctions } from "#/drivers/functions/functions.ts";
import { processDriver } from "#/drivers/process/process.ts";
import { runnerDriver } from "#/drivers/runner/runner.ts";
import type { NetworksWish } from "#/drivers/instances/networks/open-networks.ts";
import { parseCidr } from "#/model/cidr.ts";
import { ratesOf } from "#/meter/prices.ts";
import type { AgentWish, StartedAgent } from "#/cli/programs.ts";
import { openHosting } from "./hosting.ts";
import { inherited } from "./inherited.ts";
import { version } from "./version.ts";

type Environment = Readonly<Record<string, string>>;

/** Joins this computer to a cloud and runs its tasks, until stopped. */
export async function runAgent(options: AgentWish, env: Environment): Promise<StartedAgent> {
  const { folder, urls, token, joinPatienceMs, labels, cpus, memoryBytes, logLevel, isSupervised } =
    options;
  const { hostsInstances, storages, isSpot = false } = options;
  const host = nodeHost(stderrLog(logLevel, "agent"));
  process.on("uncaughtException", (thrown) => {
    host.log.error("the agent met a fault of its own and ends", {
      error: messageOf(thrown),
      stack: (thrown as Error).stack,
    });
    process.exit(1);
  });
  const facts = host.processes.facts();
  const capacity = {
    milliCpus: (cpus ?? facts.cpus) * 1000,
    memoryBytes: memoryBytes ?? facts.memoryBytes,
  };
  await host.files.makeFolder(folder);
  const ticks = host.processes.startedTicks(process.pid);
  await host.files.write(join(folder, "pid"), `${process.pid} ${ticks} ${urls.join(",")}\n`);
  const agent = await startAgent({
    host,
    folder,
    urls,
    ...(token === undefined ? {} : { token }),
    ...(joinPatienceMs === undefined ? {} : { joinPatienceMs }),
    labels,
    version,
    drivers: [runnerDriver, processDriver],
    rates: ratesOf(capacity),
    measures: true,
    power: { powercap: "/sys/class/powercap", procStat: "/proc/stat" },
    capacity: {
      ...(cpus !== undefined && { milliCpus: capacity.milliCpus }),
      ...(memoryBytes !== undefined && { memoryBytes }),
    },
    env: inherited(env),
    openFunctions,
    isSpot,
    ...(hostsInstances && {
      openHosting: (parts) => openHosting(parts, { storages, ...networksWish(env) }),
    }),
    ...(isSupervised && { crash: () => host.processes.kill(process.pid) }),
  });
  return {
    machine: agent.machine,
    refused: agent.refused,
    async stop() {
      await agent.stop();
      await host.files.remove(join(folder, "pid"));
    },
  };
}

/** What the operator of this machine has said of its instances' networks. Throws "invalid". */
function networksWish({
  CANOPY_NETWORKS: type = "",
  CANOPY_INSTANCES_REACH: reach = "",
}: Environment): NetworksWish {
  if (type !== "" && type !== "full" && type !== "user")
    throw new CanopyError(
      "invalid",
      `Cannot open networks as CANOPY_NETWORKS must be 'full' or 'user': current value is '${type}'`,
    );
  const reachable = reach.split(",").flatMap((one) => (one.trim() === "" ? [] : [one.trim()]));
  for (const one of reachable) parseCidr(one.includes("/") ? one : `${one}/32`);
  return { reachable, ...(type !== "" && { type }) };
}
