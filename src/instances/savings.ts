import { limits } from "#/base/limits.ts";
import { listMicrosPerHour } from "#/model/instance-price.ts";
import { instanceTypes } from "#/model/instance-type.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import { keepTag, type Saving } from "#/model/saving.ts";
import { formatMicros, hourMs } from "#/model/units.ts";
import type { SnapshotRecord, VolumeRecord, VolumeType } from "#/model/volume.ts";
import type { Space } from "#/space/space.ts";
import { isAny, neededSnapshots, orphansOf, wordsOf, type OrphanedData } from "./orphans.ts";
import { idleAt } from "./use.ts";

const GiB = 2 ** 30;
const dayMs = 24 * 60 * 60_000;
const hoursPerMonth = 730;

/** Millionths of the currency for a GiB a month, about what AWS asks. */
const microsPerGiBMonth: Record<VolumeType, number> = {
  gp2: 100_000,
  gp3: 80_000,
  io1: 125_000,
  io2: 125_000,
  st1: 45_000,
  sc1: 25_000,
  standard: 50_000,
};
const snapshotMicrosPerGiBMonth = 50_000;

/** From when on it is said. */
const ages = {
  volumeMs: dayMs,
  snapshotMs: 30 * dayMs,
  orphanMs: 7 * dayMs,
  stoppedMs: 7 * dayMs,
  requestMs: 7 * dayMs,
  onDemandMs: 7 * dayMs,
};

/** What a project could save, the most money first: a pure function of its records. */
export function savingsOf(
  space: Pick<Space, "all" | "get">,
  { project, now }: { project: string; now: number },
): Saving[] {
  const own = <One extends { project: string; spec: { tags: Record<string, unknown> } }>(
    all: Iterable<One>,
  ) => [...all].filter((one) => one.project === project && !(keepTag in one.spec.tags));
  const volumes = own(space.all("volume"));
  const orphans = orphansOf(space, project);
  const ofOrphans = new Set(orphans.flatMap(({ snapshots }) => snapshots.map(({ name }) => name)));
  const snapshots = own(space.all("snapshot")).filter(({ name }) => !ofOrphans.has(name));
  return [
    ...volumes.flatMap((volume) => unattached(volume, now)),
    ...staleSnapshots(snapshots, space, now),
    ...orphans.flatMap((orphan) => orphaned(orphan, now)),
    ...own(space.all("instance")).flatMap((record) => {
      const idle = idleInstance(record, now);
      if (idle) return idle;
      const { name, spec, status } = record;
      const sinceMs = now - status.since;
      const held = volumes.filter((one) => one.status.attachment?.instance === name);
      const microsPerMonth = held.reduce((sum, volume) => sum + costOf(volume), 0);
      if (status.state === "stopped" && sinceMs > ages.stoppedMs && microsPerMonth > 0)
        return {
          subject: name,
          rule: "stopped-instance" as const,
          sentence: `it is stopped for ${daysOf(sinceMs)}, and its volumes are paid for: a snapshot costs less`,
          microsPerMonth,
          advice: `canopy snapshots create ${held[0]!.name}, then canopy instances rm ${name}`,
        };
      const type = instanceTypes.get(spec.type);
      if (status.state !== "running" || spec.market || !type) return [];
      if (now - spec.launchedAt < ages.onDemandMs || status.startedAt === undefined) return [];
      return {
        subject: name,
        rule: "spot-first" as const,
        sentence: `it runs on demand for ${daysOf(now - spec.launchedAt)}: what may be interrupted costs down to 30 % of that as spot, and nothing while it is stopped`,
        microsPerMonth: Math.round(0.7 * listMicrosPerHour(type) * hoursPerMonth),
        advice: `canopy instances stop ${name} in breaks`,
      };
    }),
    ...own(space.all("spot-request")).flatMap(({ name, spec, status }) => {
      const sinceMs = now - status.since;
      const isForgotten = status.state === "open" || status.state === "disabled";
      if (spec.type !== "persistent" || !isForgotten || sinceMs < ages.requestMs) return [];
      return {
        subject: name,
        rule: "forgotten-request" as const,
        sentence: `it waits for ${daysOf(sinceMs)} (${status.code}), and starts an instance again as soon as it can`,
        microsPerMonth: spec.maxMicrosPerHour * hoursPerMonth,
        advice: `aws ec2 cancel-spot-instance-requests --spot-instance-request-ids ${name}`,
      };
    }),
  ].sort((a, b) => b.microsPerMonth - a.microsPerMonth);
}

/** One on demand that may be stopped. */
function idleInstance(record: InstanceRecord, now: number): Saving | undefined {
  const { name, spec } = record;
  const type = instanceTypes.get(spec.type);
  const most = idleAt(record, now);
  if (most === undefined || !type || spec.market || spec.isStopProtected) return undefined;
  const { idlePerMille, useWindows, useWindowMs } = limits;
  const microsPerHour = listMicrosPerHour(type);
  return {
    subject: name,
    rule: "idle-instance",
    sentence: `it used less than ${idlePerMille / 10} % of its processors in each hour for ${(useWindows * useWindowMs) / hourMs} hours, ${most / 10} % at most: while it is stopped it costs ${formatMicros(microsPerHour)} an hour less`,
    microsPerMonth: microsPerHour * hoursPerMonth,
    advice: `canopy instances stop ${name}`,
  };
}

function unattached(volume: VolumeRecord, now: number): Saving[] {
  const { name, spec, status } = volume;
  const ageMs = now - spec.createdAt;
  if (status.attachment || status.state !== "available" || ageMs < ages.volumeMs) return [];
  return [
    {
      subject: name,
      rule: "unattached-volume",
      sentence: `no instance has it, and it is ${daysOf(ageMs)} old`,
      microsPerMonth: costOf(volume),
      advice: `canopy snapshots create ${name}, then canopy volumes rm ${name}`,
    },
  ];
}

/** What a deregistered image has left, and nobody has asked to remove yet. */
function orphaned(left: OrphanedData, now: number): Saving[] {
  const { name, spec, status } = left.image;
  // When one was deregistered long ago is not known of all.
  const ageMs = now - (status.deregisteredAt ?? now);
  if (!isAny(left) || keepTag in spec.tags || ageMs < ages.orphanMs) return [];
  const bytes =
    left.snapshots.reduce((sum, snapshot) => sum + bytesOf(snapshot), 0) +
    left.blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return [
    {
      subject: name,
      rule: "orphaned-image-data",
      sentence: `it was deregistered ${daysOf(ageMs)} ago, and nothing else names ${wordsOf(left)} of it`,
      microsPerMonth: microsOf(bytes),
      advice: `canopy images orphans --remove ${name}`,
    },
  ];
}

/** Those that no image and no template needs, that nobody else may use, and that a newer one of the same volume has taken the place of. */
function staleSnapshots(
  snapshots: readonly SnapshotRecord[],
  space: Pick<Space, "all">,
  now: number,
): Saving[] {
  const needed = neededSnapshots(space);
  return snapshots.flatMap(({ name, spec, status, serial }) => {
    const ageMs = now - spec.createdAt;
    const isReplaced = snapshots.some(
      (other) =>
        other.serial > serial &&
        spec.volume !== undefined &&
        other.spec.volume === spec.volume &&
        other.status.state === "completed",
    );
    const isShared = spec.isPublic === true || (spec.sharedWith?.length ?? 0) > 0;
    if (ageMs < ages.snapshotMs || !isReplaced || isShared) return [];
    if (needed.has(name) || status.state !== "completed") return [];
    return {
      subject: name,
      rule: "stale-snapshot" as const,
      sentence: `it is ${daysOf(ageMs)} old, a newer one of ${spec.volume} is there, and no image needs it`,
      microsPerMonth: microsOf(bytesOf({ spec, status })),
      advice: `canopy snapshots rm ${name}`,
    };
  });
}

const bytesOf = ({ spec, status }: Pick<SnapshotRecord, "spec" | "status">) =>
  status.newBytes ?? spec.sizeBytes;

const microsOf = (bytes: number) => Math.round((bytes / GiB) * snapshotMicrosPerGiBMonth);

const costOf = ({ spec }: VolumeRecord) =>
  Math.round((spec.sizeBytes / GiB) * microsPerGiBMonth[spec.type]);

function daysOf(ms: number): string {
  const days = Math.floor(ms / dayMs);
  return days === 1 ? "1 day" : `${days} days`;
}
