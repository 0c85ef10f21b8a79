import { limits } from "#/base/limits.ts";

/**
 * How projects share the machines: each in proportion to its weight, counted in use and not in
 * tasks. Every project has a virtual time, which runs as fast as it uses CPUs (or the share of
 * memory that stands for as many), divided by its weight; the one whose time is behind is served
 * first. This is start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996), over the dominant
 * share (Ghodsi et al., NSDI 2011).
 *
 * A short task is charged by its step's mean when it is handed out, and what it really took is
 * settled when it ends: what waits on a machine must not count as use. A long one is charged by the
 * clock while it runs, and stands for `lookAheadMs` of use from the first moment on, so that the
 * projects' parts of what runs right now are fair too.
 *
 * A project that had nothing to run has saved nothing up: it starts where the others are.
 */
export interface Share {
  readonly project: string;
  weight: number;
  /** CPU-milliseconds by weight. */
  virtualMs: number;
  /** CPUs held by tasks that are charged by the clock, and until when they are charged. */
  clockedCpus: number;
  clockedToMs: number;
  /** Steps in line and tasks under way: a project without any is idle. */
  activity: number;
}

const lookAheadMs = 1000;
const weightMin = 0.001;

export class Fairness {
  #shares = new Map<string, Share>();
  #virtualMs = 0;

  share(project: string, asked: number): Share {
    const weight = Math.max(asked, weightMin);
    let share = this.#shares.get(project);
    if (!share) {
      share = { project, weight, virtualMs: 0, clockedCpus: 0, clockedToMs: 0, activity: 0 };
      this.#shares.set(project, share);
    }
    return share;
  }

  weigh(project: string, weight: number, nowMs: number): void {
    const share = this.#shares.get(project);
    if (!share) return;
    catchUp(share, nowMs);
    share.weight = Math.max(weight, weightMin);
  }

  /** One more thing keeps this project active. */
  enter(share: Share, nowMs: number): void {
    if (share.activity++ > 0) return;
    let behindMs = Infinity;
    for (const other of this.#shares.values()) {
      if (other === share || other.activity === 0) continue;
      catchUp(other, nowMs);
      behindMs = Math.min(behindMs, other.virtualMs);
    }
    if (behindMs < Infinity) this.#virtualMs = Math.max(this.#virtualMs, behindMs);
    share.virtualMs = Math.min(
      Math.max(share.virtualMs, this.#virtualMs),
      this.#virtualMs + limits.shareCreditMs,
    );
  }

  leave(share: Share): void {
    share.activity--;
  }

  /** Whoever has the lowest is served first. */
  rank(share: Share, nowMs: number): number {
    catchUp(share, nowMs);
    return share.virtualMs + (share.clockedCpus * lookAheadMs) / share.weight;
  }

  /** It is served now: what it could not use for long is forgotten. */
  serve(share: Share): void {
    share.virtualMs = Math.max(share.virtualMs, this.#virtualMs - limits.shareCreditMs);
    this.#virtualMs = Math.max(this.#virtualMs, share.virtualMs);
  }

  /** `cpuMs` of use; below 0 when it was less than had been charged. */
  charge(share: Share, cpuMs: number): void {
    share.virtualMs += cpuMs / share.weight;
  }

  /** `cpus` more are held, or fewer when below 0, and charged by the clock from now on. */
  hold(share: Share, cpus: number, nowMs: number): void {
    catchUp(share, nowMs);
    share.clockedCpus = Math.max(0, share.clockedCpus + cpus);
  }
}

function catchUp(share: Share, nowMs: number): void {
  share.virtualMs += (share.clockedCpus * (nowMs - share.clockedToMs)) / share.weight;
  share.clockedToMs = nowMs;
}
