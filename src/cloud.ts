import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Access } from "#/access/access.ts";
import { buildServer } from "#/api/server.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import { eta } from "#/jobs/eta.ts";
import { startJobs } from "#/jobs/jobs.ts";
import { addStep, appendTasks, cancelJob, closeJob, retryJob, submitJob } from "#/jobs/submit.ts";
import { FileLogs } from "#/logs/files.ts";
import { price } from "#/meter/price.ts";
import { listPrices } from "#/meter/prices.ts";
import { FileObjects } from "#/objects/files.ts";
import { Scheduler } from "#/scheduler/scheduler.ts";
import type { SpaceLog } from "#/space/log.ts";
import { Space } from "#/space/space.ts";

export interface CloudOptions {
  /** Everything that it keeps is in here. */
  dataFolder: string;
  host: string;
  /** 0 takes a free one. */
  port: number;
  log: SpaceLog;
  version: string;
  /** Called once when its log can no longer be trusted: must end the process. */
  onBroken: (error: unknown) => void;
}

/** A control plane that listens. */
export interface Cloud {
  /** Where this computer reaches it. */
  url: string;
  /** Where others do; undefined when it listens to this computer only. */
  networkUrl: string | undefined;
  access: Access;
  space: Space;
  scheduler: Scheduler;
  /** Ends streams and links, waits for what is not yet on disk, and closes the log. */
  stop(): Promise<void>;
}

/** Wires every part once, in the order in which things happen, and hands each only what it needs. */
export async function startCloud(host: Host, options: CloudOptions): Promise<Cloud> {
  const { clock, random, files, log } = host;
  const { dataFolder, version } = options;
  await files.makeFolder(dataFolder);
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

  const reached = { url: "", networkUrl: undefined as string | undefined };
  const server = buildServer({
    space,
    scheduler,
    jobs: { submitJob, addStep, appendTasks, closeJob, cancelJob, retryJob, eta },
    access,
    objects,
    logs,
    clock,
    random,
    log,
    version,
    currency: listPrices.currency,
    publicUrl: () => reached.networkUrl ?? reached.url,
  });
  await server.listen({ host: options.host, port: options.port });
  const { port } = server.addresses()[0] as AddressInfo;
  Object.assign(reached, urlsOf(options.host, port, host.processes.facts().addresses));

  return {
    ...reached,
    access,
    space,
    scheduler,
    async stop() {
      await server.close();
      guard.stop();
      jobs.stop();
      scheduler.stop();
      await logs.close();
      await space.close();
    },
  };
}

/** How a cloud that listens on `host` is reached from here, and from elsewhere. */
function urlsOf(host: string, port: number, addresses: string[]) {
  const at = (address: string) =>
    `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
  if (host === "0.0.0.0" || host === "::") {
    const [address] = addresses;
    return { url: at("127.0.0.1"), networkUrl: address === undefined ? undefined : at(address) };
  }
  const isLocal = host === "localhost" || host === "::1" || host.startsWith("127.");
  return { url: at(host), networkUrl: isLocal ? undefined : at(host) };
}

/** Stops acknowledging before the disk is full, says so, and goes on when there is space again. */
function guardDisk({ clock, files, log }: Host, space: Space, folder: string): Loop {
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
