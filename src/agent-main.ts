import { parseArgs } from "node:util";
import { limits } from "#/base/limits.ts";
import { runAgent } from "./agent-program.ts";

/**
 * The agent alone, as it is bundled for computers that have nothing of Canopy: `canopy agent` without the
 * CLI. Its one-time token comes in the environment, which other users of the computer cannot read.
 */
const env = { ...process.env } as Record<string, string>;
const { values } = parseArgs({
  options: {
    url: { type: "string" },
    folder: { type: "string" },
    cpus: { type: "string" },
    memory: { type: "string" },
    spot: { type: "boolean", default: false },
    "log-level": { type: "string", default: "info" },
  },
});
const { url = "", folder = "", cpus, memory } = values;
const ended = Promise.withResolvers<string | undefined>();
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => ended.resolve(undefined));
try {
  const agent = await runAgent(
    {
      folder,
      urls: url.split(","),
      ...(env["CANOPY_JOIN_TOKEN"] !== undefined && { token: env["CANOPY_JOIN_TOKEN"] }),
      // What a site has made waits for its cloud, which may just be starting again.
      joinPatienceMs: limits.bootMsMax,
      labels: {},
      ...(cpus !== undefined && { cpus: Number(cpus) }),
      ...(memory !== undefined && { memoryBytes: Number(memory) }),
      isSpot: values.spot,
      logLevel: values["log-level"],
      isSupervised: false,
      hostsInstances: true,
      storages: {},
    },
    env,
  );
  const refused = await Promise.race([agent.refused, ended.promise]);
  await agent.stop();
  if (refused !== undefined) throw new Error(`the cloud has refused this machine: ${refused}`);
} catch (thrown) {
  console.error((thrown as Error).message);
  process.exitCode = 1;
}
