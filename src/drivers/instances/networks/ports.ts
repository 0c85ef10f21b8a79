import { limits } from "#/base/limits.ts";
import type { FilterRule, InstanceOrder } from "#/model/hosting.ts";
import { HostingError } from "../hosting-error.ts";
import type { PreparedNetwork } from "../../instance-driver.ts";
import type { NetworksParts } from "./parts.ts";

export type Forwards = PreparedNetwork["forwards"];

const ssh = 22;
/** What is forwarded of rules that open more ports than can be. */
const usual = [ssh, 80, 443, 8080, 8443];

/** TCP ports of an instance that somebody outside may reach by rules that `counts` finds to count. */
export function openedPorts(
  { network }: InstanceOrder,
  counts: (rule: FilterRule) => boolean,
): number[] {
  const ports = new Set<number>();
  for (const rule of network.ingress) {
    if (rule.cidr === undefined || !counts(rule)) continue;
    if (rule.protocol !== "tcp" && rule.protocol !== "all") continue;
    const [from, to] = rule.protocol === "all" ? [0, 65_535] : [rule.from, rule.to];
    if (to - from < limits.forwardsMax) for (let port = from; port <= to; port++) ports.add(port);
    else for (const port of usual) if (port >= from && port <= to) ports.add(port);
  }
  return [...ports].sort((a, b) => rankOf(a) - rankOf(b)).slice(0, limits.forwardsMax);
}

const rankOf = (port: number) => (port === ssh ? -1 : port);

/** Ports of this machine that lead to instances: each instance's are the same until it is taken off its network. */
export class PortPool {
  #parts: Pick<NetworksParts, "sockets" | "random" | "address">;
  #taken = new Map<number, string>();

  constructor(parts: Pick<NetworksParts, "sockets" | "random" | "address">) {
    this.#parts = parts;
  }

  /** They lead to it already. */
  keep(instance: string, forwards: Forwards): void {
    for (const { port } of forwards) this.#taken.set(port, instance);
  }

  /** Those that it has, less what it needs no more, and new ones for what it has none for. */
  async forwardsFor(
    instance: string,
    to: readonly number[],
    before: Forwards = [],
  ): Promise<Forwards> {
    const { address } = this.#parts;
    const forwards = [];
    for (const inside of to) {
      const known = before.find((one) => one.to === inside);
      forwards.push(known ?? { address, port: await this.#take(instance), to: inside });
    }
    this.release(instance);
    this.keep(instance, forwards);
    return forwards;
  }

  release(instance: string): void {
    for (const [port, holder] of this.#taken) if (holder === instance) this.#taken.delete(port);
  }

  async #take(instance: string): Promise<number> {
    const { random, sockets, address } = this.#parts;
    for (let tries = 0; tries < limits.forwardTriesMax; tries++) {
      const [high = 0, low = 0] = random.bytes(2);
      const port = firstPort + ((high * 256 + low) % ports);
      if (this.#taken.has(port)) continue;
      this.#taken.set(port, instance);
      try {
        await (await sockets.listen({ host: address, port }, (socket) => socket.close())).close();
        return port;
      } catch {
        this.#taken.delete(port); // a program of the machine has it
      }
    }
    throw new HostingError(
      "Server.InsufficientInstanceCapacity",
      `No port of ${address} is free to lead to the instance`,
    );
  }
}

/** Below those that the kernel gives to whoever connects. */
const firstPort = 20_000;
const ports = 10_000;
