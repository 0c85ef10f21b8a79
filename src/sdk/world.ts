import { homedir, tmpdir } from "node:os";
import type { Clock } from "#/base/clock.ts";
import type { Files } from "#/base/files.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeFiles } from "#/base/node/files.ts";
import { httpRequest } from "#/base/node/request.ts";
import { nodeRandom } from "#/base/node/random.ts";
import type { Network } from "#/base/network.ts";
import type { Random } from "#/base/random.ts";

/** What the SDK takes of the world: handed in by tests and by the CLI, else the process it runs in. */
export interface World {
  request: Network["request"];
  dial: Network["dial"];
  clock: Clock;
  random: Random;
  files: Files;
  env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths and the project file are looked for. */
  folder: string;
  home: string;
  /** Where files that are soon removed are put. */
  temporary: string;
}

/** The process that this code runs in: the one place of the SDK that reads it. */
export function thisWorld(): World {
  return {
    request: httpRequest,
    // Most calls need no WebSocket.
    dial: async (url, headers) => {
      const { nodeNetwork } = await import("#/base/node/network.ts");
      return nodeNetwork.dial(url, headers);
    },
    clock: nodeClock,
    random: nodeRandom,
    files: nodeFiles,
    env: process.env,
    folder: process.cwd(),
    home: process.env["HOME"] ?? homedir(),
    temporary: tmpdir(),
  };
}
