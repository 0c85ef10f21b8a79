import { join } from "node:path";
import { limits } from "#/base/limits.ts";
import type { Cages, Process } from "#/base/processes.ts";
import { sleep } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import type { InstanceOrder } from "#/model/hosting.ts";
import type { ImageBlob } from "#/model/image.ts";
import type {
  InstanceDriver,
  InstanceDriverParts,
  InstanceMeans,
  PreparedNetwork,
  RunningInstance,
} from "../instance-driver.ts";
import { HostingError, hostingReason } from "../instances/hosting-error.ts";
import { Layers } from "../instances/layers.ts";
import { bundleOf } from "./bundle.ts";
import { forwardPorts } from "./forward-ports.ts";
import { ContainerVolumes, volumesFolder } from "./container-volumes.ts";
import { seedOf } from "./cloud-init-seed.ts";
import { keepFiles } from "./keep-files.ts";
import { hostsFile } from "./hosts-file.ts";
import { instanceMark } from "./instance-mark.ts";
import { launchScript, type Launch } from "./launch-script.ts";
import { ReadySupervisors, startSupervisor } from "./ready-supervisors.ts";
import { RunningContainer } from "./running.ts";
import { VolumeDevices } from "./volume-device.ts";
import { fileText, supervisorOf, supervisorText } from "./supervisor.ts";
import { controlSocket, unifiedTree, type SupervisorParts } from "./supervisor-script.ts";

/**
 * Containers: processes that share the machine's kernel, by crun. "container" runs one program of an image, "system" an init
 * with all that it starts. Root in there is nobody on the machine.
 */
export function containerDriver(
  parts: InstanceDriverParts,
  options: { usesOverlay: boolean } = { usesOverlay: true },
): InstanceDriver {
  return new ContainerDriver(parts, options);
}

/** What tells of an earlier start. */
const stale =
  "again code console.0 console.1 crun exit launch.log pid ready run.log slirp supervisor".split(
    " ",
  );

/** What a start makes anew. */
const made = ["config.json", "launch.sh"];

/** In the instance's folder, which others use too. */
const ownFolder = "container";

class ContainerDriver implements InstanceDriver {
  readonly kinds = ["container", "system"] as const;
  #parts: InstanceDriverParts;
  #layers: Layers;
  #cages: Cages | undefined;
  #isHybrid: Promise<boolean>;
  #usesOverlay: boolean;
  #ready: ReadySupervisors;
  /** Layers of instances that are here, by their folder: also of those that do not run. */
  #needs = new Map<string, readonly string[]>();

  constructor(parts: InstanceDriverParts, { usesOverlay }: { usesOverlay: boolean }) {
    this.#parts = parts;
    this.#usesOverlay = usesOverlay;
    this.#ready = new ReadySupervisors(parts);
    this.#layers = new Layers(parts, join(parts.folder, "layers"));
    this.#isHybrid = parts.files.stat(unifiedTree).then((found) => found !== undefined);
    this.#cages = parts.processes.cages(`${parts.mark}-containers`, { lasting: true });
    this.#watch();
  }

  /** Layers that no instance here has any more go: not before all that are here have been told. */
  #watch(): void {
    const { clock, log } = this.#parts;
    const look = () => {
      this.#dropLayers()
        .catch((thrown: unknown) => {
          log.warn("layers that nobody has cannot be removed", { error: messageOf(thrown) });
        })
        .finally(() => this.#watch());
    };
    clock.after(limits.layersLookMs, look, true);
  }

  async #dropLayers(): Promise<void> {
    for (const folder of this.#needs.keys())
      if (!(await this.#parts.files.stat(folder))) this.#needs.delete(folder);
    await this.#layers.keepOnly(new Set([...this.#needs.values()].flat()));
  }

  #need(folder: string, { root }: InstanceOrder): void {
    const keys = root.type === "files" ? root.layers.map(({ key }) => key) : [];
    this.#needs.set(folder, keys);
  }

  async find(folder: string, order: InstanceOrder): Promise<RunningInstance | undefined> {
    this.#need(folder, order);
    const own = join(folder, ownFolder);
    const supervisor = await supervisorOf(this.#parts, own);
    if (!supervisor) return undefined;
    this.#cage(order)?.thaw(); // an earlier life may have ended while it stood still
    return RunningContainer.adopt(this.#parts, {
      ...this.#place(own, order, supervisor.pid),
      supervisor,
    });
  }

  async keepFiles(
    folder: string,
    order: InstanceOrder,
    { isConsistent }: { isConsistent: boolean },
  ): Promise<readonly ImageBlob[]> {
    const own = join(folder, ownFolder);
    const runs = isConsistent && (await supervisorOf(this.#parts, own)) !== undefined;
    const cage = runs ? this.#cage(order) : undefined;
    if (runs && !cage)
      throw new HostingError(
        "Server.InternalError",
        `Cannot let ${order.instance} stand still as this machine lets the agent make no control groups`,
        { hint: "It can be done while it runs: --no-reboot" },
      );
    return keepFiles(this.#parts, { folder: own, order, cage, usesOverlay: this.#usesOverlay });
  }

  async start(
    folder: string,
    order: InstanceOrder,
    means: InstanceMeans,
  ): Promise<RunningInstance> {
    this.#need(folder, order);
    const own = join(folder, ownFolder);
    await this.#end(own, order);
    const devices = this.#devices(own, order);
    try {
      return await this.#begin(own, order, means, devices);
    } catch (thrown) {
      await devices.closeAll();
      throw thrown;
    }
  }

  async #begin(
    own: string,
    order: InstanceOrder,
    means: InstanceMeans,
    devices: VolumeDevices,
    { mayHaveWaited = true } = {},
  ): Promise<RunningInstance> {
    const launch = await this.#launch(own, order, means, devices);
    const parts = await this.#supervisorParts(launch);
    await this.#clear(launch);
    const begin = () =>
      startSupervisor(this.#parts, parts, {
        folder: own,
        log: join(own, "launch.log"),
        mark: launch.mark,
      });
    // What one that was made before has started is found by its control group alone.
    const takes = mayHaveWaited && launch.entrances.length > 0;
    const ready = takes ? this.#ready.take(parts) : undefined;
    try {
      return await this.#run(launch, order, means, ready ?? begin());
    } catch (thrown) {
      if (!ready || hostingReason(thrown).code !== "Server.InternalError") throw thrown;
      // It was no good, and the others may not be either.
      this.#ready.endAll();
      await this.#end(own, order);
      // Its disks are closed, and their devices may be others' by now: all is opened anew.
      return await this.#begin(own, order, means, devices, { mayHaveWaited: false });
    } finally {
      if (launch.entrances.length > 0) this.#ready.more(parts);
    }
  }

  /** Has a supervisor run it. */
  async #run(
    launch: Launch,
    order: InstanceOrder,
    means: InstanceMeans,
    process: Process,
  ): Promise<RunningInstance> {
    const { folder, network, place } = launch;
    try {
      await this.#write(launch, order);
      means.begins?.();
    } catch (thrown) {
      process.stdin.end();
      throw thrown;
    }
    process.stdin.write(`${folder}\n${namespaceFileOf(network)}\n`);
    // Not before: one that was not told ends with the agent, and is nothing that its next life could adopt.
    await this.#put(join(folder, "supervisor"), supervisorText(this.#parts.processes, process.pid));
    const running = await RunningContainer.begun(this.#parts, {
      ...this.#place(folder, order, process.pid),
      process,
    });
    try {
      const control = `/proc/${process.pid}/root${place}/${controlSocket}`;
      await forwardPorts(this.#parts, control, network);
    } catch (thrown) {
      await running.stop(0);
      throw thrown;
    }
    return running;
  }

  /** What is known of a container that runs or is to run, beside which that process stays. */
  #place(folder: string, order: InstanceOrder, supervisor: number) {
    const devices = this.#devices(folder, order);
    const place = placeFor([folder, this.#layers.folder]);
    const volumes = new ContainerVolumes(this.#parts, devices, place, supervisor);
    return {
      folder,
      order,
      devices,
      volumes,
      cage: this.#cage(order),
      supervisor: { pid: supervisor },
    };
  }

  #devices(folder: string, order: InstanceOrder): VolumeDevices {
    return new VolumeDevices(this.#parts, join(folder, "volumes"), this.#markOf(order));
  }

  async #launch(
    folder: string,
    order: InstanceOrder,
    means: InstanceMeans,
    devices: VolumeDevices,
  ): Promise<Launch> {
    const { root, imageProject, instance } = order;
    if (root.type !== "files")
      throw new HostingError(
        "Client.InvalidImage",
        `Cannot start a container as its image must be files: it is a ${root.type}`,
      );
    const layers = await this.#layers.unpacked(imageProject, root.layers);
    const volumes = await Promise.all(means.disks.map((disk) => devices.open(disk)));
    return {
      folder,
      name: instance,
      volumes,
      kind: order.kind === "system" ? "system" : "container",
      layers: { folder: this.#layers.folder, all: layers },
      place: placeFor([folder, this.#layers.folder]),
      etc: hostsFile(order, means.network),
      seed: seedOf(order),
      network: means.network,
      isMapped: true,
      usesOverlay: this.#usesOverlay,
      mark: this.#markOf(order),
      entrances: this.#cage(order)?.entrances ?? [],
    };
  }

  async #supervisorParts({ network, place, isMapped }: Launch): Promise<SupervisorParts> {
    return {
      network: network.type,
      place,
      addresses: network.type === "user" ? this.#parts.processes.facts().addresses : [],
      hidesUnified: await this.#isHybrid,
      isMapped,
    };
  }

  /** Its folders are there, and nothing tells of an earlier start. */
  async #clear({ folder, isMapped }: Launch): Promise<void> {
    const { files } = this.#parts;
    const isFirst = !(await files.stat(folder));
    for (const name of ["upper", "work"]) await files.makeFolder(join(folder, name));
    const owner = isMapped ? limits.containerOwnerBase : 0;
    await files.setOwner(join(folder, "upper"), owner, owner);
    const old = isFirst ? [] : [...stale, ...made];
    await Promise.all(old.map((name) => files.remove(join(folder, name))));
  }

  /** What is made anew at each start, so that nothing of it has to be on disk. */
  async #write(launch: Launch, order: InstanceOrder): Promise<void> {
    const { folder, place, isMapped } = launch;
    const config = bundleOf({
      order,
      layers: launch.layers.all,
      root: `${place}/root`,
      sys: `${place}/sys`,
      etc: place,
      seed: Object.keys(launch.seed),
      volumes: { source: `${place}/${volumesFolder}`, devices: launch.volumes },
      isMapped,
    });
    const contents = {
      "config.json": JSON.stringify(config),
      "launch.sh": launchScript(launch),
    };
    await Promise.all(
      Object.entries(contents).map(([name, content]) => this.#put(join(folder, name), content)),
    );
  }

  async #put(path: string, content: string): Promise<void> {
    const file = await this.#parts.files.append(path);
    await file.write(content);
    await file.close();
  }

  /** Nothing of an earlier start goes on. */
  async #end(folder: string, order: InstanceOrder): Promise<void> {
    const { processes, clock } = this.#parts;
    const cage = this.#cage(order);
    await this.#devices(folder, order).closeAll();
    const text = await fileText(this.#parts, join(folder, "supervisor"));
    if (text === undefined && (!cage || cage.isEmpty())) return;
    for (let tries = 0; ; tries++) {
      cage?.kill();
      const left = processes.marked(instanceMark, this.#markOf(order));
      for (const pid of left) processes.kill(pid);
      if (left.length === 0 && (!cage || cage.isEmpty())) return;
      if (tries > 200)
        throw new HostingError(
          "Server.InternalError",
          `Cannot start ${order.instance} as nothing of it may run: ${left.length} processes do not end`,
        );
      await sleep(clock, 10);
    }
  }

  #cage({ instance, memoryBytes, vcpus }: InstanceOrder) {
    return this.#cages?.make(instance, {
      memoryBytes,
      milliCpus: vcpus * 1000,
      milliCpusShare: vcpus * 1000,
      processes: limits.containerProcessesMax,
    });
  }

  #markOf({ instance }: InstanceOrder): string {
    return `${this.#parts.mark}/${instance}`;
  }
}

/** A folder that every system has, and that holds nothing that the container is made of: its mounts are over it, and nobody else sees them. */
function placeFor(needed: string[]): string {
  return ["/mnt", "/srv", "/media"].find((place) =>
    needed.every((path) => !path.startsWith(`${place}/`)),
  )!;
}

/** Empty for a network of its supervisor's own. */
function namespaceFileOf({ type, namespace = "" }: PreparedNetwork): string {
  if (type === "user") return "";
  return namespace.includes("/") ? namespace : `/run/netns/${namespace}`;
}
