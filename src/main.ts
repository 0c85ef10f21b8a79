import { enableCompileCache } from "node:module";

enableCompileCache();
const { readConfig } = await import("./config.ts");
const { runCli } = await import("./cli/cli.ts");
const { version } = await import("./version.ts");

const env = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== undefined)) as Record<string, string>;
process.exitCode = await runCli(process.argv.slice(2), {
  version,
  config: readConfig(env),
  up: async (options) => (await import("./up.ts")).up(options, env),
  agent: async (options) => (await import("./agent-program.ts")).runAgent(options, env),
});
