import type { TaskUsage } from "#/model/usage.ts";

/** What an agent measured, or 0 for what is no amount: one of those would spoil every sum it is part of. */
export function soundUsage(usage: TaskUsage): TaskUsage {
  const { startedAt, wallMs, cpuMs, memoryBytes, readBytes, writtenBytes, joules } = usage;
  const isAllSound =
    isSound(startedAt) &&
    isSound(wallMs) &&
    isSound(cpuMs) &&
    isSound(memoryBytes) &&
    isSound(readBytes) &&
    isSound(writtenBytes) &&
    (joules === undefined || isSound(joules));
  if (isAllSound) return usage;
  return {
    startedAt: sound(startedAt),
    wallMs: sound(wallMs),
    cpuMs: sound(cpuMs),
    memoryBytes: sound(memoryBytes),
    readBytes: sound(readBytes),
    writtenBytes: sound(writtenBytes),
    ...(joules !== undefined && isSound(joules) && { joules }),
  };
}

function isSound(amount: number): boolean {
  return typeof amount === "number" && amount >= 0 && amount <= Number.MAX_SAFE_INTEGER;
}

function sound(amount: number): number {
  return isSound(amount) ? amount : 0;
}
