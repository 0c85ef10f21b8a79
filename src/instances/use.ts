import { limits } from "#/base/limits.ts";
import type { InstanceReport } from "#/model/hosting.ts";
import type { InstanceRecord, InstanceUse } from "#/model/instance.ts";
import { instanceTypes } from "#/model/instance-type.ts";

/** What was told of one that runs: `cpuMs` of CPU time since its process began. */
interface Told {
  startedAt: number;
  cpuMs: number;
  vcpus: number;
  now: number;
}

/**
 * What is kept of what an instance uses after its machine has told it: the same object while a window is under way, so that there
 * is one write a window. What it did in a run before, or while nobody told of it, is not known: it begins anew then. Pure.
 */
export function useAfter(
  before: InstanceUse | undefined,
  { startedAt, cpuMs, vcpus, now }: Told,
): InstanceUse {
  const { useWindowMs, useWindows } = limits;
  const anew = { startedAt, at: now, cpuMs, perMille: [] };
  if (before?.startedAt !== startedAt || cpuMs < before.cpuMs) return anew;
  const passedMs = now - before.at;
  if (passedMs < 0 || passedMs > 2 * useWindowMs) return anew;
  if (passedMs < useWindowMs) return before;
  const perMille = Math.ceil((1000 * (cpuMs - before.cpuMs)) / (passedMs * vcpus));
  const kept = [...before.perMille, perMille].slice(-useWindows);
  return { startedAt, at: now, cpuMs, perMille: kept };
}

/** The record with what a report of it as running says of its use; the same one where that is to be kept in nothing new. */
export function seeUse(
  record: InstanceRecord,
  { state, startedAt, use }: InstanceReport,
  now: number,
): InstanceRecord {
  const { spec, status } = record;
  const type = instanceTypes.get(spec.type);
  const isRunning = state === "running" && status.state === "running";
  if (!isRunning || startedAt === undefined || !use || !type) return record;
  const { cpuMs } = use;
  const next = useAfter(status.use, { startedAt, cpuMs, vcpus: type.vcpus, now });
  return next === status.use ? record : { ...record, status: { ...status, use: next } };
}

/** What it used of its processors in the windows that are known of its run, in thousandths; undefined where nobody tells of late. */
export function recentUseOf(
  { status }: InstanceRecord,
  now: number,
): readonly number[] | undefined {
  const { use, startedAt, state } = status;
  const isKnown =
    state === "running" &&
    use?.startedAt === startedAt &&
    use !== undefined &&
    now - use.at <= 2 * limits.useWindowMs;
  return isKnown ? use.perMille : undefined;
}

/** The most that it used in any of its windows, where it was idle in all that a rule looks at. */
export function idleAt(record: InstanceRecord, now: number): number | undefined {
  const windows = recentUseOf(record, now) ?? [];
  const most = Math.max(...windows);
  return windows.length >= limits.useWindows && most < limits.idlePerMille ? most : undefined;
}
