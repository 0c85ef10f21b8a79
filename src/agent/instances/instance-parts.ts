import type { Clock } from "#/base/clock.ts";
import type { Files } from "#/base/files.ts";
import type { Log } from "#/base/log.ts";
import type { InstanceDriver, Networks, PreparedDisk } from "#/drivers/instance-driver.ts";
import type { InstanceOrder, InstanceReport } from "#/model/hosting.ts";
import type { Gate } from "./gate.ts";
import type { Warden } from "./warden.ts";

/** What its keeper gives to each instance on this machine. */
export interface InstanceParts {
  /** Of this machine, as others reach it. */
  address: string;
  clock: Clock;
  files: Files;
  log: Log;
  networks: Networks;
  starts: Gate;
  warden: Pick<Warden, "hold">;
  driverOf(order: InstanceOrder): InstanceDriver | undefined;
  /** The files of its volumes, made where they are not there yet. */
  disksOf(order: InstanceOrder): Promise<PreparedDisk[]>;
  say(report: InstanceReport): void;
  /** Nothing of it is here any more. */
  left(instance: string): void;
  /** The cloud was silent for longer than its lease: it may run elsewhere by now. */
  isForsaken(order: InstanceOrder): boolean;
}
