import type { TerminalReply, TerminalRequest } from "#/model/terminal.ts";
import type {
  HostAnswer,
  HostOrders,
  HostQuestion,
  HostReports,
  InstanceOrder,
} from "#/model/hosting.ts";
import type { InstanceKind } from "#/model/instance-type.ts";
import { instanceTypes, instanceKinds } from "#/model/instance-type.ts";
import type { Capacity } from "#/model/needs.ts";
import type { Space } from "#/space/space.ts";
import type { Field } from "../field.ts";
import type { Hosting, HostLink, HostSession } from "../hosting.ts";

const GiB = 2 ** 30;

/** Machines for tests: as large as they say, less what instances hold of them. */
export class FakeField implements Field {
  readonly connected = new Set<string>();
  #space: Space;
  #held = new Map<string, Set<Capacity>>();

  constructor(space: Space) {
    this.#space = space;
  }

  machines(): ReturnType<Field["machines"]> {
    const machines = [...this.#space.all("machine")].map(({ name, status }) => ({
      machine: name,
      connected: this.connected.has(name),
      free: { ...status.capacity },
    }));
    const byName = new Map(machines.map((one) => [one.machine, one]));
    for (const { spec, status } of this.#space.all("instance")) {
      const of = byName.get(status.machine ?? "");
      if (!of || status.state === "stopped" || status.state === "terminated") continue;
      const { milliCpus, memoryBytes } = instanceTypes.get(spec.type)!;
      of.free.milliCpus -= milliCpus;
      of.free.memoryBytes -= memoryBytes;
    }
    for (const { machine, free } of machines)
      for (const { milliCpus, memoryBytes } of this.#held.get(machine) ?? []) {
        free.milliCpus -= milliCpus;
        free.memoryBytes -= memoryBytes;
      }
    return machines;
  }

  hold(machine: string, capacity: Capacity): () => void {
    const held = this.#held.get(machine) ?? new Set();
    this.#held.set(machine, held.add(capacity));
    return () => void held.delete(capacity);
  }
}

/**
 * A machine that does what it is told in words alone, at once: it says of all that it is ordered to have that it has it. While
 * `isSlow`, it says nothing.
 */
export class FakeHost implements HostLink {
  readonly name: string;
  isSlow = false;
  /** Instances that cannot be started, with EC2's code. */
  readonly failing = new Map<string, string>();
  readonly #instances = new Map<string, InstanceOrder>();
  readonly #startedAt = new Map<string, number>();
  readonly #volumes = new Map<string, number>();
  #held: HostOrders[] = [];
  #session!: HostSession;
  #number = 0;

  private constructor(name: string) {
    this.name = name;
  }

  /** A machine joins and is connected. */
  static join(
    { space, hosting, field }: { space: Space; hosting: Hosting; field: FakeField },
    {
      name = "m1",
      kinds = instanceKinds,
      milliCpus = 64_000,
      memoryBytes = 256 * GiB,
    }: {
      name?: string;
      kinds?: readonly InstanceKind[];
      milliCpus?: number;
      memoryBytes?: number;
    } = {},
  ): FakeHost {
    const host = new FakeHost(name);
    space.commit((tx) =>
      tx.put<"machine">({
        kind: "machine",
        project: "",
        name,
        spec: { keyDigest: "", joinedAt: 0, site: "local", labels: {}, cordoned: false },
        status: {
          hostname: name,
          os: "linux",
          arch: "x64",
          version: "1",
          capacity: { milliCpus, memoryBytes },
          drivers: [],
          rates: { microsPerHour: undefined, idleWatts: 1, peakWatts: 2, pue: 1 },
          hosting: { kinds, hasKvm: false, networks: "full", storages: [], missing: [] },
        },
      }),
    );
    field.connected.add(name);
    host.#session = hosting.connect(name, host);
    return host;
  }

  orders(orders: HostOrders): void {
    if (this.isSlow) this.#held.push(orders);
    else this.#do(orders);
  }

  /** What was asked while it was slow is done. */
  catchUp(): void {
    this.isSlow = false;
    for (const orders of this.#held.splice(0)) this.#do(orders);
  }

  /** An instance ends, and nobody asked it to. */
  end(instance: string, exitCode: number): void {
    const { fence, reboots } = this.#instances.get(instance)!;
    const ended = { by: "itself" as const, exitCode };
    const report = { instance, fence, reboots, state: "stopped" as const, ended };
    this.#session.reported({ instances: [report], volumes: [], snapshots: [], gone: [] });
  }

  /** Whatever is typed is printed, and "exit" ends it. */
  terminal(terminal: number, request: TerminalRequest): void {
    const say = (reply: TerminalReply) => this.#session.terminalSaid(terminal, reply);
    if ("open" in request) {
      const { instance, command } = request.open;
      const words = command ? command.join(" ") : `${instance} login: `;
      say({ opened: true });
      return say({ output: Buffer.from(words).toString("base64") });
    }
    if ("input" in request) say({ output: request.input });
    if ("hasTyped" in request) say({ ended: { exitCode: 3 } });
  }

  question(request: number, { type, instance }: HostQuestion): void {
    const answer: HostAnswer =
      type === "console"
        ? { content: Buffer.from(`${instance} has booted\n`).toString("base64") }
        : { error: "it has no display" };
    queueMicrotask(() => this.#session.answered(request, answer));
  }

  leave(): void {
    this.#session.close();
  }

  #do({ instances, volumes, snapshots, gone }: HostOrders): void {
    const reports: HostReports = {
      instances: instances.map((order) => this.#take(order)),
      volumes: volumes.map(({ volume, sizeBytes }) => {
        this.#volumes.set(volume, sizeBytes);
        return { volume, state: "here" as const, sizeBytes };
      }),
      snapshots: snapshots.map(({ snapshot }) => ({
        snapshot,
        state: "done" as const,
        progress: 100,
        manifest: `manifest-of-${snapshot}`,
        newBytes: 1,
      })),
      gone: gone.filter((name) => !this.#volumes.delete(name)),
    };
    const left = gone.filter((name) => !reports.gone.includes(name));
    for (const name of gone) this.#instances.delete(name);
    this.#session.reported({
      ...reports,
      volumes: [...reports.volumes, ...left.map((volume) => ({ volume, state: "gone" as const }))],
    });
  }

  #take(order: InstanceOrder): HostReports["instances"][number] {
    const { instance, fence, reboots, disks, wanted, network } = order;
    const said = { instance, fence, reboots, attached: disks.map(({ volume }) => volume) };
    const code = this.failing.get(instance);
    if (code !== undefined)
      return {
        ...said,
        state: "failed",
        reason: { code, message: `${code}: it was not possible` },
      };
    this.#instances.set(instance, order);
    if (wanted === "stopped") {
      this.#startedAt.delete(instance);
      return { ...said, state: "stopped" };
    }
    const startedAt = this.#startedAt.get(instance) ?? ++this.#number;
    this.#startedAt.set(instance, startedAt);
    return {
      ...said,
      state: "running",
      startedAt,
      ...(network.hasPublicAddress && { publicIp: "192.0.2.1", ports: { 22: 40_000 + startedAt } }),
    };
  }
}
