import type { Clock } from "./clock.ts";
import type { Files } from "./files.ts";
import type { Log } from "./log.ts";
import type { Network } from "./network.ts";
import type { Processes } from "./processes.ts";
import type { Random } from "./random.ts";
import type { Sockets } from "./sockets.ts";

/**
 * The one seam to the world outside: time, chance, disk, network and processes. `main.ts` makes one
 * from `base/node/`; a simulation makes one per simulated machine. Parts are given only what they
 * need of it: `Pick<Host, "clock" | "random">`.
 */
export interface Host {
  clock: Clock;
  random: Random;
  files: Files;
  network: Network;
  sockets: Sockets;
  processes: Processes;
  log: Log;
}
