import type { Capacity } from "#/model/needs.ts";

/** Machines as they are at this moment: what tasks and instances leave of them. */
export interface Field {
  machines(): readonly {
    machine: string;
    connected: boolean;
    free: Capacity;
    load?: { cpuShare: number } | undefined;
  }[];
}
