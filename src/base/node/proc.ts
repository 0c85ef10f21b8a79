import { readdirSync, readFileSync } from "node:fs";
import type { ProcessUsage } from "../processes.ts";

/** The kernel counts CPU time in ticks of 10 ms on every Linux that Node supports. */
const tickMs = 10;
const pageBytes = 4096;

/** Fields of /proc/PID/stat after the name (which may hold spaces and brackets). */
export function statFields(pid: number | string): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

const groupField = 2;

export function usageOf(fields: string[]): ProcessUsage {
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { cpuMs: ticks * tickMs, memoryBytes: Number(fields[21]) * pageBytes };
}

function processIds(): string[] {
  try {
    return readdirSync("/proc").filter(
      (name) => name.charCodeAt(0) >= 48 && name.charCodeAt(0) <= 57,
    );
  } catch {
    return [];
  }
}

/** Sums over every process of a group. */
export function groupUsage(group: number): ProcessUsage {
  const sum = { cpuMs: 0, memoryBytes: 0 };
  for (const pid of processIds()) {
    const fields = statFields(pid);
    if (fields?.[groupField] !== String(group)) continue;
    const usage = usageOf(fields);
    sum.cpuMs += usage.cpuMs;
    sum.memoryBytes += usage.memoryBytes;
  }
  return sum;
}

/** Processes that carry `name=value` in their environment, this one not counted. */
export function marked(name: string, value: string): number[] {
  const entry = `\0${name}=${value}\0`;
  return processIds()
    .filter((pid) => Number(pid) !== process.pid && environmentOf(pid).includes(entry))
    .map(Number);
}

function environmentOf(pid: string): string {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}\0`;
  } catch {
    return "";
  }
}
