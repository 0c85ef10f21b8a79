import { join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { Cage, Process } from "#/base/processes.ts";
import { randomText } from "#/base/random.ts";
import type { InstanceOrder } from "#/model/hosting.ts";
import type { TerminalOrder, TerminalSize } from "#/model/terminal.ts";
import type { InstanceDriverParts, InstanceTerminal } from "../instance-driver.ts";
import { systemPath } from "../instances/command.ts";
import { quoted } from "../instances/quoted.ts";
import { fileText } from "./supervisor.ts";

type Parts = Pick<InstanceDriverParts, "files" | "processes" | "random">;

interface ContainerPlace {
  folder: string;
  order: Pick<InstanceOrder, "instance" | "kind">;
  cage: Cage | undefined;
  /** The process beside it, in whose namespaces of mounts and of the network it was started. */
  supervisor: { pid: number };
}

/** In the environment of what was started at a terminal, so that nothing of it stays when that is left. */
const terminalMark = "CANOPY_TERMINAL";

/** The console of a container's init, or a command in the container. */
export async function openTerminal(
  parts: Parts,
  place: ContainerPlace,
  { command, size }: Pick<TerminalOrder, "command" | "size">,
): Promise<InstanceTerminal> {
  const { instance, kind } = place.order;
  if (command) return runIn(parts, place, command, size);
  if (kind === "system") return terminalOf(consoleIn(parts, place));
  throw new CanopyError(
    "conflict",
    `Cannot open the console of ${instance} as it must have a terminal: a container's program has none`,
    { hint: `canopy instances exec ${instance} -- sh` },
  );
}

/**
 * Follows what the supervisor writes, and types where the init's terminal reads: see launchScript. From where it follows is known before
 * anything is typed, as the answer may be there before `tail` is.
 */
function consoleIn({ processes }: Parts, { folder }: ContainerPlace): Process {
  const script = `exec 3<&0
from=$(stat -c %s console.1 2>/dev/null)
cat <&3 >typed &
exec tail --quiet --bytes=+$((from + 1)) --follow=name --retry console.1 2>/dev/null`;
  return processes.spawn(["sh", "-c", script], { folder, env: ownEnv, group: true });
}

async function runIn(
  parts: Parts,
  place: ContainerPlace,
  command: readonly string[],
  size: TerminalSize | undefined,
): Promise<InstanceTerminal> {
  const { processes, random } = parts;
  const { folder, cage } = place;
  const mark = randomText(random, 20);
  const program = await processOf(parts, folder, { command, size, env: `${terminalMark}=${mark}` });
  const words = `${execWords(place)} 3<<'${mark}'
${JSON.stringify(program)}
${mark}
`;
  const script = size ? onTerminal(words, size) : `exec 2>&1 ${words}`;
  const process = processes.spawn(["sh", "-c", script], {
    folder,
    env: ownEnv,
    group: true,
    ...(cage && { cage }),
  });
  const exitCode = process.ended.then(
    ({ code }) => code ?? killedExit,
    () => undefined,
  );
  const terminal = terminalOf(process);
  const close = () => {
    terminal.close();
    for (const pid of processes.marked(terminalMark, mark)) processes.kill(pid);
  };
  return { ...terminal, close, exitCode };
}

/** As the container's own program is run, but for what it is. */
async function processOf(
  parts: Parts,
  folder: string,
  asked: { command: readonly string[]; size: TerminalSize | undefined; env: string },
): Promise<object> {
  const { command, size, env } = asked;
  const config = (await fileText(parts, join(folder, "config.json"))) ?? "{}";
  const { process: own } = JSON.parse(config) as { process: { env: string[] } };
  const terminal = size ? [env, "TERM=xterm-256color"] : [env];
  return {
    ...own,
    args: command,
    env: [...own.env, ...terminal],
    terminal: size !== undefined,
  };
}

/**
 * Reads what it is to run from its descriptor 3. The bundle names no network, as crun was started in it: so crun would leave a command in the
 * machine's own.
 */
function execWords({ folder, order, supervisor }: ContainerPlace): string {
  return [
    "nsenter",
    `--mount=/proc/${supervisor.pid}/ns/mnt`,
    `--net=/proc/${supervisor.pid}/ns/net`,
    "crun",
    `--root=${join(folder, "crun")}`,
    "--cgroup-manager=disabled",
    "exec",
    "--process=/dev/fd/3",
    order.instance,
  ]
    .map(quoted)
    .join(" ");
}

function onTerminal(words: string, { rows, columns }: TerminalSize): string {
  const sized = `stty rows ${rows} cols ${columns}; exec ${words}`;
  return `exec script -qefc ${quoted(sized)} /dev/null 2>&1`;
}

function terminalOf(process: Process): InstanceTerminal {
  return {
    incoming: process.stdout[Symbol.asyncIterator](),
    write(content) {
      process.stdin.write(content);
      return process.stdin.drained();
    },
    end: () => process.stdin.end(),
    close: () => process.signal("SIGKILL"),
  };
}

const ownEnv = { PATH: systemPath, LC_ALL: "C" };

/** As shells have it of what was ended by SIGKILL. */
const killedExit = 137;
