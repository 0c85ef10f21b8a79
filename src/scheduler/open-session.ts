import { sleep } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { RunningTask, TaskClaim, TaskReport } from "#/model/wire.ts";
import type { Board } from "./board.ts";
import type { Dispatch } from "./dispatch.ts";
import { finish, type Ended } from "./finish.ts";
import type { AgentLink, MachineLoad, Meter, Session } from "./session.ts";
import type { Shuffle } from "./shuffle.ts";
import type { Lease, MachineState, SessionState } from "./state.ts";

/** While the disk is full, reports wait and are tried again. */
const fullMs = 1000;
/** What an agent had in its hands for so many of its beats, it had for limits.prefetchedMsMax by its own clock. */
const stuckBeats = limits.prefetchedMsMax / limits.heartbeatMs;
/** A short task that is seen running by so many beats lasts, whatever its kind. */
const lastingBeats = 2;

export interface SessionParts {
  board: Board;
  dispatch: Dispatch;
  meter: Meter;
  shuffle: Shuffle;
  /** Ends members of gangs: they run again. */
  regroup: (members: readonly Lease[]) => void;
  /** What the machine holds is lost, unless it is back. */
  gone: (machine: MachineState) => void;
}

/** A machine's link as long as it is the newest one of that machine; after that it only takes reports. */
export class OpenSession implements Session, SessionState {
  readonly machine: string;
  readonly agent: AgentLink;
  readonly steps = new Set<string>();
  readonly jobKeyOf: (job: string) => string;
  pullTasks = 0;
  /** Reports that wait for space on the disk. */
  #heldUp = 0;
  /** When the last beats were heard, the oldest first. */
  #beatsMs: number[] = [];
  #state: MachineState;
  #parts: SessionParts;

  constructor(
    state: MachineState,
    agent: AgentLink,
    jobKeyOf: (job: string) => string,
    parts: SessionParts,
  ) {
    this.machine = state.name;
    this.agent = agent;
    this.jobKeyOf = jobKeyOf;
    this.#state = state;
    this.#parts = parts;
  }

  get #isOpen(): boolean {
    return this.#state.session === this;
  }

  pull(max: number): void {
    if (!this.#isOpen) return;
    this.hear();
    this.pullTasks = max > 0 ? Math.min(Math.floor(max), limits.pullTasksMax) : 0;
    if (this.pullTasks > 0) this.#state.isSilent = false;
    this.#parts.dispatch.opened(this.#state);
  }

  beat(beat: MachineLoad & { running: RunningTask[] }): void {
    if (!this.#isOpen) return;
    const { board } = this.#parts;
    const { cpuShare, memoryFreeBytes, watts, running } = beat;
    this.hear();
    this.#state.load = { cpuShare, memoryFreeBytes, ...(watts !== undefined && { watts }) };
    const seen = new Set<Lease>();
    const nowMs = board.clock.monotonicMs();
    for (const { task, fence, sinceMs } of running) {
      const lease = board.heldBy(this.#state, task, fence);
      if (!lease) {
        board.tellCancel(this.#state, [task, fence]);
        continue;
      }
      seen.add(lease);
      lease.begunMs = nowMs - soundMs(sinceMs);
      if (++lease.beats >= lastingBeats && lease.isShort) board.lasts(lease);
    }
    this.#takeBackStuck(seen);
    board.onDue(this.#state);
  }

  /**
   * Short tasks handed out ahead that lasting ones keep from beginning run sooner elsewhere. Beats are
   * counted, and no time is measured: when this process stood still, all that was said meanwhile comes at
   * once, and the end of a task stands behind a beat that was said before it.
   */
  #takeBackStuck(running: ReadonlySet<Lease>): void {
    const { board } = this.#parts;
    const beats = this.#beatsMs.push(board.clock.monotonicMs());
    const untilMs = beats > stuckBeats ? this.#beatsMs.shift()! : -Infinity;
    if (this.#heldUp > 0) return; // they may have ended, and not be recorded yet
    for (const lease of this.#state.leases) {
      if (lease.sinceMs > untilMs) break; // those behind it are younger
      if (!lease.isShort || lease.isEnding || running.has(lease)) continue;
      board.revoke(lease);
      board.giveBack(lease);
    }
  }

  async finish(reports: readonly TaskReport[]): Promise<void> {
    this.hear();
    if (reports.length === 0) return;
    const { board, meter } = this.#parts;
    for (;;) {
      try {
        const { durable, refused, shuffleLost, gangsOver } = finish(
          board,
          meter,
          this.#state,
          reports,
        );
        for (const claim of refused) board.tellCancel(this.#state, claim);
        if (shuffleLost.length > 0)
          await Promise.all(shuffleLost.map((ended) => this.#recover(ended)));
        await durable;
        return void (await Promise.all(gangsOver));
      } catch (thrown) {
        if (!isNoSpace(thrown)) throw thrown;
        await this.#awaitSpace();
      }
    }
  }

  async #recover(ended: Ended): Promise<void> {
    try {
      await this.#parts.shuffle.recover(ended);
    } catch (thrown) {
      if (!isNoSpace(thrown)) throw thrown;
      await this.#awaitSpace();
      await this.finish([ended.report]);
    }
  }

  async #awaitSpace(): Promise<void> {
    this.#heldUp++;
    await sleep(this.#parts.board.clock, fullMs).finally(() => this.#heldUp--);
  }

  release(claims: readonly TaskClaim[]): void {
    this.hear();
    const { board, regroup } = this.#parts;
    const members = new Set<Lease>();
    for (const [task, fence] of claims) {
      const lease = board.heldBy(this.#state, task, fence);
      if (!lease || lease.isEnding) continue;
      if (lease.step.gang) members.add(lease);
      else {
        board.end(lease, 0);
        board.giveBack(lease);
      }
    }
    if (members.size > 0) regroup([...members]);
  }

  struck(hit: string, wasThere: boolean): void {
    this.hear();
    this.#parts.board.happenings?.struck(hit, wasThere);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.pullTasks = 0;
    this.#state.session = undefined;
    this.#parts.board.openings++;
    this.#parts.dispatch.opened(this.#state);
    const { board, gone } = this.#parts;
    board.happenings?.unlinked(this.machine);
    // where time is simulated no machine falls silent, and nobody looks for those that did
    if (board.isSimulated) board.clock.after(limits.leaseLookMs, () => gone(this.#state));
  }

  /** Renews all that the machine holds. Its record may be gone: then nothing does. */
  hear(): void {
    const { clock, space, isSimulated } = this.#parts.board;
    if (!this.#isOpen || !space.get("machine", this.machine)) return;
    this.#state.seenAt = clock.now();
    const wasSilent = this.#state.leasesUntilMs <= clock.monotonicMs();
    this.#state.leasesUntilMs = clock.monotonicMs() + limits.leaseMs;
    if (isSimulated) this.#state.leasesUntilMs = Infinity;
    if (!wasSilent) return;
    this.#parts.board.openings++;
    this.#parts.board.onDue(this.#state);
  }
}

/** How long an agent says that something runs. */
function soundMs(ms: number): number {
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

function isNoSpace(thrown: unknown): boolean {
  return thrown instanceof CanopyError && thrown.code === "no-space";
}
