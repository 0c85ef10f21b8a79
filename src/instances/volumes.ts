import type { Clock } from "#/base/clock.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import { bareDeviceName } from "#/model/device-name.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import { kmsKeyArn } from "#/model/kms.ts";
import { region } from "#/model/region.ts";
import { resourceId } from "#/model/resource-id.ts";
import type {
  SnapshotRecord,
  SnapshotSpec,
  VolumeOrigin,
  VolumeRecord,
  VolumeSpec,
} from "#/model/volume.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { volumesOf } from "./bind.ts";
import { requireDevice, rootDeviceOf } from "./disks.ts";
import { requireAwake } from "./hibernation.ts";
import type { VolumeKeys } from "./volume-keys.ts";
import { volumeTypeFacts } from "./volume-types.ts";

/** What is asked of a new volume; everything that may be left out has been decided. */
export type VolumeAsked = Pick<VolumeSpec, "type" | "isEncrypted" | "zone" | "tags"> &
  Partial<Pick<VolumeSpec, "iops" | "bytesPerSecond" | "clientToken">> & {
    /** The ARN of a key of the key service, or `ownKeyAlias`; that of its snapshot when absent. */
    kmsKeyId?: string;
    /** Of a snapshot that is as large when absent. */
    sizeBytes?: number;
    snapshot?: SnapshotRecord;
  };

const GiB = 2 ** 30;

/**
 * What may be asked of volumes and snapshots. Each call says what is wanted; the machine that has a volume does it, and tells.
 * All is durable when the space is.
 */
export class Volumes {
  #space: Space;
  #clock: Pick<Clock, "now">;
  #random: Pick<Random, "bytes">;
  #keys: VolumeKeys;

  constructor(parts: {
    space: Space;
    clock: Pick<Clock, "now">;
    random: Pick<Random, "bytes">;
    keys: VolumeKeys;
  }) {
    this.#space = parts.space;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#keys = parts.keys;
  }

  /** A new volume, which is nowhere until it is attached. Throws "InvalidParameterValue" as EC2 has it. */
  create(project: string, asked: VolumeAsked): VolumeRecord {
    return this.#space.commit((tx) => this.createIn(tx, project, asked)).value;
  }

  /** The same, as a part of more. */
  createIn(tx: Transaction, project: string, asked: VolumeAsked): VolumeRecord {
    const { name, spec } = this.draft(tx, asked);
    const status = { state: "available" as const };
    return tx.put<"volume">({ kind: "volume", project, name, spec, status });
  }

  /** A volume or a snapshot, of anybody, that cannot be read without a key of a project's. */
  sealedBy(project: string): VolumeRecord | SnapshotRecord | undefined {
    const isIts = (sealed: string | undefined) => this.#keys.sealing(sealed)?.project === project;
    const volumes = this.#space.all("volume");
    return (
      [...volumes].find(({ spec }) => isIts(spec.sealedKey) || isIts(spec.origin?.sealedKey)) ??
      [...this.#space.all("snapshot")].find(({ spec }) => isIts(spec.sealedKey))
    );
  }

  /** Throws "InvalidKMSKey.InvalidState" for a volume of which the key may not be used now: nothing may begin to use it. */
  requireOpen({ spec }: VolumeRecord): void {
    this.#keys.requireOpen(spec.sealedKey);
  }

  /** The name and the spec of a new volume: its size and speed as its type allows, its key sealed. */
  draft(tx: Transaction, asked: VolumeAsked): { name: string; spec: VolumeSpec } {
    const { snapshot, sizeBytes = snapshot?.spec.sizeBytes, kmsKeyId, ...given } = asked;
    if (sizeBytes === undefined)
      throw new AwsError(
        "MissingParameter",
        400,
        "The request must contain the parameter size/snapshot",
      );
    requireSound({ ...given, sizeBytes });
    if (snapshot && sizeBytes < snapshot.spec.sizeBytes)
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `Volume of ${sizeBytes / GiB}GiB is smaller than snapshot '${snapshot.name}', expect size >= ${snapshot.spec.sizeBytes / GiB}GiB`,
      );
    if (snapshot && snapshot.status.state !== "completed")
      throw new AwsError(
        "IncorrectState",
        400,
        `Snapshot '${snapshot.name}' is ${snapshot.status.state}`,
      );
    const name = resourceId("vol", this.#random);
    const isEncrypted = given.isEncrypted || snapshot?.spec.isEncrypted === true;
    const before = this.#keys.requireOpen(snapshot?.spec.sealedKey);
    const kmsKey = kmsKeyId === undefined ? before : this.#keys.named(kmsKeyId);
    const key = Buffer.from(this.#random.bytes(32)).toString("base64");
    return {
      name,
      spec: {
        ...given,
        createdAt: this.#clock.now(),
        sizeBytes,
        isEncrypted,
        ...(isEncrypted && { sealedKey: this.#keys.seal(tx, key, name, kmsKey) }),
        ...(isEncrypted && kmsKey && { kmsKeyId: kmsKeyArn(kmsKey.spec, region) }),
        ...(snapshot && { snapshot: snapshot.name, ...originOf(snapshot) }),
      },
    };
  }

  /**
   * Gives a volume to an instance. Throws "VolumeInUse", "IncorrectState", "IncorrectInstanceState", "InvalidKMSKey.InvalidState",
   * "InvalidVolume.ZoneMismatch" where it is on another machine, "InvalidParameterValue" for a device that is taken or is none.
   */
  attach(volume: VolumeRecord, instance: InstanceRecord, device: string): VolumeRecord {
    const { status } = volume;
    requireDevice(device);
    this.requireOpen(volume);
    if (status.attachment)
      throw new AwsError("VolumeInUse", 400, `${volume.name} is already attached to an instance`);
    if (status.state !== "available")
      throw new AwsError("IncorrectState", 400, `The volume '${volume.name}' is not 'available'.`);
    const { state, machine } = instance.status;
    if (state !== "running" && state !== "stopped" && state !== "pending")
      throw new AwsError(
        "IncorrectInstanceState",
        400,
        `The instance '${instance.name}' is ${state}: nothing can be attached to it.`,
      );
    requireAwake(instance, "a volume can be attached");
    if (status.machine !== undefined && status.machine !== machine && status.storage === undefined)
      throw new AwsError(
        "InvalidVolume.ZoneMismatch",
        400,
        `The volume '${volume.name}' is on another machine than '${instance.name}': take a snapshot of it, and make a volume of that.`,
      );
    for (const { status: other } of volumesOf(this.#space, instance.name))
      if (bareDeviceName(other.attachment!.device) === bareDeviceName(device))
        throw new AwsError(
          "InvalidParameterValue",
          400,
          `Invalid value '${device}' for unixDevice. Attachment point ${device} is already in use`,
        );
    const attachment = {
      instance: instance.name,
      device,
      since: this.#clock.now(),
      state: "attaching" as const,
      deletesOnTermination: false,
    };
    const isNew = status.machine === undefined && machine !== undefined;
    const hosting = isNew ? this.#space.get("machine", machine)?.status.hosting : undefined;
    const [storage] = hosting?.storages ?? [];
    return this.#change(volume, {
      ...status,
      state: "in-use",
      attachment,
      ...(machine !== undefined && { machine }),
      ...(storage !== undefined && { storage }),
    });
  }

  /** Takes it back. Throws "IncorrectState" for one that no instance has, "OperationNotPermitted" for what one runs from. */
  detach(volume: VolumeRecord): VolumeRecord {
    const { attachment } = volume.status;
    if (!attachment)
      throw new AwsError(
        "IncorrectState",
        400,
        `Volume '${volume.name}' is in the 'available' state.`,
      );
    const holder = this.#space.get("instance", attachment.instance);
    if (holder) requireAwake(holder, `'${volume.name}' can be detached`);
    if (attachment.state === "detaching") return volume;
    const instance = this.#space.get("instance", attachment.instance);
    if (instance?.status.state === "stopped") {
      const { attachment: _gone, ...status } = volume.status;
      return this.#change(volume, { ...status, state: "available" });
    }
    const image = instance && this.#space.get("image", instance.spec.image);
    if (attachment.device === rootDeviceOf(image))
      throw new AwsError(
        "OperationNotPermitted",
        400,
        `Unable to detach root volume '${volume.name}' from instance '${attachment.instance}'`,
      );
    return this.#change(volume, {
      ...volume.status,
      attachment: { ...attachment, state: "detaching" },
    });
  }

  /** Throws "VolumeInUse". */
  delete(volume: VolumeRecord): void {
    const { status, spec, name } = volume;
    if (status.attachment)
      throw new AwsError(
        "VolumeInUse",
        400,
        `Volume ${name} is currently attached to ${status.attachment.instance}`,
      );
    this.#space.commit((tx) => {
      if (status.machine === undefined) return tx.delete("volume", name);
      const next = { ...volume, spec: { ...spec, isUnwanted: true as const } };
      tx.put<"volume">({ ...next, status: { ...status, state: "deleting" } });
    });
  }

  /** Makes it larger, or another type, also while it is in use. Throws "InvalidParameterValue" for one that would be smaller. */
  modify(
    volume: VolumeRecord,
    asked: Partial<Pick<VolumeSpec, "sizeBytes" | "type" | "iops" | "bytesPerSecond">>,
  ): VolumeRecord {
    const { iops: _iops, bytesPerSecond: _rate, ...kept } = volume.spec;
    const isSameType = (asked.type ?? kept.type) === kept.type;
    const spec = { ...(isSameType ? volume.spec : kept), ...asked };
    if (spec.sizeBytes < volume.spec.sizeBytes)
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `New size cannot be smaller than existing size`,
      );
    requireSound(spec);
    const { sizeBytes, type, iops, bytesPerSecond } = volume.spec;
    const modified = {
      at: this.#clock.now(),
      from: {
        sizeBytes,
        type,
        ...(iops !== undefined && { iops }),
        ...(bytesPerSecond !== undefined && { bytesPerSecond }),
      },
    };
    const next = { ...volume, spec: { ...spec, modified } };
    return this.#space.commit((tx) => tx.put<"volume">(next)).value;
  }

  /** Keeps what a volume holds at this moment. One that is nowhere yet holds what it was made of. */
  snapshot(
    volume: VolumeRecord,
    asked: { description: string; tags: Readonly<Record<string, string>> },
  ): SnapshotRecord {
    this.requireOpen(volume);
    return this.#space.commit((tx) => this.snapshotIn(tx, volume, asked)).value;
  }

  /** The same, as a part of more. */
  snapshotIn(
    tx: Transaction,
    volume: VolumeRecord,
    asked: Pick<SnapshotSpec, "description" | "isOfImage" | "tags">,
  ): SnapshotRecord {
    const { spec, status, project } = volume;
    const isNowhere = status.machine === undefined;
    const { sizeBytes, isEncrypted, origin } = spec;
    // What is nowhere yet is as sealed as what it was made of.
    const { manifest, sealedKey, sealedFor }: Partial<VolumeOrigin> = isNowhere
      ? (origin ?? {})
      : { sealedKey: spec.sealedKey, sealedFor: volume.name };
    const kmsKey = this.#keys.sealing(sealedKey);
    const kmsKeyId = kmsKey ? kmsKeyArn(kmsKey.spec, region) : spec.kmsKeyId;
    return tx.put<"snapshot">({
      kind: "snapshot",
      project,
      name: resourceId("snap", this.#random),
      spec: {
        ...asked,
        createdAt: this.#clock.now(),
        volume: volume.name,
        sizeBytes,
        isEncrypted,
        ...(kmsKeyId !== undefined && { kmsKeyId }),
        ...(sealedKey !== undefined && { sealedKey, sealedFor }),
      },
      status: isNowhere
        ? {
            state: "completed",
            progress: 100,
            newBytes: 0,
            ...(manifest !== undefined && { manifest }),
          }
        : { state: "pending", progress: 0 },
    });
  }

  #change(volume: VolumeRecord, status: VolumeRecord["status"]): VolumeRecord {
    return this.#space.commit((tx) => tx.put<"volume">({ ...volume, status })).value;
  }

  /** Throws "InvalidVolume.NotFound", also for those of others. */
  find(project: string, name: string): VolumeRecord {
    const found = this.#space.get("volume", name);
    if (found?.project === project) return found;
    if (!/^vol-[0-9a-f]{8,17}$/.test(name))
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `Value (${name.slice(0, 100)}) for parameter volumeId is invalid. Expected: 'vol-...'.`,
      );
    throw new AwsError("InvalidVolume.NotFound", 400, `The volume '${name}' does not exist.`);
  }

  /** Throws "InvalidSnapshot.NotFound", also for those of others. */
  findSnapshot(project: string, name: string): SnapshotRecord {
    const found = this.#space.get("snapshot", name);
    if (found?.project === project) return found;
    if (!/^snap-[0-9a-f]{8,17}$/.test(name))
      throw new AwsError(
        "InvalidSnapshotID.Malformed",
        400,
        `Invalid id: "${name.slice(0, 100)}" (expecting "snap-...")`,
      );
    throw new AwsError("InvalidSnapshot.NotFound", 400, `The snapshot '${name}' does not exist.`);
  }
}

function originOf({ project, spec, status }: SnapshotRecord): Pick<VolumeSpec, "origin"> {
  const { manifest } = status;
  if (manifest === undefined) return {};
  const { sealedKey, sealedFor } = spec;
  return {
    origin: { manifest, project, ...(sealedKey !== undefined && { sealedKey, sealedFor }) },
  };
}

/** Throws "InvalidParameterValue" for a size or a speed that its type does not have. */
function requireSound({
  type,
  sizeBytes,
  iops,
  bytesPerSecond,
}: Pick<VolumeSpec, "type" | "sizeBytes"> &
  Partial<Pick<VolumeSpec, "iops" | "bytesPerSecond">>): void {
  const facts = volumeTypeFacts[type];
  const sizeGiB = sizeBytes / GiB;
  const refuse = (message: string) => {
    throw new AwsError("InvalidParameterValue", 400, message);
  };
  if (sizeGiB < facts.sizeGiB.min || sizeGiB > facts.sizeGiB.max)
    refuse(
      `Invalid value '${sizeGiB}' for '${type}' volume size: it must be between ${facts.sizeGiB.min} and ${facts.sizeGiB.max} GiB.`,
    );
  if (iops !== undefined) {
    if (!facts.iops)
      throw new AwsError(
        "InvalidParameterCombination",
        400,
        `The parameter iops is not supported for ${type} volumes.`,
      );
    const max = Math.min(facts.iops.max, Math.max(facts.iops.min, facts.iops.perGiB * sizeGiB));
    if (iops < facts.iops.min || iops > max)
      refuse(
        `Volume iops of ${iops} is not allowed: it must be between ${facts.iops.min} and ${max}.`,
      );
  } else if (type === "io1" || type === "io2")
    throw new AwsError("MissingParameter", 400, "The request must contain the parameter iops");
  if (bytesPerSecond !== undefined && bytesPerSecond > facts.bytesPerSecondMax)
    refuse(`Throughput of ${bytesPerSecond} bytes per second is too high for ${type} volumes.`);
}
