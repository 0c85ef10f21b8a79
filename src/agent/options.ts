import type { Host } from "#/base/host.ts";
import type { MakeDriver } from "#/drivers/driver.ts";
import type { Functions } from "#/drivers/functions/functions.ts";
import type { FunctionParts } from "#/drivers/functions/parts.ts";
import type { MachineRates } from "#/model/machine.ts";
import type { OpenHosting } from "./instances/options.ts";
import type { PowerPaths } from "./power.ts";
import type { Capacity } from "#/model/needs.ts";

/** What an agent is told when it starts. */
export interface StartAgentOptions {
  host: Host;
  /** Its own key, its caches and what its tasks write. One agent per folder. */
  folder: string;
  /** Where the cloud's control planes are: http: or https:. It learns of others from them. */
  urls: readonly string[];
  /** A one-time token; needed once, to join. */
  token?: string;
  /** How long it goes on trying to join while no control plane answers; it tries once when absent. */
  joinPatienceMs?: number;
  /** A machine that is known already: used in place of what the folder keeps. */
  identity?: { machine: string; key: string };
  labels: Record<string, string>;
  version: string;
  drivers: MakeDriver[];
  rates: MachineRates;
  /** Where the kernel tells what this computer draws; not measured when absent. */
  power?: PowerPaths;
  /** Measures how fast this computer is, once. Not where time is simulated. */
  measures?: boolean;
  /** It is a spot instance of EC2, or of what speaks its API: it hears there when it is taken away. */
  isSpot?: boolean;
  /** What tasks may use; the whole machine, with a little memory kept back, when absent. */
  capacity?: Partial<Capacity>;
  /** What every task inherits of the environment. */
  env: Record<string, string>;
  /** Opens what instances are hosted with; none are when absent. */
  openHosting?: OpenHosting;
  /** Opens what functions are run with; none are when absent. */
  openFunctions?: (parts: FunctionParts) => Promise<Functions>;
  /** Ends this process at once, as kill -9 would. Absent where nobody would start it again. */
  crash?: () => void;
  /** The address at which other agents reach this one; guessed when absent. */
  peerHost?: string;
}

/** An agent at work. */
export interface Agent {
  readonly machine: string;
  /** True while it has a link on which it was welcomed. */
  readonly isConnected: boolean;
  /** Resolves when it was welcomed for the first time. */
  readonly connected: Promise<void>;
  /** Resolves with the reason when the cloud has refused it for good. Never rejects. */
  readonly refused: Promise<string>;
  /** Gives back what it has not begun, ends what runs, and leaves. */
  stop(): Promise<void>;
}
