import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { RunningInstance } from "#/drivers/instance-driver.ts";
import { hostingReason } from "#/drivers/instances/hosting-error.ts";
import type { InstanceOrder, InstanceReport } from "#/model/hosting.ts";
import { InstanceMigration } from "./instance-migration.ts";
import type { InstanceParts } from "./instance-parts.ts";
import type { InstanceRecord } from "./instance-record.ts";
import { InstanceReporter } from "./instance-reporter.ts";
import { InstanceRuntime, type Ended } from "./instance-runtime.ts";
import { Turns } from "./turns.ts";

/**
 * One instance on this machine: looks at what it is to be and what it is, does the next thing, and looks again. One thing at
 * a time; what cannot be done is tried again, ever later.
 */
export class KeptInstance {
  readonly name: string;
  #parts: InstanceParts;
  #record: InstanceRecord;
  #runtime: InstanceRuntime;
  #reporter: InstanceReporter;
  #migration: InstanceMigration;
  #turns: Turns;
  /** What an earlier life of the agent has left of it is held, or is known not to be. */
  #isLookedFor: boolean;
  /** Under this and lower numbers nothing of it is to be here. */
  #unwantedFence = -1;

  /** `mayBeHere`: an earlier life of the agent may have left something of it running. */
  constructor(parts: InstanceParts, record: InstanceRecord, { mayBeHere = false } = {}) {
    this.#parts = parts;
    this.#record = record;
    this.#isLookedFor = !mayBeHere;
    this.name = record.order.instance;
    this.#runtime = new InstanceRuntime(parts, record, (ended) => this.#ended(ended));
    this.#reporter = new InstanceReporter(parts, record, this.#runtime);
    this.#migration = new InstanceMigration(parts, record, this.#runtime, this.#reporter);
    this.#turns = new Turns(
      parts.clock,
      () => this.#turn(),
      (thrown) => this.#failed(thrown),
    );
  }

  /** Finds what may be here of it. What cannot be found now is looked for again in each turn. */
  async open(): Promise<void> {
    await this.#look().catch((thrown: unknown) => this.#failed(thrown));
  }

  get order(): InstanceOrder {
    return this.#record.order;
  }

  get running(): RunningInstance | undefined {
    return this.#runtime.running;
  }

  /** What it was said to be last. */
  get report(): InstanceReport {
    return this.#reporter.last;
  }

  async #look(): Promise<void> {
    if (this.#isLookedFor) return;
    await this.#adopt();
    this.#isLookedFor = true;
  }

  async #adopt(): Promise<void> {
    const running = await this.#runtime.find();
    if (this.#migration.isComing && !(await this.#migration.hasCome(running))) return;
    if (!running) return;
    await this.#runtime.adopt(running);
    await this.#record.keep(); // an earlier life may have ended before that was on disk
    this.#reporter.say("running");
  }

  /** It is to be so from now on. */
  wanted(order: InstanceOrder): void {
    const { fence } = this.#record.order;
    if (order.fence < fence) return;
    if (order.fence > fence) this.#turns.forgetFailures();
    this.#record.set({ order });
    this.wake();
  }

  /** Nothing of it is to be here. */
  unwanted(): void {
    this.#unwantedFence = this.#record.order.fence;
    this.wake();
  }

  get #isUnwanted(): boolean {
    return this.#record.order.fence <= this.#unwantedFence;
  }

  wake(): void {
    this.#turns.wake();
  }

  /** The agent ends; what runs goes on. Resolves when nothing is being done to it. */
  async close(): Promise<void> {
    await this.#turns.close();
    this.running?.leave?.();
  }

  async #turn(): Promise<void> {
    await this.#look();
    if (this.#isUnwanted) return this.#leave();
    // What starts is written down while it is made ready.
    if (!this.#isToStart) await this.#record.keep();
    await this.#runtime.holdLease();
    if (this.#parts.isForsaken(this.order)) return this.#forsake();
    if (this.#migration.isComing) {
      if ((await this.#migration.come()) !== "failed") this.wake();
      return;
    }
    const stay = await this.#migration.leave();
    if (stay === "look-again") this.wake();
    if (stay !== "here") return;
    return this.order.wanted === "stopped" ? this.#stop() : this.#run();
  }

  async #stop(): Promise<void> {
    const { order } = this;
    if (order.hibernates) await this.#runtime.hibernate();
    else await this.#runtime.forgetMemory();
    await this.#runtime.end(patienceFor(order));
    const keepsMemory = await this.#runtime.keepsMemory();
    this.#reporter.say("stopped", order.hibernates ? { keepsMemory } : {});
  }

  async #run(): Promise<void> {
    if (this.#isToStart) return this.#parts.starts.pass(() => this.#start());
    const { ended } = this.#record;
    if (!this.running) return this.#reporter.say("stopped", { ended: ended! });
    await this.#change();
    this.#reporter.say("running");
  }

  get #isToStart(): boolean {
    const { order, ended } = this.#record;
    return order.wanted !== "stopped" && !this.running && ended?.fence !== order.fence;
  }

  async #start(): Promise<void> {
    const { order } = this;
    this.#reporter.say("preparing");
    await this.#runtime.start(order, {}, () => {
      this.#record.set({ reboots: order.reboots });
      return this.#record.keep();
    });
    this.#reporter.say("running");
    this.wake(); // its order may have changed meanwhile
  }

  /** Its disks, its rules, and the reboots that were asked for. */
  async #change(): Promise<void> {
    const running = this.running!;
    try {
      await this.#runtime.change();
    } finally {
      await this.#reboot(running); // a guest that holds a disk lets it go by that
    }
  }

  async #reboot(running: RunningInstance): Promise<void> {
    const { order, reboots } = this.#record;
    if (order.reboots <= reboots) return;
    await running.reboot();
    this.#record.set({ reboots: order.reboots });
    await this.#record.keep();
  }

  async #forsake(): Promise<void> {
    await this.#runtime.end(0);
    if (this.#migration.isComing) await this.#migration.missed("The cloud was silent for too long");
  }

  /** Nothing of it stays here, unless it has come back meanwhile. */
  async #leave(): Promise<void> {
    await this.#runtime.end(limits.instanceLeaveMs);
    if (!this.#isUnwanted) return this.wake();
    await this.#record.remove();
    if (!this.#isUnwanted) return this.wake();
    const { left } = this.#record.moves ?? {};
    this.#reporter.say("gone", left && { left });
    this.#turns.end();
    this.#parts.left(this.name);
  }

  /** Of one that ended by itself. */
  #ended({ by, exitCode, message }: Ended): void {
    if (this.#turns.isClosed) return;
    if (by !== "crash") {
      const { fence } = this.order;
      const ended = { by, fence, ...(exitCode !== undefined && { exitCode }) };
      this.#record.set({ ended });
      return this.wake();
    }
    const { startedAt = Infinity } = this.report;
    const now = this.#parts.clock.now();
    const reason = message ?? "It ended without having been asked to";
    if (now - startedAt > limits.instanceSoundMs) this.#turns.forgetFailures();
    if (!this.#turns.mayRetry()) return this.#reporter.fails("Server.InternalError", reason);
    const words = reason.slice(0, limits.unreadyReasonMax);
    this.#record.set({ crashed: { fence: this.order.fence, at: now, message: words } });
    this.#parts.log.warn(`the instance ${this.name} has crashed; it is started again`, { message });
    this.#turns.later();
  }

  #failed(thrown: unknown): void {
    const { log, isForsaken } = this.#parts;
    log.warn(`the instance ${this.name} is not as it is to be`, { error: messageOf(thrown) });
    if (isForsaken(this.order)) return this.#turns.later(); // no fault of its own
    const { code, message } = hostingReason(thrown);
    if (this.running) this.#reporter.say("running"); // with what of it is not ready
    if (this.running || this.#isUnwanted) return this.#turns.later();
    const isFinal = code.startsWith("Client.") || !this.#turns.mayRetry();
    this.#isLookedFor ||= isFinal; // to start it again ends whatever is there
    if (isFinal) this.#reporter.fails(code, message);
    else this.#turns.later();
  }
}

/** A guest or an init has things to end in turn; a program that does not know how to end is no better off for waiting. */
function patienceFor({ kind }: InstanceOrder): number {
  return kind === "container" ? limits.containerStopMs : limits.instanceStopMs;
}
