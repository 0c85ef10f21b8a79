import { join, resolve } from "node:path";
import type { Command } from "commander";
import { CanopyError } from "#/base/errors.ts";
import { parseNumber, sizeOption } from "./count.ts";
import type { Cli, Done } from "./verb.ts";
import { labelsOf, many } from "./words.ts";

/** The control planes of a cloud, as a line names them: "http://one:7411,http://two:7411". */
function addressesOf(text: string): string[] {
  const urls = text.split(",");
  for (const url of urls) {
    if (/^https?:$/.test(URL.parse(url)?.protocol ?? "")) continue;
    throw new CanopyError(
      "invalid",
      `Cannot join as the address must begin with http:// or https://: current value is '${url}'`,
    );
  }
  return urls;
}

/** Options of a command that runs this computer's agent. */
export function agentOptions(command: Command): Command {
  return command
    .option("--folder <folder>", "where it keeps its key and its caches")
    .option("--label <name=value>", "a label of this machine (may be repeated)", many)
    .option("--cpus <number>", "CPUs that it gives, all when absent", parseNumber)
    .option(
      "--memory <size>",
      "memory that it gives, as in 8GiB; nine tenths when absent",
      sizeOption,
    )
    .option("--supervised", "something starts it again when it dies, so that game days may kill it")
    .option(
      "--storage <name=folder>",
      "a folder for volumes that other machines have too, under that name (may be repeated)",
      many,
    )
    .option("--no-instances", "it runs tasks alone, and no containers and virtual machines")
    .option("--log-level <level>", "debug, info, warn or error");
}

/** "disks=/srv/disks": folders that machines share, by name. */
function storagesOf(words: readonly string[], folder: string): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf("=");
      const name = word.slice(0, at);
      if (at < 1 || !/^[a-z0-9-]{1,40}$/.test(name) || at === word.length - 1)
        throw new CanopyError(
          "invalid",
          `Cannot use the storage '${word}' as it must be NAME=FOLDER, the name in small letters, digits and hyphens`,
        );
      return [name, resolve(folder, word.slice(at + 1))];
    }),
  );
}

interface AgentFlags {
  folder?: string;
  label?: string[];
  cpus?: number;
  memory?: number;
  supervised?: boolean;
  storage?: string[];
  instances?: boolean;
  logLevel?: string;
}

/** Runs the agent in this process until it is told to end, or its cloud refuses it for good. */
export async function runUntilEnded(
  cli: Cli,
  url: string,
  token: string | undefined,
  joinPatienceMs = 0,
): Promise<Done> {
  const urls = addressesOf(url);
  const { terminal, programs } = cli;
  const { folder, label, cpus, memory, supervised, logLevel } = cli.options as AgentFlags;
  const { storage = [], instances = true } = cli.options as AgentFlags;
  const agent = await programs.agent({
    folder:
      folder === undefined
        ? join(programs.config.dataFolder, "agent")
        : resolve(terminal.world.folder, folder),
    urls,
    ...(token === undefined ? {} : { token }),
    joinPatienceMs,
    labels: labelsOf(label),
    ...(cpus === undefined ? {} : { cpus }),
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    isSupervised: supervised === true,
    hostsInstances: instances,
    storages: storagesOf(storage, terminal.world.folder),
    logLevel: logLevel ?? programs.config.logLevel,
  });
  if (cli.options.json !== undefined)
    terminal.out.write(`${JSON.stringify({ machine: agent.machine, url })}\n`);
  else
    terminal.err.write(
      `${terminal.err.paint("green", "✓")} This computer is the machine ${agent.machine} of ${url}. Ctrl-C ends it.\n`,
    );
  const refused = await Promise.race([agent.refused, terminal.untilEnded()]);
  await agent.stop();
  if (refused === undefined) return { exitCode: 0 };
  throw new CanopyError(
    "unauthenticated",
    `Cannot go on as ${url} has refused this machine: ${refused}`,
    {
      hint: "Get a new line with: canopy join     on a computer that speaks to that cloud",
    },
  );
}
