import type { Host } from "#/base/host.ts";
import { nodeProcesses } from "#/base/node/processes.ts";
import { nodeSockets } from "#/base/node/sockets.ts";

/** Programs and sockets of the computer that a command runs on. */
export const thisMachine: Pick<Host, "processes" | "sockets"> = {
  processes: nodeProcesses,
  sockets: nodeSockets,
};
