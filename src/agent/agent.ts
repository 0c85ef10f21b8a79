import { join } from "node:path";
import type { Timer } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Loop } from "#/base/loop.ts";
import { Admission } from "#/drivers/admission.ts";
import type { Driver, DriverParts } from "#/drivers/driver.ts";
import { agentMark, agentMarkOf } from "#/model/agent-mark.ts";
import type { Fault } from "#/model/game-day.ts";
import type { HostQuestion } from "#/model/hosting.ts";
import type { MachineMeasure } from "#/model/machine.ts";
import type { Capacity } from "#/model/needs.ts";
import type { FromCloud, Hello, TaskClaim, Welcome } from "#/model/wire.ts";
import { Calls } from "./calls.ts";
import { Connection } from "./connection.ts";
import { ControlPlanes } from "./control-planes.ts";
import { HandIn } from "./hand-in.ts";
import { identify, keepControlPlanes, type Identity } from "./identity.ts";
import { BlobCache } from "./blobs.ts";
import { FunctionKeeper } from "./functions/function-keeper.ts";
import type { Agent, StartAgentOptions } from "./options.ts";
import { InstanceKeeper } from "./instances/keeper.ts";
import type { Terminals } from "./instances/terminals.ts";
import { measureOf } from "./measure.ts";
import { Peers } from "./peers.ts";
import { PowerMeter } from "./power.ts";
import { Prints } from "./prints.ts";
import type { Reports } from "./reports.ts";
import { Segments } from "./segments.ts";
import { capacityOf, peerAddressOf, statusOf } from "./self.ts";
import { watchForSpotNotice } from "./spot-notice.ts";
import { Tasks } from "./tasks.ts";

/**
 * Makes this computer a machine of the cloud at `urls`: joins if it must, then pulls tasks, runs them and
 * reports, until stopped. Resolves when it knows who it is; it may not be connected yet, and tries for
 * ever. Throws CanopyError "unauthenticated" without a key or a good token, "unavailable" when it has to
 * join and the cloud is not there for `joinPatienceMs`.
 */
export async function startAgent(options: StartAgentOptions): Promise<Agent> {
  const identity = await identify(options);
  const agent = new RunningAgent(options, identity);
  await agent.start();
  return agent;
}

class RunningAgent implements Agent {
  readonly machine: string;
  readonly refused: Promise<string>;
  readonly connected: Promise<void>;
  #options: StartAgentOptions;
  #capacity: Capacity;
  #refused = Promise.withResolvers<string>();
  #connected = Promise.withResolvers<void>();
  #connection: Connection;
  #planes: ControlPlanes;
  #calls: Calls;
  #blobs: BlobCache;
  #segments: Segments;
  #peers: Peers;
  #drivers: Driver[] = [];
  #tasks: Tasks | undefined;
  #power: PowerMeter | undefined;
  #handIn: HandIn;
  #reports: Reports;
  #prints: Prints;
  #instances: InstanceKeeper | undefined;
  #terminals: Terminals | undefined;
  #functions: FunctionKeeper | undefined;
  #hosting: Promise<void> | undefined;
  /** Whether the last hello told what it can do for instances: that is found out beside. */
  #hasToldHosting = false;
  #mark: string;
  #cages: DriverParts["cages"];
  #peerUrl: string | undefined;
  #measured: MachineMeasure | undefined;
  /** What the open pull asked for; 0 when none is open. */
  #pulling = 0;
  #isDue = false;
  #isStopping = false;
  #beat: Timer | undefined;
  /** When its provider takes this machine away, once it has said so. */
  #endsAt: number | undefined;
  #notice: Loop | undefined;
  /** When beats were sent on this link that were not answered yet, on the monotonic clock. */
  #beatsSentMs: number[] = [];

  constructor(options: StartAgentOptions, { machine, key, controlPlanes }: Identity) {
    const { host, folder, urls } = options;
    this.machine = machine;
    this.refused = this.#refused.promise;
    this.connected = this.#connected.promise;
    this.#options = options;
    this.#capacity = capacityOf(options);
    this.#mark = agentMarkOf(folder);
    this.#prints = new Prints(host.clock);
    this.#planes = new ControlPlanes(urls, controlPlanes);
    this.#calls = new Calls(host, this.#planes, key);
    this.#handIn = new HandIn(host, folder, () => this.isConnected);
    const { reports, owed } = this.#handIn;
    this.#reports = reports;
    this.#blobs = new BlobCache(host, join(folder, "blobs"), { calls: this.#calls, owed });
    this.#segments = new Segments(host, join(folder, "shuffle"));
    this.#peers = new Peers(host, machine, this.#segments, this.#calls);
    this.#connection = new Connection(
      host,
      { planes: this.#planes, key },
      {
        hello: () => this.#hello(),
        welcomed: (welcome) => this.#welcomed(welcome),
        lost: () => this.#functions?.endAll(),
        heard: (message) => this.#heard(message),
        refused: (reason) => {
          host.log.error("the cloud has refused this machine", { reason });
          this.#refused.resolve(reason);
        },
      },
    );
  }

  get isConnected(): boolean {
    return this.#connection.isWelcomed;
  }

  async start(): Promise<void> {
    const { host, folder, drivers, power } = this.#options;
    await this.#clean();
    if (this.#options.measures) this.#measured = await measureOf(host, folder);
    await this.#blobs.open();
    await this.#handIn.open({
      pay: (project, key, path) => this.#blobs.pay(project, key, path),
      ready: () => this.#tellSoon(),
    });
    this.#peerUrl = await this.#peers.serve(peerAddressOf(this.#options));
    this.#power = power && (await PowerMeter.open(host, power));
    const admission = new Admission(this.#capacity);
    for (const make of drivers)
      this.#drivers.push(make(this.#driverParts(admission, join(folder, "work"))));
    this.#tasks = new Tasks(host.clock, this.#drivers, {
      ended: (report) => {
        this.#reports.add(report);
        if (this.#reports.isFull) this.#tell();
        else this.#tellSoon();
      },
      dropped: () => this.#tellSoon(),
      measured: (usage, milliCpus) => this.#power?.shareOf(usage, milliCpus),
      printed: ({ offer }, stream, text) => {
        this.#prints.add(offer.task, stream, text);
        this.#tellSoon();
      },
    });
    await this.#openFunctions().catch((thrown: unknown) => {
      host.log.error("this computer runs no functions", { error: messageOf(thrown) });
    });
    this.#connection.open();
    this.#beatLater();
    if (this.#options.isSpot) this.#notice = watchForSpotNotice(host, (at) => this.#willEnd(at));
    // To find out what this computer can do takes seconds the first time: tasks do not wait for it.
    this.#hosting = this.#openHosting().catch((thrown: unknown) => {
      host.log.error("this computer hosts no instances", { error: messageOf(thrown) });
    });
  }

  async #openFunctions(): Promise<void> {
    const { host, folder, openFunctions } = this.#options;
    if (!openFunctions) return;
    const functions = await openFunctions({
      ...host,
      folder: join(folder, "functions"),
      blobs: this.#blobs,
      cages: this.#cages,
      mark: { [agentMark]: this.#mark },
    });
    this.#functions = new FunctionKeeper(functions, (report) => {
      if (this.isConnected) this.#connection.send({ type: "function", report });
    });
  }

  async #openHosting(): Promise<void> {
    const { host, folder, openHosting } = this.#options;
    if (!openHosting) return;
    const parts = {
      ...host,
      folder: join(folder, "hosting"),
      blobs: this.#blobs,
      address: peerAddressOf(this.#options).tell,
      mark: `${this.#mark}-hosting`,
    };
    await host.files.makeFolder(parts.folder);
    const instances = new InstanceKeeper(parts, await openHosting(parts), (reports) => {
      if (this.isConnected) this.#connection.send({ type: "host", reports });
    });
    await instances.open();
    this.#instances = instances;
    this.#terminals = instances.terminals((terminal, reply) =>
      this.#connection.send({ type: "terminal", terminal, reply }),
    );
    if (this.isConnected) this.#sayHosting();
  }

  /** What it can do for instances, if this link has not heard of it, and what it has. */
  #sayHosting(): void {
    if (!this.#instances) return;
    const { abilities } = this.#instances;
    if (!this.#hasToldHosting) this.#connection.send({ type: "hosting", abilities });
    this.#hasToldHosting = true;
    this.#instances.sayAll();
  }

  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    await this.#hosting;
    this.#terminals?.closeAll();
    await this.#instances?.close();
    await this.#functions?.close();
    this.#beat?.cancel();
    this.#notice?.stop();
    this.#power?.stop();
    this.#release(this.#tasks!.giveUp("waiting"));
    // What runs is given back only when it has ended: another machine may begin it the moment after.
    const begun = this.#tasks!.giveUp("all");
    this.#calls.close();
    await Promise.all(this.#drivers.map((driver) => driver.stop()));
    this.#release(begun);
    this.#tell();
    await this.#handIn.stop();
    this.#connection.close();
    await this.#peers.close();
    this.#cages?.close();
  }

  /** Ends processes and removes files that an agent which was killed has left. */
  async #clean(): Promise<void> {
    const { host, folder } = this.#options;
    this.#cages = host.processes.cages(this.#mark);
    for (const pid of host.processes.marked(agentMark, this.#mark)) host.processes.kill(pid);
    for (const name of ["work", "shuffle"]) {
      await host.files.remove(join(folder, name));
      await host.files.makeFolder(join(folder, name));
    }
  }

  #driverParts(admission: Admission, folder: string): DriverParts {
    const { host, env } = this.#options;
    const planes = this.#planes;
    return {
      clock: host.clock,
      files: host.files,
      processes: host.processes,
      log: host.log,
      folder,
      env: { ...env, [agentMark]: this.#mark },
      get cloudUrl() {
        return planes.address;
      },
      capacity: this.#capacity,
      admission,
      blobs: this.#blobs,
      shuffle: {
        keep: (task, partitions) => this.#segments.keep(task, partitions),
        gather: (sources, signal) => this.#peers.gather(sources, signal),
      },
      cages: this.#cages,
      mark: this.#mark,
    };
  }

  #hello(): Hello {
    this.#hasToldHosting = this.#instances !== undefined;
    return {
      type: "hello",
      status: statusOf(this.#options, {
        capacity: this.#capacity,
        drivers: this.#drivers.map(({ name }) => name),
        peerUrl: this.#peerUrl,
        measuresPower: this.#power !== undefined,
        measured: this.#measured,
        hosting: this.#instances?.abilities,
        functions: this.#functions?.abilities,
        endsAt: this.#endsAt,
      }),
      holds: [...this.#tasks!.claims(), ...this.#reports.claims()],
    };
  }

  #welcomed({ controlPlanes }: Welcome): void {
    void this.#learn(controlPlanes);
    for (const message of this.#reports.unacknowledged()) this.#connection.send(message);
    this.#pulling = 0;
    this.#tell();
    this.#beatsSentMs = [];
    this.#terminals?.closeAll(); // their numbers were of another link
    this.#sayHosting();
    if (this.#instances) this.#sendBeat(); // what has a lease waits for its answer
    this.#handIn.owed.wake();
    this.#connected.resolve();
  }

  async #learn(controlPlanes: string[]): Promise<void> {
    const { host, folder } = this.#options;
    this.#planes.learn(controlPlanes);
    try {
      await keepControlPlanes(host, folder, this.#planes.learned);
    } catch (thrown) {
      host.log.warn("the addresses of the cloud could not be kept", { error: messageOf(thrown) });
    }
  }

  #heard(message: FromCloud): void {
    switch (message.type) {
      case "tasks": {
        this.#pulling = 0;
        const unknown = this.#tasks!.take(message.steps, message.tasks);
        this.#release(unknown);
        return this.#tellSoon();
      }
      case "finished":
        this.#reports.acknowledged(message.number);
        return this.#tellSoon();
      case "host":
        return void this.#instances?.orders(message.orders).catch((thrown: unknown) => {
          const { log } = this.#options.host;
          log.error("orders for instances could not be kept", { error: messageOf(thrown) });
        });
      case "question":
        return void this.#answer(message.request, message.question);
      case "terminal":
        return this.#terminals?.heard(message.terminal, message.request);
      case "function":
        return this.#functions?.take(message.order);
      case "heard":
        return this.#answered(message.isSure !== false);
      case "planes":
        return void this.#learn(message.controlPlanes);
      case "cancel":
        this.#reports.drop(message.tasks);
        return this.#tasks!.cancel(message.tasks);
      case "forget":
        for (const job of message.jobs) this.#segments.forget(job);
        return this.#tasks!.forget(message.jobs);
      case "fault":
        return this.#suffer(message.fault);
      case "fetch":
        return void this.#giveSegment(message.request, message.segment);
    }
  }

  /** The cloud has answered the oldest beat: so much later than that was sent it may believe that we live. */
  #answered(isSure: boolean): void {
    const sentMs = this.#beatsSentMs.shift();
    if (sentMs !== undefined && isSure) this.#instances?.heard(sentMs);
  }

  /** A game day hits this machine, or what it runs. */
  #suffer(fault: Fault): void {
    const { host, crash } = this.#options;
    host.log.warn("a game day hits this machine", { kind: fault.kind, hit: fault.hit });
    if (fault.kind === "task") {
      const wasThere = this.#tasks!.crash(fault.task, fault.hit);
      this.#connection.send({ type: "struck", hit: fault.hit, wasThere });
    } else if (fault.kind === "machine") {
      this.#connection.leave(Math.min(fault.awayMs, limits.machineAwayMsMax));
    } else crash?.();
  }

  /** What has not begun is better begun elsewhere. */
  #willEnd(endsAt: number): void {
    this.#endsAt = endsAt;
    if (this.isConnected) this.#connection.send({ type: "ending", at: endsAt });
    this.#release(this.#tasks!.giveUp("waiting"));
  }

  #release(tasks: TaskClaim[]): void {
    if (this.isConnected && tasks.length > 0) this.#connection.send({ type: "release", tasks });
  }

  async #giveSegment(request: number, segment: string): Promise<void> {
    const content = await this.#peers.part(segment).catch(() => undefined);
    const base64 = content && Buffer.from(content).toString("base64");
    this.#connection.send({ type: "segment", request, content: base64 });
  }

  async #answer(request: number, question: HostQuestion): Promise<void> {
    const answer = await this.#instances?.answer(question);
    if (this.isConnected && answer) this.#connection.send({ type: "answer", request, answer });
  }

  #tellSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#options.host.clock.soon(() => this.#tell());
  }

  /** What tasks printed, then what ended, then the wish for more: all of a turn in few messages. */
  #tell(): void {
    this.#isDue = false;
    if (!this.isConnected) return;
    while (!this.#prints.isEmpty && this.#connection.bufferedBytes() < limits.linkLogBytesMax) {
      this.#connection.send({ type: "logs", lines: this.#prints.take() });
    }
    for (let finish = this.#reports.take(); finish; finish = this.#reports.take())
      this.#connection.send(finish);
    if (!this.#isStopping) this.#pull();
  }

  #pull(): void {
    const room = limits.heldTasksMax - this.#tasks!.count - this.#reports.count;
    const max = Math.min(room, limits.pullTasksMax);
    // An open pull that asked for little is replaced when there is room for much.
    if (max <= 0 || (this.#pulling > 0 && max < 2 * this.#pulling)) return;
    this.#pulling = max;
    this.#connection.send({ type: "pull", max });
  }

  #beatLater(): void {
    this.#beat = this.#options.host.clock.after(
      limits.heartbeatMs,
      () => {
        if (this.isConnected) {
          this.#sendBeat();
          this.#tellSoon();
        }
        this.#beatLater();
      },
      true,
    );
  }

  #sendBeat(): void {
    const { clock, processes } = this.#options.host;
    const { cpuShare, memoryFreeBytes } = processes.load();
    const running = [...this.#tasks!.running(), ...this.#reports.waiting()];
    const watts = this.#power?.watts;
    this.#beatsSentMs.push(clock.monotonicMs());
    this.#connection.send({
      type: "beat",
      cpuShare,
      memoryFreeBytes,
      running,
      ...(watts !== undefined && { watts }),
    });
  }
}
