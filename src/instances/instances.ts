import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { ImageRecord } from "#/model/image.ts";
import type { InstanceType } from "#/model/instance-type.ts";
import type {
  InstanceMarket,
  InstancePlacement,
  InstanceRecord,
  InstanceSpec,
  MetadataOptions,
} from "#/model/instance.ts";
import { resourceId } from "#/model/resource-id.ts";
import type { SubnetRecord } from "#/model/virtual-network.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { bind, leaseOf, portabilityOf, volumesOf } from "./bind.ts";
import type { Field } from "./field.ts";
import { macOf, takeAddress, takenIn } from "./networks.ts";
import { askedBy, type PlaceAsked } from "./host.ts";
import { Hosts } from "./place.ts";
import type { portsGroup } from "./ports-group.ts";
import { countSpotUse } from "./spot-advice.ts";
import { leaversOf, makeRoom, sayRoomMade } from "./spot-room.ts";
import { requireHibernation } from "./hibernation.ts";
import { spentSoFar } from "./spent.ts";
import type { VolumeAsked, Volumes } from "./volumes.ts";

/** What is to be launched; everything that may be left out has been decided. */
export interface LaunchAsked {
  project: string;
  image: ImageRecord;
  type: InstanceType;
  /** As many as have room between these. */
  min: number;
  max: number;
  subnet: SubnetRecord;
  tunnel: number;
  groups: readonly string[];
  /** One of them that is not there yet: it is made with the instances. */
  newGroup?: ReturnType<typeof portsGroup>["draft"];
  privateIp?: string;
  hasPublicAddress: boolean;
  /** By port of the instance: the port of its machine. */
  published?: Readonly<Record<string, number>>;
  disks: readonly LaunchDisk[];
  keyName?: string;
  userData?: string;
  profile?: string;
  metadata: MetadataOptions;
  placement: InstancePlacement;
  market?: InstanceMarket;
  onShutdown: "stop" | "terminate";
  isTerminationProtected: boolean;
  isStopProtected: boolean;
  isRecovered: boolean;
  mayHibernate: boolean;
  clientToken?: string;
  /** By what it is told that a token comes with another request. */
  launchDigest: string;
  tags: Readonly<Record<string, string>>;
}

/** A volume that is made with the instance. */
export interface LaunchDisk {
  device: string;
  deletesOnTermination: boolean;
  volume: VolumeAsked;
}

/** How instances are stopped. */
interface StopAsked {
  hibernates?: boolean;
  reason?: { code: string; message: string };
}

/**
 * What may be asked of instances. Each call says what is wanted, and binds what is to run to a machine; what becomes of it is told by
 * that machine, and folded into the records by hosting.ts. All is durable when the space is.
 */
export class Instances {
  #space: Space;
  #field: Field;
  #clock: Pick<Clock, "now">;
  #random: Pick<Random, "bytes">;
  #volumes: Pick<Volumes, "draft" | "requireOpen">;

  constructor(parts: {
    space: Space;
    field: Field;
    volumes: Pick<Volumes, "draft" | "requireOpen">;
    clock: Pick<Clock, "now">;
    random: Pick<Random, "bytes">;
  }) {
    this.#space = parts.space;
    this.#field = parts.field;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#volumes = parts.volumes;
  }

  /**
   * Starts instances, as many as have room, at least `min`. Throws AwsError "InsufficientInstanceCapacity",
   * "InsufficientFreeAddressesInSubnet", "InvalidIPAddress.InUse", having changed nothing.
   */
  launch(asked: LaunchAsked): InstanceRecord[] {
    const before = this.before(asked);
    if (before.length > 0) return before;
    const hosts = new Hosts(this.#space, this.#field);
    const taken = takenIn(this.#space, asked.subnet.name);
    const reservation = resourceId("r", this.#random);
    const leavers = asked.market ? undefined : leaversOf(this.#space);
    const places: (Place & { privateIp: string })[] = [];
    for (let number = 0; number < asked.max; number++) {
      try {
        const privateIp = asked.privateIp ?? takeAddress(asked.subnet, taken);
        if (asked.privateIp !== undefined && taken.has(privateIp))
          throw new AwsError("InvalidIPAddress.InUse", 400, `Address ${privateIp} is in use.`);
        // What is only welcome takes nobody's room.
        const place = placeFor(hosts, asked, number < asked.min ? leavers : undefined);
        places.push({ ...place, privateIp });
      } catch (thrown) {
        if (number < asked.min) throw thrown;
        break;
      }
    }
    return this.#space.commit((tx) => {
      if (asked.newGroup) tx.put<"security-group">(asked.newGroup);
      return places.map((place, launchIndex) =>
        this.#make(tx, asked, { ...place, reservation, launchIndex }),
      );
    }).value;
  }

  /** What was launched by the same token. Throws "IdempotentParameterMismatch" where that asked for something else. */
  before({ project, clientToken, launchDigest }: LaunchAsked): InstanceRecord[] {
    if (clientToken === undefined) return [];
    const before = this.list(project).filter(({ spec }) => spec.clientToken === clientToken);
    if (before.every(({ spec }) => spec.launchDigest === launchDigest)) return before;
    throw new AwsError(
      "IdempotentParameterMismatch",
      400,
      "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
    );
  }

  #make(
    tx: Transaction,
    asked: LaunchAsked,
    at: Place & { privateIp: string; reservation: string; launchIndex: number },
  ): InstanceRecord {
    const { image, type, subnet, groups, hasPublicAddress, disks, project, tunnel } = asked;
    const now = this.#clock.now();
    const name = resourceId("i", this.#random);
    const { privateIp, machine, because, going, reservation, launchIndex } = at;
    const [storage] = this.#space.get("machine", machine)?.status.hosting?.storages ?? [];
    const whose = { project, instance: name, machine, storage };
    for (const disk of disks) this.#makeVolume(tx, disk, whose);
    const { keyName, userData, profile, market, clientToken, launchDigest } = asked;
    const spec: InstanceSpec = {
      launchedAt: now,
      reservation,
      launchIndex,
      image: image.name,
      type: type.name,
      kind: type.kind,
      wanted: "running",
      reboots: 0,
      network: {
        interface: resourceId("eni", this.#random),
        vpc: subnet.spec.vpc,
        subnet: subnet.name,
        privateIp,
        mac: macOf(privateIp, tunnel),
        groups,
        hasPublicAddress,
        ...(asked.published && { published: asked.published }),
      },
      metadata: asked.metadata,
      placement: asked.placement,
      onShutdown: asked.onShutdown,
      isTerminationProtected: asked.isTerminationProtected,
      isStopProtected: asked.isStopProtected,
      isRecovered: asked.isRecovered,
      tags: asked.tags,
      ...(clientToken !== undefined && { clientToken, launchDigest }),
      ...(keyName !== undefined && { keyName }),
      ...(userData !== undefined && { userData }),
      ...(profile !== undefined && { profile }),
      ...(market && { market }),
      ...(asked.mayHibernate && { mayHibernate: true as const }),
    };
    const status = {
      state: "pending" as const,
      since: now,
      machine,
      because,
      fence: 1,
      ...leaseOf({ spec }),
      ...(going && makeRoom(tx, going, now)),
    };
    if (market) countSpotUse(tx, type.name, "begun", now);
    const made = tx.put<"instance">({ kind: "instance", project, name, spec, status });
    if (going) sayRoomMade(tx, made, { machine, count: going.length, now });
    return made;
  }

  #makeVolume(
    tx: Transaction,
    { device, deletesOnTermination, volume }: LaunchDisk,
    at: { project: string; instance: string; machine: string; storage: string | undefined },
  ): void {
    const now = this.#clock.now();
    const { project, instance, machine, storage } = at;
    const { name, spec } = this.#volumes.draft(tx, volume);
    tx.put<"volume">({
      kind: "volume",
      project,
      name,
      spec,
      status: {
        state: "in-use",
        machine,
        ...(storage !== undefined && { storage }),
        attachment: { instance, device, since: now, state: "attaching", deletesOnTermination },
      },
    });
  }

  /**
   * Starts what is stopped, where its volumes are. Throws "IncorrectInstanceState", "InsufficientInstanceCapacity",
   * "InvalidKMSKey.InvalidState".
   */
  start(records: readonly InstanceRecord[]): InstanceRecord[] {
    const hosts = new Hosts(this.#space, this.#field);
    const leavers = leaversOf(this.#space);
    const places = records.map((record) => {
      const { state } = record.status;
      if (state === "pending" || state === "running") return undefined;
      if (state !== "stopped") throw wrongState(record, "started");
      for (const volume of volumesOf(this.#space, record.name)) this.#volumes.requireOpen(volume);
      return this.#placeOf(record, hosts, record.spec.market ? undefined : leavers);
    });
    const now = this.#clock.now();
    return this.#space.commit((tx) =>
      records.map((record, index) => {
        const place = places[index];
        const known = tx.get("instance", record.name);
        if (!place || !known) return record;
        const { machine, going } = place;
        const { reason: _reason, waits: _waits, ...status } = known.status;
        const { hibernates: _hibernates, ...spec } = known.spec;
        const wanted = { wanted: "running" as const, launchedAt: now };
        const starting = { ...known, spec: { ...spec, ...wanted }, status };
        if (spec.market) countSpotUse(tx, spec.type, "begun", now);
        const bound = bind(tx, starting, volumesOf(this.#space, record.name), {
          machine,
          status: { state: "pending", since: now, ...(going && makeRoom(tx, going, now)) },
        });
        if (going) sayRoomMade(tx, bound, { machine, count: going.length, now });
        return bound;
      }),
    ).value;
  }

  /** Where it was, or else where its volumes are too; one that hibernates only where its memory is. */
  #placeOf(record: InstanceRecord, hosts: Hosts, leavers: Leavers | undefined): Place {
    const { spec, status, name } = record;
    const asked = askedBy(record);
    const portability = portabilityOf(volumesOf(this.#space, name));
    const { machine } = status;
    if (machine === undefined) {
      if ("stays" in portability) throw wrongState(record, "started");
      return placeFor(hosts, { ...asked, ...portability }, leavers);
    }
    try {
      return placeFor(hosts, { ...asked, only: machine }, leavers);
    } catch (thrown) {
      const isElsewhere = "storages" in portability && portability.storages.length > 0;
      if (!isElsewhere || spec.hibernates || !(thrown instanceof AwsError)) throw thrown;
      return placeFor(hosts, { ...asked, ...portability }, leavers);
    }
  }

  /**
   * Those that hibernate keep their memory. Throws "IncorrectInstanceState", "OperationNotPermitted" for one that is protected, and
   * "UnsupportedHibernationConfiguration" for one that was not launched to hibernate.
   */
  stop(
    records: readonly InstanceRecord[],
    { hibernates = false, reason = hibernates ? userHibernated : userStopped }: StopAsked = {},
  ): InstanceRecord[] {
    return this.#put(
      records.map((record) => {
        const { spec, status } = record;
        if (status.state === "stopping" || status.state === "stopped") return record;
        if (status.state !== "pending" && status.state !== "running")
          throw wrongState(record, "stopped");
        if (spec.isStopProtected) throw isProtected(record, "disableApiStop", "stopped");
        if (hibernates) requireHibernation(record);
        return {
          ...record,
          spec: {
            ...spec,
            wanted: "stopped" as const,
            ...(hibernates && { hibernates: true as const }),
          },
          status: {
            ...status,
            ...spentSoFar(record, this.#clock.now()),
            state: "stopping" as const,
            since: this.#clock.now(),
            reason,
          },
        };
      }),
    );
  }

  /** Throws "IncorrectInstanceState" for one that does not run. */
  reboot(records: readonly InstanceRecord[]): InstanceRecord[] {
    return this.#put(
      records.map((record) => {
        const { spec, status } = record;
        if (status.state !== "pending" && status.state !== "running")
          throw wrongState(record, "rebooted");
        return { ...record, spec: { ...spec, reboots: spec.reboots + 1 } };
      }),
    );
  }

  /** Nothing of it stays but the volumes that are to outlive it. Throws "OperationNotPermitted" for one that is protected. */
  terminate(records: readonly InstanceRecord[], reason = userTerminated): InstanceRecord[] {
    return this.#put(
      records.map((record) => {
        const { spec, status } = record;
        if (status.state === "shutting-down" || status.state === "terminated") return record;
        if (spec.isTerminationProtected)
          throw isProtected(record, "disableApiTermination", "terminated");
        return {
          ...record,
          spec: { ...spec, wanted: "terminated" as const },
          status: {
            ...status,
            ...spentSoFar(record, this.#clock.now()),
            state: "shutting-down" as const,
            since: this.#clock.now(),
            reason,
          },
        };
      }),
    );
  }

  #put(records: readonly InstanceRecord[]): InstanceRecord[] {
    return this.#space.commit((tx) =>
      records.map((record) => {
        const known = tx.get("instance", record.name);
        return known?.revision === record.revision && known !== record
          ? tx.put<"instance">(record)
          : record;
      }),
    ).value;
  }

  /** Those of a project, in the order in which they were launched. */
  list(project: string): InstanceRecord[] {
    return [...this.#space.all("instance")].filter((record) => record.project === project);
  }

  /** Throws "InvalidInstanceID.NotFound", also for those of others. */
  find(project: string, names: readonly string[]): InstanceRecord[] {
    const missing = names.filter((name) => this.#space.get("instance", name)?.project !== project);
    if (missing.length === 0) return names.map((name) => this.#space.get("instance", name)!);
    const malformed = missing.find((name) => !/^i-[0-9a-f]{8,17}$/.test(name));
    if (malformed !== undefined)
      throw new AwsError(
        "InvalidInstanceID.Malformed",
        400,
        `Invalid id: "${malformed.slice(0, 100)}"`,
      );
    const [first, ...others] = missing.slice(0, limits.namedInErrorMax);
    throw new AwsError(
      "InvalidInstanceID.NotFound",
      400,
      others.length === 0
        ? `The instance ID '${first}' does not exist`
        : `The instance IDs '${[first, ...others].join(", ")}' do not exist`,
    );
  }
}

type Leavers = Map<string, readonly InstanceRecord[]>;

/** Where an instance goes; `going` are spot instances that make room for it. */
interface Place {
  machine: string;
  because: string;
  going?: readonly InstanceRecord[];
}

/** A place that is free, or else one that spot instances make. Throws "InsufficientInstanceCapacity". */
function placeFor(hosts: Hosts, asked: PlaceAsked, leavers: Leavers | undefined): Place {
  try {
    const { record, because } = hosts.take(asked);
    return { machine: record.name, because };
  } catch (thrown) {
    const place = leavers && hosts.takeFrom(asked, leavers);
    if (!place) throw thrown;
    return { ...place, because: "spot instances there make room for it" };
  }
}

const userStopped = {
  code: "Client.UserInitiatedShutdown",
  message: "Client.UserInitiatedShutdown: User initiated shutdown",
};
const userHibernated = {
  code: "Client.UserInitiatedHibernate",
  message: "Client.UserInitiatedHibernate: User initiated hibernate",
};
const userTerminated = userStopped;

function wrongState({ name, status }: InstanceRecord, done: string): AwsError {
  return new AwsError(
    "IncorrectInstanceState",
    400,
    `The instance '${name}' is not in a state from which it can be ${done}: it is ${status.state}.`,
  );
}

function isProtected({ name }: InstanceRecord, attribute: string, done: string): AwsError {
  return new AwsError(
    "OperationNotPermitted",
    400,
    `The instance '${name}' may not be ${done}. Modify its '${attribute}' instance attribute and try again.`,
  );
}
