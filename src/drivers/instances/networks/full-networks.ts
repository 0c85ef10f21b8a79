import { createHash } from "node:crypto";
import { join } from "node:path";
import { sleep } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { InstanceOrder, VpcOrder } from "#/model/hosting.ts";
import type { Networks, PreparedNetwork } from "../../instance-driver.ts";
import { HostingError } from "../hosting-error.ts";
import { MetadataDoors } from "../metadata/doors.ts";
import { MetadataService } from "../metadata/service.ts";
import { machineRules } from "./machine-rules.ts";
import { NetworkNames, tapOf } from "./names.ts";
import type { NetworksParts } from "./parts.ts";
import { openedPorts, PortPool } from "./ports.ts";
import { removeLeftPlaces } from "./ready-places.ts";
import { ScriptShells } from "./script-shells.ts";
import { nftScript, VpcNetwork } from "./vpc-network.ts";
import type { Surroundings } from "./vpc-rules.ts";
import {
  isGuest,
  linkRange,
  readVpcState,
  slotsMax,
  type Member,
  type VpcState,
} from "./vpc-state.ts";

export interface FullNetworksParts extends NetworksParts {
  /** What instances may reach of what they are kept from else: the machine, and networks that it is in. CIDRs. */
  reachable: readonly string[];
}

/**
 * Networks of instances that nobody else is in. Each VPC has a network namespace on each machine that it is on, and each
 * instance an interface of its own into that: what it sends goes through the VPC's rules or nowhere. A VPC reaches the world by
 * one link to the machine and through two translations of addresses, as private addresses of two VPCs may be the same; other
 * machines by a tunnel. Of the machine itself two things are used: an nft table of our own, and forwarding on its way out.
 */
export class FullNetworks implements Networks {
  readonly type = "full";
  #parts: FullNetworksParts;
  #names: NetworkNames;
  #service: MetadataService;
  #doors: MetadataDoors;
  #ports: PortPool;
  #shells: ScriptShells;
  #runFolder: string;
  #vpcs = new Map<string, VpcNetwork>();
  #orders = new Map<string, VpcOrder>();
  #machine = "";
  #machineTurn: Promise<void> = Promise.resolve();

  constructor(parts: FullNetworksParts) {
    this.#parts = parts;
    this.#names = new NetworkNames(parts.mark);
    this.#service = new MetadataService(parts);
    this.#doors = new MetadataDoors(parts, this.#service);
    this.#ports = new PortPool(parts);
    this.#shells = new ScriptShells(parts);
    const id = createHash("sha256").update(parts.mark).digest("hex").slice(0, 16);
    this.#runFolder = `/run/canopy-networks/${id}`;
  }

  /** Finds what an earlier life of the agent has made. */
  async open(): Promise<void> {
    const { files, log } = this.#parts;
    for (const vpc of await files.list(this.#runFolder)) {
      try {
        await this.#recall(vpc);
      } catch (thrown) {
        log.error(`what was kept of the network ${vpc} cannot be read: it is made anew`, {
          error: messageOf(thrown),
        });
      }
    }
    const parts = { files, names: this.#names, shells: this.#shells };
    await removeLeftPlaces(parts).catch((thrown: unknown) => {
      log.warn("places that nobody has cannot be removed", { error: messageOf(thrown) });
    });
    // Those that need it hear why it is not there: whoever prepares it tries again.
    const again = async (vpc: VpcNetwork) =>
      await vpc.apply().catch((thrown: unknown) => {
        log.error(`the network ${vpc.state.vpc} is not as it was`, { error: messageOf(thrown) });
      });
    await Promise.all(this.#vpcs.values().map(again));
  }

  async #recall(vpc: string): Promise<void> {
    const content = await this.#parts.files.read(join(this.#runFolder, vpc, "state.json"));
    if (!content) return;
    const state = readVpcState(content);
    this.#orders.set(vpc, state.order);
    this.#vpcs.set(vpc, this.#network(state));
    for (const { instance, forwards } of Object.values(state.members))
      this.#ports.keep(instance, forwards);
  }

  async prepare(order: InstanceOrder): Promise<PreparedNetwork> {
    const { instance, metadata } = order;
    this.#service.know(instance, metadata);
    const metadataSocket = await this.#doors.open(instance);
    const member = await this.#member(order);
    const shared = { metadataSocket, forwards: reachedAt(member) };
    if (member.isGuest)
      return {
        type: "namespace",
        namespace: this.#names.namespace(order.network.vpc),
        tap: tapOf(instance),
        ...shared,
      };
    return { type: "namespace", namespace: this.#names.namespace(instance), ...shared };
  }

  async #member(order: InstanceOrder): Promise<Member> {
    const { instance, network, metadata } = order;
    const vpc = this.#vpcOf(network.vpc);
    const before = vpc.state.members[instance];
    const opened = network.hasPublicAddress ? openedPorts(order, () => true) : [];
    const member: Member = {
      instance,
      network,
      isGuest: isGuest(order),
      hopLimit: metadata.hopLimit,
      forwards: await this.#ports.forwardsFor(order, opened, before?.forwards),
    };
    const isSame = before && JSON.stringify(before) === JSON.stringify(member);
    if (isSame && vpc.has(instance)) return before;
    vpc.state.members[instance] = member;
    await vpc.apply();
    vpc.mustHave(instance);
    return member;
  }

  #vpcOf(name: string): VpcNetwork {
    const known = this.#vpcs.get(name);
    if (known) return known;
    const order = this.#orders.get(name);
    if (!order)
      throw new HostingError("Server.InternalError", `Nothing was said of the network ${name}`);
    const vpc = this.#network({ vpc: name, slot: this.#freeSlot(), order, members: {} });
    this.#vpcs.set(name, vpc);
    return vpc;
  }

  /** Those that have something here. */
  get instances(): string[] {
    return [...this.#vpcs.values()].flatMap(({ state }) => Object.keys(state.members));
  }

  #network(state: VpcState): VpcNetwork {
    return new VpcNetwork(
      {
        ...this.#parts,
        names: this.#names,
        service: this.#service,
        shells: this.#shells,
        runFolder: this.#runFolder,
        surroundings: (of) => this.#surroundings(of),
        tellMachine: () => this.#tellMachine(),
      },
      state,
    );
  }

  #freeSlot(): number {
    const taken = new Set(this.#vpcs.values().map(({ state }) => state.slot));
    // Other agents of this machine begin elsewhere.
    const first = createHash("sha256").update(this.#names.prefix).digest().readUInt32BE();
    for (let step = 0; step < slotsMax; step++) {
      const slot = (first + step) % slotsMax;
      if (!taken.has(slot)) return slot;
    }
    throw new HostingError(
      "Server.InsufficientInstanceCapacity",
      "This machine has too many networks",
    );
  }

  async know(vpcs: readonly VpcOrder[]): Promise<void> {
    const changed: VpcNetwork[] = [];
    for (const order of vpcs) {
      this.#orders.set(order.vpc, order);
      const vpc = this.#vpcs.get(order.vpc);
      if (!vpc || JSON.stringify(vpc.state.order) === JSON.stringify(order)) continue;
      vpc.state.order = order;
      changed.push(vpc);
    }
    if (changed.length === 0) return;
    // What is told of a network with a new instance is made with that instance.
    await sleep(this.#parts.clock, limits.networkNewsMs);
    await Promise.all(changed.filter(({ isEmpty }) => !isEmpty).map((vpc) => vpc.apply()));
  }

  async remove(instance: string): Promise<void> {
    this.#service.forget(instance);
    await this.#doors.close(instance);
    this.#ports.release(instance);
    for (const [name, vpc] of this.#vpcs) {
      const member = vpc.state.members[instance];
      if (!member) continue;
      await vpc.remove(member);
      if (vpc.isEmpty) {
        this.#vpcs.delete(name);
        await vpc.raze();
        await this.#tellMachine();
        if (this.#vpcs.size === 0) await this.#parts.files.remove(this.#runFolder);
      } else await vpc.apply();
    }
  }

  async close(): Promise<void> {
    await this.#doors.closeAll();
    await Promise.all(this.#vpcs.values().map((vpc) => vpc.close()));
    this.#shells.close();
  }

  /** What instances are kept from: this machine and the networks that it is in, and machines that others are on. */
  #surroundings({ order }: VpcState): Surroundings {
    const { prefix } = this.#names;
    const { interfaces } = this.#parts.processes.facts();
    const near = interfaces.flatMap(({ name, cidr }) => (name.startsWith(prefix) ? [] : [cidr]));
    const closed = [...always, ...near, ...Object.values(order.peers)];
    return { closed: [...new Set(closed)].sort(), open: this.#parts.reachable };
  }

  #tellMachine(): Promise<void> {
    const tell = async () => {
      const states = [...this.#vpcs.values()].map(({ state }) => state);
      const { address, reachable: open } = this.#parts;
      const rules =
        states.length === 0
          ? `table inet ${this.#names.table}\ndelete table inet ${this.#names.table}\n`
          : machineRules(this.#names, states, { address, open });
      if (rules === this.#machine) return;
      await this.#shells.run(nftScript(rules));
      this.#machine = rules;
    };
    this.#machineTurn = this.#machineTurn.catch(() => {}).then(tell);
    return this.#machineTurn;
  }
}

/** Nobody's, everybody's, this machine's own, and ours. */
const always = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", linkRange];

/** An address of its own comes before ports of the machine's. */
function reachedAt({ network, forwards }: Member): PreparedNetwork["forwards"] {
  const { elasticIp } = network;
  if (elasticIp === undefined) return forwards;
  return forwards.map(({ to }) => ({ address: elasticIp, port: to, to }));
}
