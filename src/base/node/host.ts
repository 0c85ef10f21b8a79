import type { Host } from "../host.ts";
import type { Log } from "../log.ts";
import { nodeClock } from "./clock.ts";
import { nodeFiles } from "./files.ts";
import { nodeNetwork } from "./network.ts";
import { nodeProcesses } from "./processes.ts";
import { nodeRandom } from "./random.ts";
import { nodeSockets } from "./sockets.ts";

/** This machine, as it is. */
export function nodeHost(log: Log): Host {
  return {
    clock: nodeClock,
    random: nodeRandom,
    files: nodeFiles,
    network: nodeNetwork,
    sockets: nodeSockets,
    processes: nodeProcesses,
    log,
  };
}
