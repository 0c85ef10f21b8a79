import type { Clock, Timer } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import { Deposed, type Leader, type SharedLog } from "./log.ts";
import type { Space } from "./space.ts";

export interface LeadershipParts {
  /** One that follows the log, and is nobody else's to advance. */
  space: Space;
  log: SharedLog;
  clock: Clock;
  report: Log;
  /** Where others reach this control plane. */
  url: string;
  /** Called once, when the space has read all there is and takes commits. */
  onLead: () => void;
  /** Called once, when this space is of no more use: make another one that follows. */
  onOver: (reason: string) => void;
}

/** How a control plane stands to the others of its log. */
export interface Standing {
  /** Whether it leads, as far as it knows: only then it takes changes and serves machines. */
  readonly isLeading: boolean;
  /** Whether it leads and no other can at this moment. */
  readonly isSure: boolean;
  /** Who leads, as the log said last; undefined while nobody is known to. */
  readonly leader: { epoch: number; url: string } | undefined;
  /** Since it last knew all that the log holds. */
  readonly behindMs: number;
  /** Reads all that the log holds by now: what was acknowledged before this was called is then known. Throws when it cannot be reached. */
  catchUp(): Promise<void>;
  /** Resolves when something may have changed: who leads, how sure that is. */
  changed(): Promise<void>;
}

/** The standing of one whose log is nobody else's. */
export function standsAlone(space: Space, url: () => string): Standing {
  return {
    isLeading: true,
    isSure: true,
    get leader() {
      return { epoch: space.epoch, url: url() };
    },
    behindMs: 0,
    catchUp: () => Promise.resolve(),
    changed: () => new Promise(() => {}),
  };
}

const tickMs = limits.leaderBeatMs / 5;
/** A beat less than the silence: a log may take an append that is under way for a beat. */
const sureMs = limits.leaderSilentMs - limits.leaderBeatMs;

/**
 * One control plane's part in who leads: it follows the log, leads when nobody else does, and says
 * that it lives for as long as it leads. It begins once and ends once: who has led and leads no more
 * has a space that nobody can trust, and begins anew with another.
 *
 * Another may lead when the log has not heard this one for `limits.leaderSilentMs`. What is heard is
 * dated here by when it was sent, which is earlier, so that `isSure` turns false before another leads,
 * as long as the clocks of the two run equally fast; it is asked before anything is done that the log
 * does not itself refuse to a deposed leader: handing out work, and answering what was read.
 */
export class Leadership implements Standing {
  #parts: LeadershipParts;
  #phase: "following" | "reading" | "leading" | "resigned" | "over" = "following";
  #loop: Loop | undefined;
  #tick: Timer | undefined;
  #tickedMs = 0;
  #beatenMs = 0;
  #isBeating = false;
  /** When what the log last heard of this leader was sent. */
  #heardMs = -Infinity;
  /** Of the time since then, how long this process did not run. */
  #stoodStillMs = 0;
  /** When this follower last read to the end of the log. */
  #readMs = -Infinity;
  #leader: Leader | undefined;
  #isCutOff = false;
  #reading: Promise<void> | undefined;
  #nextReading: Promise<void> | undefined;
  #waiting = new Set<() => void>();
  #ended = Promise.withResolvers<void>();

  constructor(parts: LeadershipParts) {
    this.#parts = parts;
  }

  start(): void {
    const { log, clock, report } = this.#parts;
    this.#readMs = clock.monotonicMs(); // the space has just been loaded
    const turn = () => this.#turn();
    this.#loop = startLoop("follow", turn, { clock, log: report, everyMs: limits.followMs });
    log.onNews = () => this.#loop?.wake();
    this.#loop.wake();
  }

  get isLeading(): boolean {
    return this.#phase === "leading";
  }

  get isSure(): boolean {
    return this.#phase === "leading" && this.#parts.clock.monotonicMs() - this.#heardMs < sureMs;
  }

  get leader(): { epoch: number; url: string } | undefined {
    if (this.#phase === "leading") {
      return { epoch: this.#parts.space.epoch, url: this.#parts.url };
    }
    const leader = this.#phase === "over" ? undefined : this.#leader;
    return leader && leader.silentMs < limits.leaderSilentMs ? leader : undefined;
  }

  get behindMs(): number {
    const { clock } = this.#parts;
    if (this.isSure) return 0;
    return clock.monotonicMs() - Math.max(this.#readMs, this.#heardMs);
  }

  /**
   * One reading for all who ask while the one before it is under way. It counts only when the log has heard its leader:
   * a server of the log that was left behind by a standby gives an old end, and has heard nobody since then.
   */
  catchUp(): Promise<void> {
    return (this.#nextReading ??= this.#readAfter(this.#reading));
  }

  async #readAfter(before: Promise<void> | undefined): Promise<void> {
    await before?.catch(() => {});
    this.#reading = this.#nextReading;
    this.#nextReading = undefined;
    if (this.isLeading) return;
    let leader: Leader | undefined;
    try {
      await this.#parts.space.advance();
      leader = await this.#parts.log.leader();
      this.#readMs = this.#parts.clock.monotonicMs();
    } catch (thrown) {
      this.#failed(thrown);
      throw thrown;
    }
    if (this.#phase !== "following" && this.#phase !== "reading")
      throw new CanopyError("unavailable", "Cannot read the log as this control plane stops");
    if ((leader?.silentMs ?? Infinity) >= limits.leaderSilentMs)
      throw new CanopyError(
        "unavailable",
        "Cannot tell whether this is the log's end as it has not heard its leader",
      );
  }

  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  /** Writes what is pending, then lets another lead at once. From then on this one only knows who leads. */
  async resign(): Promise<void> {
    const { space, log } = this.#parts;
    if (this.#phase === "leading") await Promise.race([space.durable(), this.#ended.promise]);
    if (this.#hasEnded()) return;
    this.#phase = "resigned";
    this.#leader = undefined;
    space.stepDown();
    this.#tick?.cancel();
    await log.resign();
    this.#tell();
  }

  /** Neither follows nor leads any more. */
  stop(): void {
    this.#end();
  }

  async #turn(): Promise<void> {
    const { space, log, clock, report } = this.#parts;
    if (this.#phase === "resigned") return this.#lookWhoLeads();
    if (this.#phase !== "following") return;
    try {
      await space.advance();
      this.#leader = await log.leader();
      this.#readMs = clock.monotonicMs();
      if (this.#isCutOff) report.warn("the log is reached again");
      this.#isCutOff = false;
      this.#tell();
      const silentMs = this.#leader?.silentMs ?? Infinity;
      const restMs = limits.leaderSilentMs - silentMs;
      if (restMs <= 0) await this.#tryToLead();
      else if (restMs < limits.followMs) clock.after(restMs, () => this.#loop?.wake(), true);
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  async #lookWhoLeads(): Promise<void> {
    const leader = await this.#parts.log.leader().catch(() => undefined);
    if (leader && leader.epoch !== this.#parts.space.epoch) this.#leader = leader;
    this.#tell();
  }

  #failed(thrown: unknown): void {
    if (this.#phase === "over" || this.#phase === "resigned") return;
    if (thrown instanceof Deposed) return this.#over("another control plane leads");
    if (isGone(thrown)) return this.#over(messageOf(thrown));
    if (this.#phase === "reading") return this.#over(`the log failed: ${messageOf(thrown)}`);
    if (!this.#isCutOff) {
      this.#parts.report.warn("the log cannot be reached, and is tried again", {
        error: messageOf(thrown),
      });
    }
    this.#isCutOff = true;
  }

  async #tryToLead(): Promise<void> {
    const { space, log, clock, report, url, onLead } = this.#parts;
    const sentMs = clock.monotonicMs();
    const epoch = await log.lead(url);
    if (epoch === undefined) return void (this.#leader = await log.leader());
    if (this.#phase !== "following") return log.resign();
    this.#phase = "reading";
    this.#heardMs = sentMs;
    this.#beatenMs = sentMs;
    this.#tickedMs = clock.monotonicMs();
    this.#arm();
    // Nobody else can append any more: the end that is read now stays the end.
    await space.advance();
    if (this.#phase !== "reading") return;
    space.lead(epoch);
    this.#phase = "leading";
    report.info("this control plane leads", { epoch, sequence: space.sequence });
    onLead();
    this.#tell();
  }

  #arm(): void {
    this.#tick = this.#parts.clock.after(tickMs, () => this.#watch(), true);
  }

  /** Beats in time, and steps down when that has not been heard for too long; time in which the process stood still gives it one more chance. */
  #watch(): void {
    if (this.#phase !== "reading" && this.#phase !== "leading") return;
    const nowMs = this.#parts.clock.monotonicMs();
    const passedMs = nowMs - this.#tickedMs;
    this.#tickedMs = nowMs;
    if (passedMs > limits.leaderBeatMs) this.#stoodStillMs += passedMs;
    if (nowMs - this.#heardMs - this.#stoodStillMs >= limits.leaderSilentMs) {
      return this.#over(`the log could not be reached for ${limits.leaderSilentMs} ms`);
    }
    if (!this.#isBeating && nowMs - this.#beatenMs >= limits.leaderBeatMs) void this.#beat(nowMs);
    this.#arm();
  }

  async #beat(sentMs: number): Promise<void> {
    this.#isBeating = true;
    this.#beatenMs = sentMs;
    try {
      await this.#parts.log.beat();
      const wasSure = this.isSure;
      this.#heardMs = sentMs;
      this.#stoodStillMs = 0;
      if (!wasSure) this.#tell();
    } catch (thrown) {
      if (thrown instanceof Deposed) this.#failed(thrown);
    } finally {
      this.#isBeating = false;
    }
  }

  #hasEnded(): boolean {
    return this.#phase === "over";
  }

  #over(reason: string): void {
    if (this.#hasEnded()) return;
    this.#parts.report.warn("this control plane begins anew as a follower", { reason });
    this.#end();
    this.#parts.onOver(reason);
  }

  /** The space's log failed, or refused what it was given: this space must not go on. */
  broken(thrown: unknown): void {
    this.#over(thrown instanceof Deposed ? "another control plane leads" : messageOf(thrown));
  }

  #end(): void {
    this.#phase = "over";
    this.#ended.resolve();
    this.#parts.space.stepDown();
    this.#parts.log.onNews = () => {};
    this.#loop?.stop();
    this.#tick?.cancel();
    this.#tell();
  }

  #tell(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

/** What comes next is not in the log: it was trimmed, or the log lost its end. */
function isGone(thrown: unknown): boolean {
  return thrown instanceof CanopyError && thrown.code === "not-found";
}
