import { runCli } from "./cli/cli.ts";
import { readConfig } from "./config.ts";
import { version } from "./version.ts";

const env = { ...process.env } as Record<string, string>;
process.exitCode = await runCli(process.argv.slice(2), {
  version,
  // Read when it is asked for: what is wrong with it is told as any other error, and only to who needs it.
  get config() {
    return readConfig(env);
  },
  up: async (options) => (await import("./up.ts")).up(options, env),
  restore: async (file, to) => (await import("./restore.ts")).restoreBackup(file, to),
  examineBackup: async (file) => (await import("./restore.ts")).examineBackup(file),
  doctor: async (options) => (await import("./doctor.ts")).examine(options),
  machine: async () => (await import("./machine.ts")).thisMachine,
  agent: async (options) => (await import("./agent-program.ts")).runAgent(options, env),
});
