import type { MachineStatus } from "#/model/machine.ts";
import type { Capacity } from "#/model/needs.ts";
import { isHere } from "./control-planes.ts";
import type { StartAgentOptions } from "./options.ts";

/** What tasks may use of a machine's memory when nobody says. */
const memoryShare = 0.9;

/** What tasks may use here. */
export function capacityOf({ host, capacity }: StartAgentOptions): Capacity {
  const { cpus, memoryBytes } = host.processes.facts();
  return {
    milliCpus: capacity?.milliCpus ?? cpus * 1000,
    memoryBytes: capacity?.memoryBytes ?? Math.floor(memoryBytes * memoryShare),
  };
}

/** Where other agents reach this one. A cloud on this computer alone needs no door to the outside. */
export function peerAddressOf({ host, urls, peerHost }: StartAgentOptions): {
  listen: string;
  tell: string;
} {
  if (peerHost === undefined && urls.every(isHere))
    return { listen: "127.0.0.1", tell: "127.0.0.1" };
  const [address = "127.0.0.1"] = host.processes.facts().addresses;
  return { listen: "0.0.0.0", tell: peerHost ?? address };
}

/** What this machine says of itself. */
export function statusOf(
  { host, version, rates, crash }: StartAgentOptions,
  more: {
    capacity: Capacity;
    drivers: string[];
    peerUrl: string | undefined;
    measuresPower: boolean;
    measured: MachineStatus["measured"];
    hosting: MachineStatus["hosting"];
    functions: MachineStatus["functions"];
    endsAt: number | undefined;
  },
): MachineStatus {
  const { hostname, os, arch } = host.processes.facts();
  const { capacity, drivers, peerUrl, measuresPower, measured, hosting, functions, endsAt } = more;
  return {
    hostname,
    os,
    arch,
    version,
    capacity,
    drivers,
    ...(peerUrl === undefined ? {} : { peerUrl }),
    faults: crash ? ["task", "agent", "machine"] : ["task", "machine"],
    rates,
    ...(measuresPower && { measuresPower }),
    ...(measured && { measured }),
    ...(hosting && { hosting }),
    ...(functions && { functions }),
    ...(endsAt !== undefined && { endsAt }),
  };
}
