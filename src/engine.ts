import { join } from "node:path";
import { Access } from "#/access/access.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import { startChaos } from "#/chaos/chaos.ts";
import { startJobs } from "#/jobs/jobs.ts";
import { FileLogs } from "#/logs/files.ts";
import type { Logs } from "#/logs/logs.ts";
import { price } from "#/meter/price.ts";
import { FileObjects } from "#/objects/files.ts";
import type { Objects } from "#/objects/objects.ts";
import { Scheduler } from "#/scheduler/scheduler.ts";
import type { SpaceLog } from "#/space/log.ts";
import { Space } from "#/space/space.ts";

/** What an engine needs of the world: a simulation has no processes to give. */
export type EngineHost = Pick<Host, "clock" | "random" | "files" | "log">;

export interface EngineOptions {
  /** Everything that it keeps beside its log is in here. */
  dataFolder: string;
  log: SpaceLog;
  /** Called once when its log can no longer be trusted: must end the process. */
  onBroken: (error: unknown) => void;
}

/** A control plane but for its door: it knows, decides and records, and nobody can reach it yet. */
export interface Engine {
  space: Space;
  access: Access;
  scheduler: Scheduler;
  objects: Objects;
  logs: Logs;
  /** Ends every loop, waits for what is not yet on disk, and closes the log. */
  stop(): Promise<void>;
}

/** Wires every part once, in the order in which things happen, and hands each only what it needs. */
export async function startEngine(host: EngineHost, options: EngineOptions): Promise<Engine> {
  const { clock, random, files, log } = host;
  const { dataFolder } = options;
  await files.makeFolder(dataFolder, { durable: true });
  await files.setMode(dataFolder, 0o700);

  const space = await Space.open({
    log: options.log,
    clock,
    report: log,
    onBroken: options.onBroken,
  });
  const guard = guardDisk(host, space, dataFolder);
  const objects = await FileObjects.open({ files, folder: join(dataFolder, "objects") });
  const logs = await FileLogs.open({ files, folder: join(dataFolder, "logs"), clock, report: log });
  const access = await Access.open({ folder: dataFolder, files, space, clock, random });
  const scheduler = new Scheduler({ space, clock, log, meter: price });
  const jobs = startJobs({ space, objects, clock, log });
  scheduler.start();
  const chaos = startChaos({ space, field: scheduler, clock, random, log });

  return {
    space,
    access,
    scheduler,
    objects,
    logs,
    async stop() {
      guard.stop();
      chaos.stop();
      jobs.stop();
      scheduler.stop();
      await logs.close();
      await space.close();
    },
  };
}

/** Stops acknowledging before the disk is full, says so, and goes on when there is space again. */
function guardDisk({ clock, files, log }: EngineHost, space: Space, folder: string): Loop {
  let isHeld = false;
  const turn = async () => {
    const freeBytes = await files.freeBytes(folder);
    const mustHold = freeBytes < limits.diskFreeBytesMin;
    if (mustHold === isHeld) return;
    isHeld = mustHold;
    if (!mustHold) {
      log.warn("the disk has space again; changes are accepted");
      space.hold(undefined);
      return;
    }
    const reason = new CanopyError(
      "no-space",
      `Cannot keep changes as the disk of ${folder} must have ${limits.diskFreeBytesMin} bytes free: it has ${freeBytes}`,
      { hint: "Free some space there; Canopy goes on by itself" },
    );
    log.warn(reason.message, { hint: reason.hint });
    space.hold(reason);
  };
  const loop = startLoop("disk", turn, { clock, log, everyMs: limits.diskCheckMs });
  loop.wake();
  return loop;
}
