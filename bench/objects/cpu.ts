import { readFileSync } from "node:fs";

const msPerTick = 10;

/** CPU that these processes have used so far; those that have ended count nothing. */
export function cpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0);
}

/** Memory that they hold. */
export function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const text = readProc(pid, "status");
    return sum + Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) * 1024;
  }, 0);
}

/** The most memory that they ever held. */
export function peakBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    return sum + Number(/VmHWM:\s+(\d+)/.exec(readProc(pid, "status"))?.[1] ?? 0) * 1024;
  }, 0);
}

/** A process and all that it started. */
export function withChildren(pid: number): number[] {
  const children = readProc(pid, `task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  return [pid, ...children.flatMap(withChildren)];
}

function cpuMsOf(pid: number): number {
  const text = readProc(pid, "stat");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * msPerTick;
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return "";
  }
}
