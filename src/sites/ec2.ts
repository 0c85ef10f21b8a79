import type {
  EC2Client,
  Filter,
  Instance,
  InstanceTypeInfo,
  RunInstancesCommandInput,
  SpotPrice,
  Tag,
} from "@aws-sdk/client-ec2";
import { CanopyError } from "#/base/errors.ts";
import type { Market, Offer } from "#/model/site.ts";
import type { Ec2Config } from "#/model/site-config.ts";
import { openClient, providerError } from "./ec2/client.ts";
import { sweepLeftovers, taggedBeside } from "./ec2/leftovers.ts";
import { OneAtATime } from "#/base/one-at-a-time.ts";
import { counted } from "#/model/units.ts";
import { urlsFor, type SiteParts } from "./parts.ts";
import type { HeldMachine, Holdings, Leftover, MachineOrder, Site } from "./site.ts";
import { bootScript } from "./user-data.ts";

type Sdk = typeof import("@aws-sdk/client-ec2");

/** How many there may be is decided for one at a time. */
const everyOrder = "";
const MiB = 2 ** 20;
/** What an agent gives to tasks when it is not told. */
const memoryShare = 0.9;
const spotRequest = "spot-instances-request" as const;
const tags = { cloud: "canopy:cloud", site: "canopy:site", order: "canopy:order" };

/** Opens a site that speaks the API of Amazon EC2. The SDK is loaded here, and nowhere else. */
export async function openEc2Site(config: Ec2Config, parts: SiteParts): Promise<Site> {
  const sdk = await import("@aws-sdk/client-ec2");
  return new Ec2Site(config, parts, sdk, await openClient(config, parts));
}

/**
 * Instances, on demand and spot. An instance is found by its tags, and, should those be missing, by the
 * token that made its creation idempotent: both carry the order's name.
 */
class Ec2Site implements Site {
  #config: Ec2Config;
  #parts: SiteParts;
  #sdk: Sdk;
  #client: EC2Client;
  #turns = new OneAtATime();
  /** They do not change. */
  #types: InstanceTypeInfo[] | undefined;

  constructor(config: Ec2Config, parts: SiteParts, sdk: Sdk, client: EC2Client) {
    this.#config = config;
    this.#parts = parts;
    this.#sdk = sdk;
    this.#client = client;
  }

  async offers(): Promise<Offer[]> {
    const { markets, machinesMax, zones = [""] } = this.#config;
    const types = await this.#describeTypes();
    const live = (await this.held()).machines.filter(({ state }) => state !== "ended").length;
    const countMax = Math.max(0, machinesMax - live);
    const spot = markets.includes("spot") ? await this.#spotPrices() : [];
    return types.flatMap((info) => [
      ...(markets.includes("on-demand")
        ? zones.map((zone) => this.#offer(info, { market: "on-demand", zone, countMax }))
        : []),
      ...spot
        .filter(({ InstanceType }) => InstanceType === info.InstanceType)
        .map(({ AvailabilityZone: zone = "", SpotPrice: price }) =>
          this.#offer(info, { market: "spot", zone, countMax, price: Number(price) }),
        ),
    ]);
  }

  #offer(
    info: InstanceTypeInfo,
    at: { market: Market; zone: string; countMax: number; price?: number },
  ): Offer {
    const { types, labels, bootMs, gramsPerKwh, priceGranularityMs, billedMsMin } = this.#config;
    const type = info.InstanceType!;
    const { market, zone, price, countMax } = at;
    const told = types.find(({ name }) => name === type)!;
    const isSpot = market === "spot";
    return {
      site: this.#parts.name,
      name: [type, market, zone].filter(Boolean).join("/"),
      capacity: {
        milliCpus: (info.VCpuInfo?.DefaultVCpus ?? 0) * 1000,
        memoryBytes: Math.floor((info.MemoryInfo?.SizeInMiB ?? 0) * MiB * memoryShare),
      },
      labels,
      market,
      zone,
      // The spot price is the provider's own; the API has none for instances on demand.
      microsPerHour: isSpot ? Math.round(price! * 1e6) : told.microsPerHour,
      priceGranularityMs,
      billedMsMin,
      idleWatts: told.idleWatts,
      peakWatts: told.peakWatts,
      pue: told.pue,
      gramsPerKwh,
      bootMs,
      interruptionsPerHour: isSpot ? this.#config.interruptionsPerHour : 0,
      countMax,
    };
  }

  acquire(order: MachineOrder): Promise<HeldMachine> {
    const make = () => this.#turns.run(everyOrder, () => this.#make(order));
    return this.#turns.run(order.name, make);
  }

  async #make(order: MachineOrder): Promise<HeldMachine> {
    const [known] = await this.#find(order.name);
    if (known) return this.#heldOf(known, order.name);
    const offers = await this.offers();
    const offer = offers.find(({ name }) => name === order.offer);
    const cannot = `Cannot make the machine of ${order.name} as`;
    const { name } = this.#parts;
    if (!offer)
      throw new CanopyError("not-found", `${cannot} '${name}' has no offer '${order.offer}'`);
    if (offer.countMax === 0) {
      const { machinesMax } = this.#config;
      throw new CanopyError(
        "no-capacity",
        `${cannot} '${name}' gives at most ${counted(machinesMax, "machine")} at once`,
      );
    }
    return this.#run(order, offer);
  }

  async #run(order: MachineOrder, offer: Offer): Promise<HeldMachine> {
    const { imageId, subnetId, securityGroupIds, keyName } = this.#config;
    const { cloudId, name } = this.#parts;
    const urls = urlsFor(this.#config, order.urls);
    const isSpot = offer.market === "spot";
    const { microsPerHour = offer.microsPerHour! } = order;
    const boot = bootScript({
      urls,
      token: order.token,
      agentArgs: agentArgsOf(offer),
      isDetached: true,
    });
    const all = { [tags.cloud]: cloudId, [tags.site]: name, [tags.order]: order.name };
    const input: RunInstancesCommandInput = {
      ImageId: imageId,
      InstanceType: offer.name.split("/")[0] as InstanceTypeInfo["InstanceType"],
      MinCount: 1,
      MaxCount: 1,
      ClientToken: this.#tokenOf(order.name),
      UserData: Buffer.from(boot).toString("base64"),
      InstanceInitiatedShutdownBehavior: "terminate",
      // What may be left behind carries them too, so that it is found.
      TagSpecifications: [
        "instance" as const,
        ...taggedBeside,
        ...(isSpot ? [spotRequest] : []),
      ].map((ResourceType) => ({
        ResourceType,
        Tags: Object.entries(all).map(([Key, Value]) => ({ Key, Value })),
      })),
      ...(offer.zone !== "" && { Placement: { AvailabilityZone: offer.zone } }),
      ...(subnetId !== undefined && { SubnetId: subnetId }),
      ...(securityGroupIds.length > 0 && { SecurityGroupIds: securityGroupIds }),
      ...(keyName !== undefined && { KeyName: keyName }),
      ...(isSpot && {
        InstanceMarketOptions: {
          MarketType: "spot",
          SpotOptions: {
            // Without it, the provider bills any price up to that on demand.
            MaxPrice: String(microsPerHour / 1e6),
            SpotInstanceType: "one-time",
            InstanceInterruptionBehavior: "terminate",
          },
        },
      }),
    };
    const made = await this.#ask(`start ${offer.name}`, () =>
      this.#client.send(new this.#sdk.RunInstancesCommand(input)),
    );
    const [instance] = made.Instances ?? [];
    if (instance) return this.#heldOf(instance, order.name);
    throw new CanopyError("unavailable", `Cannot tell what ${name} made for ${order.name}`);
  }

  async held(): Promise<Holdings> {
    const { cloudId, name } = this.#parts;
    const prefix = this.#tokenOf("");
    const tagged = await this.#describe([{ Name: `tag:${tags.cloud}`, Values: [cloudId] }]);
    const named = await this.#describe([{ Name: "client-token", Values: [`${prefix}*`] }]);
    const all = new Map([...tagged, ...named].map((one) => [one.InstanceId!, one]));
    const machines = [...all.values()].flatMap((instance) => {
      const site = tagOf(instance, tags.site);
      if (site !== undefined && site !== name) return [];
      const token = instance.ClientToken ?? "";
      const byToken = token.startsWith(prefix) ? token.slice(prefix.length) : undefined;
      const order = tagOf(instance, tags.order) ?? byToken;
      return order === undefined ? [] : [this.#heldOf(instance, order)];
    });
    return { machines, unknown: [] };
  }

  release(order: string): Promise<void> {
    return this.#turns.run(order, async () => {
      const found = await this.#find(order);
      const live = found.filter(({ State }) => !gone.has(State?.Name ?? ""));
      if (live.length === 0) return;
      const ids = live.map(({ InstanceId }) => InstanceId!);
      await this.#ask(`terminate ${ids.join(", ")}`, () =>
        this.#client.send(new this.#sdk.TerminateInstancesCommand({ InstanceIds: ids })),
      );
    });
  }

  sweep(isWanted: (order: string) => boolean): Promise<Leftover[]> {
    const { cloudId, name } = this.#parts;
    const valueOf = (all: readonly Tag[], key: string) => all.find(({ Key }) => Key === key)?.Value;
    return sweepLeftovers({
      sdk: this.#sdk,
      client: this.#client,
      ours: { Name: `tag:${tags.cloud}`, Values: [cloudId] },
      orderOf: (all) => (valueOf(all, tags.site) === name ? valueOf(all, tags.order) : undefined),
      ask: (action, ask) => this.#ask(action, ask),
      isWanted,
    });
  }

  close(): Promise<void> {
    this.#client.destroy();
    return Promise.resolve();
  }

  /** Its instances, those that live first. */
  async #find(order: string): Promise<Instance[]> {
    const { cloudId } = this.#parts;
    const tagged = await this.#describe([
      { Name: `tag:${tags.cloud}`, Values: [cloudId] },
      { Name: `tag:${tags.order}`, Values: [order] },
    ]);
    const found =
      tagged.length > 0
        ? tagged
        : await this.#describe([{ Name: "client-token", Values: [this.#tokenOf(order)] }]);
    const isEnded = (instance: Instance) => Number(stateOf(instance) === "ended");
    return found.sort((a, b) => isEnded(a) - isEnded(b));
  }

  /** At most 64 characters, as EC2 wants it. */
  #tokenOf(order: string): string {
    return `canopy-${this.#parts.cloudId}-${order}`;
  }

  async #describe(Filters: Filter[]): Promise<Instance[]> {
    const found: Instance[] = [];
    let NextToken: string | undefined;
    do {
      const page = { Filters, ...(NextToken !== undefined && { NextToken }) };
      const answer = await this.#ask("list instances", () =>
        this.#client.send(new this.#sdk.DescribeInstancesCommand(page)),
      );
      found.push(...(answer.Reservations ?? []).flatMap(({ Instances = [] }) => Instances));
      NextToken = answer.NextToken || undefined;
    } while (NextToken !== undefined);
    return found;
  }

  async #describeTypes(): Promise<InstanceTypeInfo[]> {
    if (this.#types) return this.#types;
    const names = this.#config.types.map(({ name }) => name);
    const answer = await this.#ask("look up instance types", () =>
      this.#client.send(
        new this.#sdk.DescribeInstanceTypesCommand({
          InstanceTypes: names as NonNullable<InstanceTypeInfo["InstanceType"]>[],
        }),
      ),
    );
    return (this.#types = answer.InstanceTypes ?? []);
  }

  /** The newest price of each type in each zone that we take. */
  async #spotPrices(): Promise<SpotPrice[]> {
    const { types, zones } = this.#config;
    const answer = await this.#ask("look up spot prices", () =>
      this.#client.send(
        new this.#sdk.DescribeSpotPriceHistoryCommand({
          InstanceTypes: types.map(({ name }) => name) as NonNullable<SpotPrice["InstanceType"]>[],
          ProductDescriptions: ["Linux/UNIX"],
          StartTime: new Date(this.#parts.clock.now()),
        }),
      ),
    );
    const newest = new Map<string, SpotPrice>();
    for (const price of answer.SpotPriceHistory ?? []) {
      const { InstanceType: type, AvailabilityZone: zone = "", Timestamp: at } = price;
      if (zones && !zones.includes(zone)) continue;
      const known = newest.get(`${type}/${zone}`);
      if (!known || (at ?? 0) > (known.Timestamp ?? 0)) newest.set(`${type}/${zone}`, price);
    }
    return [...newest.values()];
  }

  async #ask<T>(action: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (thrown) {
      throw providerError(thrown, action);
    }
  }

  #heldOf(instance: Instance, order: string): HeldMachine {
    const state = stateOf(instance);
    const reason = instance.StateReason?.Message ?? instance.StateTransitionReason;
    return {
      order,
      handle: instance.InstanceId!,
      state,
      since: instance.LaunchTime?.getTime(),
      ...(state === "ended" && { reason: reason || "the instance was terminated" }),
    };
  }
}

/** In a container an agent would count all that its host has. */
function agentArgsOf({ capacity, market }: Offer): string[] {
  const { milliCpus, memoryBytes } = capacity;
  const size = ["--cpus", String(milliCpus / 1000), "--memory", String(memoryBytes)];
  return market === "spot" ? [...size, "--spot"] : size;
}

/** A stopped instance still has a disk that costs. */
const gone = new Set(["terminated", "shutting-down"]);

function tagOf({ Tags = [] }: Instance, key: string): string | undefined {
  return Tags.find((tag) => tag.Key === key)?.Value;
}

/** One that shuts down is billed no more; neither is one that is stopped, but ours never start again. */
function stateOf({ State }: Instance): HeldMachine["state"] {
  if (State?.Name === "pending") return "booting";
  return State?.Name === "running" ? "running" : "ended";
}
