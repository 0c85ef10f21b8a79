import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { SnapshotReport } from "#/model/hosting.ts";
import {
  sourceOf,
  type ImageDisk,
  type ImageRecord,
  type ImageSource,
  type ImageSpec,
} from "#/model/image.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { SnapshotRecord } from "#/model/volume.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { disksOf } from "./disks.ts";
import type { Volumes } from "./volumes.ts";

/** What is to be in an image of an instance, and how it is made. */
export interface InstanceImageAsked {
  /** Devices whose volumes are not to be in it. */
  leftOut?: readonly string[];
  /** It goes on while its files are read. */
  noReboot?: boolean;
}

type Made = Pick<ImageSpec, "architecture" | "kinds" | "source" | "noReboot"> & {
  state: "pending" | "available";
};

type FilesReport = Pick<SnapshotReport, "snapshot" | "state" | "layers" | "reason">;

interface Parts {
  space: Pick<Space, "get" | "all">;
  volumes: Pick<Volumes, "snapshotIn">;
}

/**
 * What an image of an instance is to be. Throws "IncorrectInstanceState", and "InvalidParameterValue" for one that keeps nothing of what
 * it does, or is of as many layers as may be.
 */
export function plannedImage({ space }: Parts, instance: InstanceRecord): ImageRecord {
  const { name, spec, status } = instance;
  if (status.state !== "running" && status.state !== "stopped")
    throw new AwsError(
      "IncorrectInstanceState",
      400,
      `Instance is not in state 'running' or 'stopped': '${name}' is ${status.state}`,
    );
  const origin = space.get("image", spec.image);
  const source = origin && sourceOf(origin);
  if (!source || source.type === "unikernel") throw keepsNothing(name, source?.type ?? "gone");
  if (source.type === "disk") return origin;
  if (spec.kind !== "container" && spec.kind !== "system") throw keepsNothing(name, "in memory");
  if (source.layers.length >= limits.imageLayersMax)
    throw new AwsError(
      "InvalidParameterValue",
      400,
      `An image may have ${limits.imageLayersMax} layers: the image of '${name}' has as many, and what it has changed would be one more`,
    );
  return origin;
}

/** Asks the machine of an instance for what it holds at this moment. */
export function askForImage(
  tx: Transaction,
  { space, volumes }: Parts,
  of: { instance: InstanceRecord; origin: ImageRecord; asked: InstanceImageAsked },
): Made {
  const { instance, origin, asked } = of;
  const { architecture, kinds } = origin.spec;
  const source = sourceOf(origin);
  if (source.type !== "disk")
    return {
      architecture,
      kinds,
      source,
      state: "pending",
      ...(asked.noReboot && { noReboot: true }),
    };
  const own = disksOf(space, instance).filter(
    ({ status: { attachment } }) => !asked.leftOut?.includes(attachment!.device),
  );
  const disks = own.map((volume): ImageDisk => {
    const { device, deletesOnTermination } = volume.status.attachment!;
    const description = `Created for an image of ${instance.name}`;
    const said = { description, isOfImage: true as const, tags: {} };
    const snapshot = volumes.snapshotIn(tx, volume, said);
    const { sizeBytes } = volume.spec;
    return { device, snapshot: snapshot.name, sizeBytes, deletesOnTermination };
  });
  const isDone = disks.every(
    ({ snapshot }) => tx.get("snapshot", snapshot)?.status.state === "completed",
  );
  const whole: ImageSource = { type: "disk", disks, ...(source.boot && { boot: source.boot }) };
  return { architecture, kinds, source: whole, state: isDone ? "available" : "pending" };
}

/** Is the image that waits for this snapshot to be done. */
export function afterSnapshot(
  tx: Transaction,
  space: Pick<Space, "all">,
  { name, status }: SnapshotRecord,
): void {
  if (status.state === "pending") return;
  for (const image of space.all("image")) {
    if (image.status.state !== "pending") continue;
    const names = snapshotsOf(image.spec.source);
    if (!names.includes(name)) continue;
    const states = names.map((one) => tx.get("snapshot", one)?.status.state ?? "error");
    if (states.includes("error")) fail(tx, image, `The snapshot ${name} could not be taken`);
    else if (!states.includes("pending"))
      tx.put<"image">({ ...image, status: { state: "available" } });
  }
}

/** Takes what the machine of an instance says of the files that it was to keep for an image. */
export function foldFiles(tx: Transaction, said: { machine: string; report: FilesReport }): void {
  const { machine, report } = said;
  const image = tx.get("image", report.snapshot);
  const instance = image && tx.get("instance", image.spec.madeOf ?? "");
  if (image?.status.state !== "pending" || instance?.status.machine !== machine) return;
  const { state, layers, reason = "its files could not be kept" } = report;
  if (state === "failed") return fail(tx, image, reason);
  if (state === "done" && layers)
    tx.put<"image">({ ...image, status: { state: "available", layers } });
}

/** Images fail whose instance was terminated before its files were kept. */
export function failForsakenImages({ space }: { space: Space }): void {
  const forsaken = [...space.all("image")].filter(({ spec, status }) => {
    if (status.state !== "pending" || spec.source.type !== "files") return false;
    const instance = space.get("instance", spec.madeOf ?? "");
    return instance?.status.machine === undefined || instance.spec.wanted === "terminated";
  });
  if (forsaken.length === 0) return;
  space.commit((tx) => {
    for (const { name, spec } of forsaken) {
      const image = tx.get("image", name);
      if (image) fail(tx, image, `${spec.madeOf} ended before its files were kept`);
    }
  });
}

export const snapshotsOf = (source: ImageSource): string[] =>
  source.type === "disk" ? source.disks.map(({ snapshot }) => snapshot) : [];

const fail = (tx: Transaction, image: ImageRecord, reason: string): void =>
  void tx.put<"image">({ ...image, status: { state: "failed", reason } });

const keepsNothing = (name: string, root: string) =>
  new AwsError(
    "InvalidParameterValue",
    400,
    `An image can be made of an instance whose root is a volume, or the files of a container: the root of '${name}' is ${root}`,
  );
