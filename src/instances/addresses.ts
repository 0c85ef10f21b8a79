import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import { addressesOf, addressText, parseCidr, type Cidr } from "#/model/cidr.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import { resourceId } from "#/model/resource-id.ts";
import type { AddressRecord } from "#/model/virtual-network.ts";
import type { Space } from "#/space/space.ts";

/** Addresses of a project's own, from those that this cloud may give away. */
export class Addresses {
  #space: Space;
  #clock: Pick<Clock, "now">;
  #random: Pick<Random, "bytes">;
  #pool: Cidr | undefined;

  constructor(parts: {
    space: Space;
    clock: Pick<Clock, "now">;
    random: Pick<Random, "bytes">;
    addressPool?: string | undefined;
  }) {
    this.#space = parts.space;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#pool = parts.addressPool === undefined ? undefined : parseCidr(parts.addressPool);
  }

  /** Throws "UnsupportedOperation" where there is no pool, "InsufficientAddressCapacity" where it is used up, "AddressLimitExceeded". */
  allocate(project: string, tags: Record<string, string> = {}): AddressRecord {
    if (!this.#pool)
      throw new AwsError(
        "UnsupportedOperation",
        400,
        "This cloud has no addresses to give away: instances are reached at ports of their machines, which DescribeInstances and `canopy instances` tell. Its operator may name addresses that lead to its machines (CANOPY_ADDRESS_POOL).",
      );
    if (this.list(project).length >= limits.addressesMax)
      throw new AwsError(
        "AddressLimitExceeded",
        400,
        "The maximum number of addresses has been reached.",
      );
    const taken = new Set([...this.#space.all("address")].map(({ spec }) => spec.publicIp));
    const { first } = this.#pool;
    const size = addressesOf(this.#pool);
    // The first and the last of a range are its network's own, but of ranges too small to have them.
    const [from, to] = size > 2 ? [first + 1, first + size - 2] : [first, first + size - 1];
    for (let address = from; address <= to; address++) {
      const publicIp = addressText(address);
      if (taken.has(publicIp)) continue;
      const spec = { createdAt: this.#clock.now(), publicIp, tags };
      const name = resourceId("eipalloc", this.#random);
      return this.#space.commit((tx) =>
        tx.put<"address">({ kind: "address", project, name, spec, status: {} }),
      ).value;
    }
    throw new AwsError(
      "InsufficientAddressCapacity",
      500,
      "All addresses that this cloud may give away are taken.",
    );
  }

  /** Throws "InvalidIPAddress.InUse" while an instance has it. */
  release(address: AddressRecord): void {
    if (this.holderOf(address) !== undefined)
      throw new AwsError(
        "InvalidIPAddress.InUse",
        400,
        `Address ${address.spec.publicIp} is in use.`,
      );
    this.#space.commit((tx) => tx.delete("address", address.name));
  }

  /** Gives its association. Throws "Resource.AlreadyAssociated" where another has it and `takes` is not said. */
  associate(address: AddressRecord, instance: InstanceRecord, takes = false): string {
    const { name, status } = address;
    const holder = this.holderOf(address);
    if (holder === instance.name) return status.association!;
    if (holder !== undefined && !takes)
      throw new AwsError(
        "Resource.AlreadyAssociated",
        400,
        `resource ${name} is already associated with associate-id ${status.association}`,
      );
    const { state } = instance.status;
    if (state === "shutting-down" || state === "terminated")
      throw new AwsError(
        "IncorrectInstanceState",
        400,
        `The instance '${instance.name}' is ${state}: it can have no address.`,
      );
    const association = resourceId("eipassoc", this.#random);
    this.#space.commit((tx) => {
      for (const other of this.list(address.project))
        if (other.status.instance === instance.name)
          tx.put<"address">({ ...tx.get("address", other.name)!, status: {} });
      tx.put<"address">({
        ...tx.get("address", name)!,
        status: { instance: instance.name, association },
      });
    });
    return association;
  }

  disassociate({ name }: AddressRecord): void {
    this.#space.commit((tx) => tx.put<"address">({ ...tx.get("address", name)!, status: {} }));
  }

  change({ name }: AddressRecord, tags: Record<string, string>): AddressRecord {
    return this.#space.commit((tx) => {
      const record = tx.get("address", name)!;
      return tx.put<"address">({ ...record, spec: { ...record.spec, tags } });
    }).value;
  }

  /** The instance that has it: one that is terminated has none any more. */
  holderOf({ status }: AddressRecord): string | undefined {
    if (status.instance === undefined) return undefined;
    const instance = this.#space.get("instance", status.instance);
    return instance && instance.status.state !== "terminated" ? instance.name : undefined;
  }

  list(project: string): AddressRecord[] {
    return [...this.#space.all("address")].filter((address) => address.project === project);
  }

  /** Throws "InvalidAllocationID.NotFound", also for that of another. */
  find(project: string, name: string): AddressRecord {
    const found = this.#space.get("address", name);
    if (found?.project === project) return found;
    throw new AwsError(
      "InvalidAllocationID.NotFound",
      400,
      `The allocation ID '${name.slice(0, 100)}' does not exist`,
    );
  }

  /** Throws "InvalidAddress.NotFound". */
  findByAddress(project: string, publicIp: string): AddressRecord {
    const found = this.list(project).find(({ spec }) => spec.publicIp === publicIp);
    if (found) return found;
    throw new AwsError(
      "InvalidAddress.NotFound",
      400,
      `Address '${publicIp.slice(0, 100)}' not found.`,
    );
  }

  /** Throws "InvalidAssociationID.NotFound". */
  findByAssociation(project: string, association: string): AddressRecord {
    const found = this.list(project).find(({ status }) => status.association === association);
    if (found && this.holderOf(found) !== undefined) return found;
    throw new AwsError(
      "InvalidAssociationID.NotFound",
      400,
      `The association ID '${association.slice(0, 100)}' does not exist`,
    );
  }
}
