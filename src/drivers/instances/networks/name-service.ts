import { join } from "node:path";
import { sleep } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { addressText, parseCidr } from "#/model/cidr.ts";
import { markName } from "../../confine.ts";
import { systemPath } from "../command.ts";
import { acrossPort, namespaceFile, upPort } from "./names.ts";
import type { NetworksParts } from "./parts.ts";
import type { VpcState } from "./vpc-state.ts";

const domain = "ec2.internal";
/** What leaves room for tunnels between machines. */
const mtuOption = 1450;

/** SIGHUP: it reads anew what it is to tell. */
const hangUp = 1;

interface Living {
  pid: number;
  ticks: number;
  config: string;
}

/** Tells instances of one VPC each other's addresses by name, and guests their own: dnsmasq, in the VPC's namespace. */
export class NameService {
  #parts: NetworksParts;
  #folder: string;
  #namespace: string;
  #told = "";

  constructor(parts: NetworksParts, { folder, namespace }: { folder: string; namespace: string }) {
    this.#parts = parts;
    this.#folder = folder;
    this.#namespace = namespace;
  }

  /** What it tells is this from now on. */
  async tell(state: VpcState, resolvers: string): Promise<void> {
    const { processes } = this.#parts;
    const config = this.#config(state, resolvers);
    const told = hostsOf(state) + leasesOf(state);
    const living = await this.#living();
    if (living?.config === config && told === this.#told) return;
    await this.#write("hosts", hostsOf(state));
    await this.#write("leases", leasesOf(state));
    this.#told = told;
    if (living?.config === config && (await this.#reread(living))) return;
    const old = await this.#living();
    if (old) processes.kill(old.pid);
    await this.#start(config);
  }

  async stop(): Promise<void> {
    const living = await this.#living();
    if (living) this.#parts.processes.kill(living.pid);
    await this.#parts.files.remove(this.#file("living.json"));
  }

  async #start(config: string): Promise<void> {
    const { processes, files, mark } = this.#parts;
    await this.#write("config", config);
    const child = processes.spawn(
      [
        "nsenter",
        `--net=${namespaceFile(this.#namespace)}`,
        "dnsmasq",
        "--keep-in-foreground",
        `--conf-file=${this.#file("config")}`,
      ],
      {
        folder: "/",
        env: { PATH: systemPath, [markName]: `${mark}-names` },
        detachedLog: this.#file("words"),
      },
    );
    const ticks = processes.startedTicks(child.pid);
    if (ticks === undefined) return void (await child.ended); // throws where it could not be started
    child.ended.catch(() => {});
    const living: Living = { pid: child.pid, ticks, config };
    await files.write(this.#file("living.json"), JSON.stringify(living), {
      mode: 0o600,
      durable: false,
    });
  }

  async #living(): Promise<Living | undefined> {
    const { files, processes } = this.#parts;
    const content = await files.read(this.#file("living.json"));
    if (!content) return undefined;
    let living: Living;
    try {
      living = JSON.parse(Buffer.from(content).toString()) as Living;
    } catch {
      return undefined; // damaged: it is started anew
    }
    return processes.isAlive(living.pid, living.ticks) ? living : undefined;
  }

  /** False where it has ended, or does not get to hear of it. */
  async #reread(living: Living): Promise<boolean> {
    if (!(await this.#hears(living))) return false;
    this.#parts.processes.kill(living.pid, hangUp);
    return true;
  }

  /** Until one that has just begun catches that signal (proc(5): SigCgt), it is ended by it. */
  async #hears({ pid, ticks }: Living): Promise<boolean> {
    const { files, processes, clock } = this.#parts;
    for (const until = clock.now() + limits.namesStartMs; clock.now() < until;) {
      if (!processes.isAlive(pid, ticks)) return false;
      const status = Buffer.from((await files.read(`/proc/${pid}/status`)) ?? "").toString();
      const [, caught = "0"] = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status) ?? [];
      if ((BigInt(`0x${caught}`) & 1n) === 1n) return true;
      await sleep(clock, limits.namesStartLookMs);
    }
    return false;
  }

  #config(state: VpcState, resolvers: string): string {
    const subnets = new Set(
      Object.values(state.members).flatMap(({ isGuest, network }) =>
        isGuest ? [network.subnetCidr] : [],
      ),
    );
    return [
      "user=nobody",
      "group=nogroup",
      "pid-file=",
      `except-interface=${upPort}`,
      `except-interface=${acrossPort}`,
      "no-hosts",
      `addn-hosts=${this.#file("hosts")}`,
      `resolv-file=${resolvers}`,
      `domain=${domain}`,
      `local=/${domain}/`,
      "expand-hosts",
      "domain-needed",
      "stop-dns-rebind",
      "cache-size=1000",
      ...(subnets.size === 0 ? [] : this.#leaseConfig(subnets)),
      "",
    ].join("\n");
  }

  #leaseConfig(subnets: ReadonlySet<string>): string[] {
    return [
      "dhcp-authoritative",
      "no-ping",
      `dhcp-leasefile=${this.#file("given")}`,
      `dhcp-hostsfile=${this.#file("leases")}`,
      `dhcp-option=option:mtu,${mtuOption}`,
      "dhcp-option=option:dns-server,169.254.169.253",
      ...[...subnets].map((cidr) => {
        const { first, bits } = parseCidr(cidr);
        const mask = addressText(2 ** 32 - 2 ** (32 - bits));
        return `dhcp-range=${addressText(first)},static,${mask},1h`;
      }),
    ];
  }

  async #write(name: string, content: string): Promise<void> {
    // It is read by one who has no rights.
    await this.#parts.files.write(this.#file(name), content, { mode: 0o644, durable: false });
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }
}

function hostsOf({ order }: VpcState): string {
  const names = new Map<string, string[]>();
  for (const [name, address] of Object.entries(order.names)) {
    const known = names.get(address);
    if (known) known.push(name);
    else names.set(address, [name]);
  }
  // What is looked up by address is the one that EC2 gives it.
  const isOfAddress = (name: string) => (name.startsWith("ip-") ? 0 : 1);
  return [...names]
    .map(
      ([address, all]) =>
        `${address} ${all.sort((a, b) => isOfAddress(a) - isOfAddress(b)).join(" ")}\n`,
    )
    .join("");
}

function leasesOf({ members }: VpcState): string {
  return Object.values(members)
    .filter(({ isGuest }) => isGuest)
    .map(({ network: { mac, privateIp, hostname } }) => `${mac},${privateIp},${hostname}\n`)
    .join("");
}
