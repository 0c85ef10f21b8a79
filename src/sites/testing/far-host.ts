import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

/**
 * A host far away: a network namespace with an address of its own, joined to this one by a pair of veth links. What
 * comes to port 22 is answered; nothing else leaves it, so that it reaches nobody by itself.
 */
export interface FarHost {
  readonly address: string;
  /** Of this computer, as the host would see it. */
  readonly here: string;
  /** The command that runs another one there. */
  wrap(command: readonly string[]): string[];
  /** Ends all that runs there, too. */
  remove(): void;
}

/** Where distributions have it. */
const program = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"].find((path) => existsSync(path)) ?? "";

const rules = `
table inet canopy {
  chain leaving {
    type filter hook output priority 0; policy accept;
    oif lo accept
    tcp sport 22 accept
    reject
  }
}
`;

/** Takes root. Removed when this process ends, if not before. */
export function farHost(number: number): FarHost {
  removeLeftOvers();
  const { pid } = process;
  const name = nameOf(pid, number);
  const outside = `${name}v`;
  const subnet = `10.${128 + ((pid >> 8) & 31)}.${pid & 255}`;
  const at = number * 4;
  const [here, address] = [`${subnet}.${at + 1}`, `${subnet}.${at + 2}`];
  const wrap = (command: readonly string[]) => [program, "netns", "exec", name, ...command];
  const remove = () => removeHost(name);
  process.once("exit", remove);
  ip("netns", "add", name);
  ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", name);
  ip("addr", "add", `${here}/30`, "dev", outside);
  ip("link", "set", outside, "up");
  for (const link of ["lo", "eth0"]) ip("-n", name, "link", "set", link, "up");
  ip("-n", name, "addr", "add", `${address}/30`, "dev", "eth0");
  const [, ...filter] = wrap(["/usr/sbin/nft", "-f", "-"]);
  execFileSync(program, filter, { input: rules });
  return { address, here, wrap, remove };
}

/** Names of links are short. */
const nameOf = (pid: number, number: number) => `cnps${pid.toString(36)}n${number}`;

/** Hosts whose process was killed before it could remove them. */
function removeLeftOvers(): void {
  for (const name of names()) {
    const pid = Number.parseInt(/^cnps([0-9a-z]+?)n\d+$/.exec(name)?.[1] ?? "", 36);
    if (pid > 0 && !existsSync(`/proc/${pid}`)) removeHost(name);
  }
}

function removeHost(name: string): void {
  if (!names().includes(name)) return;
  for (const pid of ip("netns", "pids", name).split("\n").filter(Boolean)) end(Number(pid));
  ip("netns", "del", name); // and with it both ends of its link
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}

const names = () =>
  ip("netns", "list")
    .split("\n")
    .map((line) => line.split(" ")[0]!);

const ip = (...args: string[]) =>
  execFileSync(program, args, { stdio: ["ignore", "pipe", "pipe"] }).toString();
