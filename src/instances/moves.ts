import type { Clock } from "#/base/clock.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import { resourceId } from "#/model/resource-id.ts";
import type { Space } from "#/space/space.ts";
import { volumesOf } from "./bind.ts";
import { decide } from "./decisions.ts";
import type { Field } from "./field.ts";
import { askedBy } from "./host.ts";
import { sealedForMove } from "./order-means.ts";
import { Hosts } from "./place.ts";

interface MoveParts {
  space: Space;
  field: Field;
  sealer: { seal(plain: string, about: string): string };
  clock: Pick<Clock, "now">;
  random: Pick<Random, "bytes">;
}

/** Sends instances to other machines while they run. How that ends is told by those machines: see fold-move.ts. */
export class Moves {
  #parts: MoveParts;

  constructor(parts: MoveParts) {
    this.#parts = parts;
  }

  /**
   * Sends one to that machine, or to the one with the most room. Throws "IncorrectInstanceState", "UnsupportedOperation" for a kind that
   * cannot, "InsufficientInstanceCapacity".
   */
  begin(record: InstanceRecord, why: string, only?: string): InstanceRecord {
    const { space, field, sealer, clock, random } = this.#parts;
    const { spec, status, name } = record;
    const { machine } = status;
    if (machine === undefined || status.state !== "running" || status.move)
      throw new AwsError(
        "IncorrectInstanceState",
        400,
        `The instance '${name}' cannot be moved as it ${status.move ? "moves already" : `is ${status.state}`}.`,
      );
    if (spec.kind !== "vm" && spec.kind !== "microvm")
      throw unsupported(name, `a ${spec.kind} cannot be moved while it runs; stop and start it`);
    const volumes = volumesOf(space, name);
    const storages = new Set(volumes.flatMap(({ status: { storage } }) => storage ?? []));
    const sharesStorage = volumes.every((volume) => volume.status.storage !== undefined);
    if (!sharesStorage && storages.size > 0)
      throw unsupported(name, "some of its volumes are on shared storage, and others are not");
    const { record: to } = new Hosts(space, field).take({
      ...askedBy(record),
      not: machine,
      storages: [...storages],
      ...(only !== undefined && { only }),
    });
    const now = clock.now();
    const migration = resourceId("mig", random);
    const key = Buffer.from(random.bytes(32)).toString("base64");
    const move = {
      migration,
      to: to.name,
      since: now,
      sealedKey: sealer.seal(key, sealedForMove(migration)),
      sharesStorage,
    };
    return space.commit((tx) => {
      for (const volume of volumes) {
        const { left = [], ...kept } = volume.status;
        if (!left.includes(to.name)) continue;
        const others = left.filter((one) => one !== to.name);
        const put = { ...kept, ...(others.length > 0 && { left: others }) };
        tx.put<"volume">({ ...volume, status: put });
      }
      decide(tx, record, {
        at: now,
        action: "move",
        subject: to.name,
        what: `began to move it to ${to.name}`,
        why: [why],
      });
      return tx.put<"instance">({ ...record, status: { ...status, move } });
    }).value;
  }
}

const unsupported = (name: string, why: string) =>
  new AwsError("UnsupportedOperation", 400, `The instance '${name}' cannot be moved: ${why}.`);
