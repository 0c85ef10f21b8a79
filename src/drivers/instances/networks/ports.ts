import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Processes } from "#/base/processes.ts";
import type { FilterRule, InstanceOrder } from "#/model/hosting.ts";
import { runCommand } from "../command.ts";
import { HostingError } from "../hosting-error.ts";
import type { PreparedNetwork } from "../../instance-driver.ts";
import type { NetworksParts } from "./parts.ts";

export type Forwards = PreparedNetwork["forwards"];

const ssh = 22;
/** What is forwarded of rules that open more ports than can be. */
const usual = [ssh, 80, 443, 8080, 8443];

/** TCP ports of an instance that somebody outside may reach by rules that `counts` finds to count, those that are published first. */
export function openedPorts(
  { network }: InstanceOrder,
  counts: (rule: FilterRule) => boolean,
): number[] {
  const published = Object.keys(network.published ?? {}).map(Number);
  const ports = new Set<number>();
  for (const rule of network.ingress) {
    if (rule.cidr === undefined || !counts(rule)) continue;
    if (rule.protocol !== "tcp" && rule.protocol !== "all") continue;
    const [from, to] = rule.protocol === "all" ? [0, 65_535] : [rule.from, rule.to];
    if (to - from < limits.forwardsMax) for (let port = from; port <= to; port++) ports.add(port);
    else
      for (const port of [...published, ...usual]) if (port >= from && port <= to) ports.add(port);
  }
  const rankOf = (port: number) => (published.includes(port) ? -2 : port === ssh ? -1 : port);
  return [...ports].sort((a, b) => rankOf(a) - rankOf(b)).slice(0, limits.forwardsMax);
}

type PoolParts = Pick<NetworksParts, "sockets" | "processes" | "random" | "address">;

/** Ports of this machine that lead to instances: each instance's are the same until it is taken off its network. */
export class PortPool {
  #parts: PoolParts;
  #taken = new Map<number, string>();

  constructor(parts: PoolParts) {
    this.#parts = parts;
  }

  /** They lead to it already. */
  keep(instance: string, forwards: Forwards): void {
    for (const { port } of forwards) this.#taken.set(port, instance);
  }

  /**
   * Those that it has, less what it needs no more, and others for what it has none for: those that it publishes, or any that is free.
   * Throws HostingError "Server.InsufficientInstanceCapacity" where one is taken, and then it has what it had.
   */
  async forwardsFor(
    { instance, network: { published = {} } }: Pick<InstanceOrder, "instance" | "network">,
    to: readonly number[],
    before: Forwards = [],
  ): Promise<Forwards> {
    const { address } = this.#parts;
    let forwards: Forwards = [];
    try {
      for (const inside of to) {
        const port = published[inside];
        const known = before.find(
          (one) => one.to === inside && (port === undefined || one.port === port),
        );
        const taken = async () =>
          port === undefined ? await this.#takeAny(instance) : await this.#take(instance, port);
        forwards = [...forwards, known ?? { address, port: await taken(), to: inside }];
      }
    } catch (thrown) {
      forwards = before;
      throw thrown;
    } finally {
      this.release(instance);
      this.keep(instance, forwards);
    }
    return forwards;
  }

  release(instance: string): void {
    for (const [port, holder] of this.#taken) if (holder === instance) this.#taken.delete(port);
  }

  async #take(instance: string, port: number): Promise<number> {
    const { address, processes } = this.#parts;
    const holder = this.#taken.get(port);
    const fault = holder === undefined ? await this.#try(instance, port) : undefined;
    if (holder === undefined && fault === undefined) return port;
    const who = holder ?? (await listenerAt(processes, port)) ?? "something else there";
    throw new HostingError(
      "Server.InsufficientInstanceCapacity",
      fault !== undefined && !fault.includes("EADDRINUSE")
        ? `Port ${port} of ${address} cannot lead to the instance: ${fault}`
        : `Port ${port} of ${address} cannot lead to the instance: ${who} has it. Publish another port, or end what has it.`,
    );
  }

  async #takeAny(instance: string): Promise<number> {
    const { random, address } = this.#parts;
    const { forwardPortFirst: first, forwardPortLast: last, forwardTriesMax } = limits;
    for (let tries = 0; tries < forwardTriesMax; tries++) {
      const [high = 0, low = 0] = random.bytes(2);
      const port = first + ((high * 256 + low) % (last - first + 1));
      if (!this.#taken.has(port) && (await this.#try(instance, port)) === undefined) return port;
    }
    throw new HostingError(
      "Server.InsufficientInstanceCapacity",
      `No port of ${address} is free to lead to the instance`,
    );
  }

  /** Takes it unless a program of the machine has it; else why not. */
  async #try(instance: string, port: number): Promise<string | undefined> {
    const { sockets, address } = this.#parts;
    this.#taken.set(port, instance);
    try {
      await (await sockets.listen({ host: address, port }, (socket) => socket.close())).close();
      return undefined;
    } catch (thrown) {
      this.#taken.delete(port);
      return messageOf(thrown);
    }
  }
}

/** The program that listens at a port of this machine, as far as it can be seen: "nginx, process 12". */
async function listenerAt(processes: Processes, port: number): Promise<string | undefined> {
  const command = ["ss", "-Hltnp", "sport", "=", `:${port}`];
  const { output } = await runCommand(processes, command).catch(() => ({ output: "" }));
  const [, name, pid] = /\(\("([^"]+)",pid=(\d+)/.exec(output) ?? [];
  return name === undefined ? undefined : `${name}, process ${pid},`;
}
