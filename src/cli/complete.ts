import tab from "@bomb.sh/tab/commander";
import { script } from "@bomb.sh/tab";
import { connect } from "#/sdk/client.ts";
import { readContexts } from "#/sdk/contexts.ts";
import { buildWhole } from "./program.ts";
import type { Terminal } from "./terminal.ts";

/** Verbs whose first argument is a job. */
const ofJobs = ["cancel", "retry", "follow", "show", "tasks", "logs", "result", "why", "cost"];

/** And those whose first argument is a game day. */
const ofGameDays = ["chaos report", "chaos stop"];

/** Prints what may stand next on the command line that is being written; gives the exit code. */
export async function complete(argv: readonly string[], terminal: Terminal): Promise<number> {
  const words = argv[0] === "--" ? argv.slice(1) : [...argv];
  const unused = async () => {
    throw new Error("nothing runs while a command line is completed");
  };
  const config = {
    dataFolder: "",
    host: "",
    port: 0,
    awsPort: undefined,
    joinToken: undefined,
    logUrl: undefined,
    objectsUrl: undefined,
    logLevel: "",
  };
  const program = await buildWhole({
    terminal,
    programs: {
      version: "",
      config,
      up: unused,
      restore: unused,
      examineBackup: unused,
      doctor: unused,
      machine: unused,
      agent: unused,
    },
    rest: undefined,
    onExit: () => {},
  });
  const root = tab(program);
  const two = words.slice(0, 2).join(" ");
  const verb = ofGameDays.includes(two) ? two : (words[0] ?? "");
  const names = await namesFor(verb, terminal).catch(() => []);
  const first = [...(root.commands.get(verb)?.arguments.values() ?? [])][0];
  if (first) first.handler = (tell) => names.forEach(({ name, title }) => tell(name, title));
  root.parse(words);
  return 0;
}

async function namesFor(
  verb: string,
  { world }: Terminal,
): Promise<{ name: string; title: string }[]> {
  if (verb === "context")
    return Object.entries((await readContexts(world)).contexts).map(([name, { url }]) => ({
      name,
      title: url,
    }));
  const client = () => connect({ world, patienceMs: 0 });
  if (ofGameDays.includes(verb))
    return (await (await client()).gameDays({ limit: 20 })).items.map(({ id, phase }) => ({
      name: id,
      title: phase,
    }));
  if (ofJobs.includes(verb))
    return (await (await client()).jobs({ limit: 20 })).items.map(({ id, title }) => ({
      name: id,
      title,
    }));
  return [];
}

/** The script that lets a shell complete commands. */
export async function completionScript(shell: string): Promise<string> {
  const lines: string[] = [];
  const { log } = console;
  // The library prints it; here it becomes a value, to be written like all data.
  console.log = (text: string) => void lines.push(text);
  try {
    script(shell, "canopy", "canopy");
  } finally {
    console.log = log;
  }
  return `${lines.join("\n")}\n`;
}
