import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import type { Place } from "./places.ts";
import { signal } from "./processes.ts";

const port = 8420;
const toolPaths = {
  ip: ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"],
  nft: ["/usr/sbin/nft", "/sbin/nft"],
};

function tool(name: keyof typeof toolPaths): string | undefined {
  return toolPaths[name].find((path) => existsSync(path));
}

/** Why no networks can be made here; undefined when they can. */
export function networkMissing(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces take root";
  if (!tool("ip")) return "ip is not installed: apt-get install iproute2";
  if (!tool("nft")) return "nft is not installed: apt-get install nftables";
  try {
    Network.make(["probe"]).remove();
    return undefined;
  } catch (thrown) {
    return `network namespaces cannot be made here: ${String(thrown)}`;
  }
}

/** Drops, on arrival, what comes from the addresses in the set: one way, in silence, as a broken network does. */
const rules = `
table inet canopy {
  set cut { type ipv4_addr; }
  chain arriving { type filter hook input priority 0; policy accept; ip saddr @cut drop; }
}
`;

/**
 * A network of places on this computer: each a namespace of its own with an address, all on one bridge,
 * to which this process belongs too. Any place can be cut off from any other, in one direction or both.
 */
export class Network {
  readonly places = new Map<string, Place>();
  #id: string;
  #subnet: string;
  /** How many reasons there are for each cut. */
  #cuts = new Map<string, number>();

  private constructor(id: string, subnet: string) {
    this.#id = id;
    this.#subnet = subnet;
  }

  /** Throws when that is not possible here; see `networkMissing`. Removed when this process ends, if not before. */
  static make(names: string[]): Network {
    const { pid } = process;
    const network = new Network(idOf(pid), `10.${96 + ((pid >> 8) & 31)}.${pid & 255}`);
    process.once("exit", () => network.remove());
    removeLeftOvers();
    try {
      network.#addBridge();
      for (const [at, name] of names.entries()) network.#addPlace(name, at + 1);
    } catch (thrown) {
      network.remove();
      throw thrown;
    }
    return network;
  }

  /** What `from` sends does not arrive at `to` any more. */
  cut(from: string, to: string): void {
    const count = this.#cuts.get(`${from} ${to}`) ?? 0;
    this.#cuts.set(`${from} ${to}`, count + 1);
    if (count === 0) this.#nft(to, `add element inet canopy cut { ${this.#addressOf(from)} }`);
  }

  /** Takes one cut back; what was cut twice has to be healed twice. */
  heal(from: string, to: string): void {
    const count = this.#cuts.get(`${from} ${to}`) ?? 0;
    if (count > 1) this.#cuts.set(`${from} ${to}`, count - 1);
    if (count !== 1) return;
    this.#cuts.delete(`${from} ${to}`);
    this.#nft(to, `delete element inet canopy cut { ${this.#addressOf(from)} }`);
  }

  healAll(): void {
    for (const cut of this.#cuts.keys()) {
      const [from = "", to = ""] = cut.split(" ");
      this.#cuts.set(cut, 1);
      this.heal(from, to);
    }
  }

  remove(): void {
    removeNetwork(this.#id);
  }

  #addBridge(): void {
    ip("link", "add", this.#id, "type", "bridge");
    ip("addr", "add", `${this.#subnet}.254/24`, "dev", this.#id);
    ip("link", "set", this.#id, "up");
  }

  #addPlace(name: string, number: number): void {
    const space = this.#spaceOf(name);
    const outside = `${this.#id}v${number}`;
    const address = `${this.#subnet}.${number}`;
    ip("netns", "add", space);
    ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", space);
    ip("link", "set", outside, "master", this.#id, "up");
    ip("-n", space, "addr", "add", `${address}/24`, "dev", "eth0");
    ip("-n", space, "link", "set", "eth0", "up");
    ip("-n", space, "link", "set", "lo", "up");
    const wrap = (command: string[]) => [tool("ip")!, "netns", "exec", space, ...command];
    this.places.set(name, { name, address, port, wrap });
    execFileSync(tool("ip")!, ["netns", "exec", space, tool("nft")!, "-f", "-"], { input: rules });
  }

  #nft(place: string, command: string): void {
    ip("netns", "exec", this.#spaceOf(place), tool("nft")!, command);
  }

  #spaceOf(place: string): string {
    return `${this.#id}-${place}`;
  }

  #addressOf(place: string): string {
    return this.places.get(place)!.address;
  }
}

function ip(...args: string[]): string {
  return execFileSync(tool("ip")!, args, { stdio: ["ignore", "pipe", "pipe"] }).toString();
}

/** What a network of this process is called; short, as names of links are. */
function idOf(pid: number): string {
  return `cnpy${pid.toString(36)}`;
}

/** Networks whose process was killed before it could remove them. */
function removeLeftOvers(): void {
  for (const name of spaces()) {
    const pid = Number.parseInt(/^cnpy([0-9a-z]+)-/.exec(name)?.[1] ?? "", 36);
    if (pid > 0 && !existsSync(`/proc/${pid}`)) removeNetwork(idOf(pid));
  }
}

function removeNetwork(id: string): void {
  for (const name of spaces().filter((one) => one.startsWith(`${id}-`))) {
    // It would go on without its name for as long as one of its processes does.
    for (const pid of ip("netns", "pids", name).split("\n").filter(Boolean))
      signal(Number(pid), "SIGKILL");
    ip("netns", "del", name);
  }
  if (existsSync(`/sys/class/net/${id}`)) ip("link", "del", id);
}

function spaces(): string[] {
  return ip("netns", "list")
    .split("\n")
    .map((line) => line.split(" ")[0]!);
}
