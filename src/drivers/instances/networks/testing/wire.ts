import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { instanceOrder as anyOrder } from "#/drivers/testing/instance-order.ts";
import type { PreparedNetwork } from "../../../instance-driver.ts";
import type { InstanceOrder, VpcOrder } from "#/model/hosting.ts";
import { FullNetworks } from "../full-networks.ts";
import { NetworkNames } from "../names.ts";

/** Somewhere outside, where no machine is. */
export const outside = "198.51.100.7";
/** Of the wire that the machines are on. */
const wireAddress = "10.99.0.254";

const dhcpClient = fileURLToPath(new URL("./dhcp-client.py", import.meta.url));
const tapGuest = fileURLToPath(new URL("./tap-guest.py", import.meta.url));

/** After so long a connection is as fast as it will be. */
const warmUpMs = 500;

/** Machines on one wire, each a network namespace, and what is outside behind it. */
export class Wire {
  readonly id = `cyt${process.pid}`;
  #spawned: ChildProcess[] = [];
  #port = 9000;
  #machines: TestMachine[] = [];

  constructor() {
    this.run(`
ip netns add ${this.id}-wire
ip -n ${this.id}-wire link set lo up
ip -n ${this.id}-wire address add ${outside}/32 dev lo
ip -n ${this.id}-wire link add br0 type bridge
ip -n ${this.id}-wire address add ${wireAddress}/24 dev br0
ip -n ${this.id}-wire link set br0 up`);
  }

  run(script: string): string {
    return execFileSync("sh", ["-e", "-c", script], { encoding: "utf8" });
  }

  machine(number: number): TestMachine {
    const name = `${this.id}-m${number}`;
    const address = `10.99.0.${number}`;
    this.run(`
ip netns add ${name}
ip -n ${name} link set lo up
ip -n ${name} link add eth0 type veth peer name m${number} netns ${this.id}-wire
ip -n ${name} address add ${address}/24 dev eth0
ip -n ${name} link set eth0 up
ip -n ${name} route add default via ${wireAddress}
ip -n ${this.id}-wire link set m${number} master br0 up`);
    const machine = new TestMachine(name, address);
    this.#machines.push(machine);
    return machine;
  }

  /** A program that answers who it is and who asks, at a port in a namespace. */
  async answers(namespace: string, who: string, port: number, by = "TCP4"): Promise<void> {
    const child = spawn("nsenter", [
      `--net=/run/netns/${namespace}`,
      "socat",
      `${by}-LISTEN:${port},fork,reuseaddr`,
      `SYSTEM:echo ${who} hears $SOCAT_PEERADDR`,
    ]);
    this.#spawned.push(child);
    await this.#listens(namespace, port);
  }

  /** Who answers for names outside: of one zone, and those of nobody else. */
  async answersForNames(namespace: string, names: Readonly<Record<string, string>>): Promise<void> {
    const zone = Object.entries(names).map(([name, address]) => `--address=/${name}/${address}`);
    const own = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts"];
    const enter = `--net=/run/netns/${namespace}`;
    this.#spawned.push(spawn("nsenter", [enter, "dnsmasq", ...own, "--pid-file=", ...zone]));
    await this.#listens(namespace, 53);
  }

  async #listens(namespace: string, port: number): Promise<void> {
    for (let turn = 0; turn < 500; turn++) {
      if (this.run(`nsenter --net=/run/netns/${namespace} ss -Hltn sport = :${port}`) !== "")
        return;
      await wait(10);
    }
    throw new Error(`nothing listens at ${port} in ${namespace}`);
  }

  /** What answers there; empty when nothing does within a second. */
  async ask(namespace: string, address: string, port: number, from?: string): Promise<string> {
    const bind = from === undefined ? "" : `,bind=${from}`;
    return (
      await this.inside(namespace, [
        "socat",
        "-T1",
        "-u",
        `TCP:${address}:${port},connect-timeout=1${bind}`,
        "STDOUT",
      ])
    ).trim();
  }

  /** What a guest behind a tap is told that asks who it is. */
  async asksForAddress(namespace: string, tap: string, mac: string): Promise<string[]> {
    const said = await this.inside(namespace, ["python3", dhcpClient, tap, mac]);
    return said.trim().split("\n");
  }

  /** What a guest behind a tap would be, as a namespace with the device that its order says. */
  async guest(order: InstanceOrder, at: PreparedNetwork): Promise<string> {
    const { privateIp, mac } = order.network;
    const name = `${this.id}-g-${order.instance}`;
    this.run(`ip netns add ${name}; ip -n ${name} link set lo up`);
    const enter = `--net=/run/netns/${at.namespace}`;
    const child = spawn("nsenter", [enter, "python3", tapGuest, at.tap!, name, "eth0"]);
    this.#spawned.push(child);
    await once(child.stdout, "data");
    this.run(`
ip -n ${name} link set eth0 address ${mac} mtu 1450 up
ip -n ${name} address add ${privateIp}/20 dev eth0 noprefixroute
ip -n ${name} route add 10.0.0.1 dev eth0
ip -n ${name} route add default via 10.0.0.1`);
    return name;
  }

  /** Bytes a second that come through between two namespaces, once they flow. */
  async speed(from: string, to: string, address: string, ms: number): Promise<number> {
    const port = String(this.#port++);
    const listener = spawn("nsenter", [
      `--net=/run/netns/${to}`,
      "socat",
      "-u",
      `TCP4-LISTEN:${port}`,
      "STDOUT",
    ]);
    await this.#listens(to, Number(port));
    const sender = spawn("nsenter", [
      `--net=/run/netns/${from}`,
      "socat",
      "-u",
      "OPEN:/dev/zero",
      `TCP4:${address}:${port}`,
    ]);
    this.#spawned.push(listener, sender);
    let bytes = 0;
    listener.stdout.on("data", (piece: Buffer) => (bytes += piece.length));
    await wait(warmUpMs);
    const [bytesBefore, before] = [bytes, performance.now()];
    await wait(ms);
    const speed = ((bytes - bytesBefore) * 1000) / (performance.now() - before);
    sender.kill();
    listener.kill();
    return speed;
  }

  inside(namespace: string, command: string[]): Promise<string> {
    return new Promise((resolve) => {
      execFile(
        "nsenter",
        [`--net=/run/netns/${namespace}`, ...command],
        { timeout: 5000 },
        (_error, stdout) => resolve(stdout),
      );
    });
  }

  async close(): Promise<void> {
    for (const child of this.#spawned) child.kill();
    for (const machine of this.#machines) await machine.close();
    const left = this.run("ip netns list")
      .split("\n")
      .map((line) => line.split(" ")[0]!)
      .filter((name) => name.startsWith(this.id));
    for (const name of left) this.run(`ip netns delete ${name}`);
  }
}

/** An agent's machine. Its programs run in its namespace; ports of its address are all free. */
export class TestMachine {
  readonly namespace: string;
  readonly address: string;
  readonly names: NetworkNames;
  readonly folder = mkdtempSync(join(tmpdir(), "canopy-networks-"));
  #mark: string;
  #open: FullNetworks[] = [];

  constructor(namespace: string, address: string) {
    this.namespace = namespace;
    this.address = address;
    this.#mark = `${namespace}-${this.folder.slice(-6)}`;
    this.names = new NetworkNames(this.#mark);
  }

  /** As an agent opens it that has just started. */
  /** As the namespace has them that stands for the machine. */
  #interfaces(): { name: string; cidr: string }[] {
    const said = execFileSync("ip", ["-n", this.namespace, "-4", "-o", "address", "show"]);
    return [...said.toString().matchAll(/^\d+: (\S+) +inet (\S+)/gm)].map(
      ([, name = "", cidr = ""]) => ({ name, cidr }),
    );
  }

  async networks(reachable: string[] = []): Promise<FullNetworks> {
    const host = nodeHost(silent);
    const networks = new FullNetworks({
      ...host,
      processes: {
        ...host.processes,
        spawn: (command, options) =>
          host.processes.spawn(
            ["nsenter", `--net=/run/netns/${this.namespace}`, ...this.#seeing(command)],
            options,
          ),
        facts: () => ({ ...host.processes.facts(), interfaces: this.#interfaces() }),
      },
      sockets: { ...host.sockets, listen: async () => ({ port: 0, close: async () => {} }) },
      folder: this.folder,
      address: this.address,
      mark: this.#mark,
      reachable,
    });
    await networks.open();
    this.#open.push(networks);
    return networks;
  }

  /** Who asks for names asks whom a machine outside would be told of. */
  #seeing(command: string[]): string[] {
    if (!command.includes("dnsmasq")) return command;
    const file = join(this.folder, "resolv.conf");
    writeFileSync(file, `nameserver ${outside}\n`);
    const shows = `mount --bind ${file} "$(readlink -f /etc/resolv.conf)"; exec "$@"`;
    return ["unshare", "--mount", "sh", "-ec", shows, "sh", ...command];
  }

  instance(name: string): string {
    return this.names.namespace(name);
  }

  async close(): Promise<void> {
    for (const networks of this.#open) await networks.close();
    const last = this.#open.at(-1);
    for (const instance of last?.instances ?? []) await last?.remove(instance);
    await rm(this.folder, { recursive: true });
  }
}

export function vpcOrder(more: Partial<VpcOrder> = {}): VpcOrder {
  return {
    vpc: "vpc-1",
    tunnel: 7,
    cidr: "10.0.0.0/16",
    names: {},
    peers: {},
    groups: {},
    ...more,
  };
}

const everyone = { protocol: "all" as const, from: -1, to: -1, cidr: "0.0.0.0/0" };

export function instanceOrder(
  instance: string,
  privateIp: string,
  network: Partial<InstanceOrder["network"]> = {},
  more: Partial<InstanceOrder> = {},
): InstanceOrder {
  const last = Number(privateIp.split(".")[3]);
  return anyOrder({
    instance,
    network: {
      interface: "eni-1",
      vpc: "vpc-1",
      subnetCidr: "10.0.0.0/20",
      privateIp,
      mac: `02:07:00:00:00:${last.toString(16).padStart(2, "0")}`,
      hostname: `ip-${privateIp.replaceAll(".", "-")}`,
      ingress: [],
      egress: [everyone],
      hasPublicAddress: false,
      ...network,
    },
    metadata: { isEnabled: true, hopLimit: 1, documents: { "meta-data/instance-id": instance } },
    ...more,
  });
}
