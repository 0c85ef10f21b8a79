import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { ControlPlaneView } from "#/model/views.ts";
import type { Standing } from "#/space/leadership.ts";
import type { Space } from "#/space/space.ts";

/** Answers tell by it which control planes there are: their URLs, with commas between. */
export const membersHeader = "canopy-control-planes";

interface Parts {
  space: Space;
  standing: Standing;
  clock: Clock;
  publicUrl: () => string;
}

/** The control planes of one log: followers tell the leader of themselves, and are told of the others. */
export class Members {
  #parts: Parts;
  #others = new Map<string, { view: ControlPlaneView; seenMs: number }>();
  #listeners = new Set<() => void>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Takes in what another one, or the leader about all, has just told. */
  learn(views: readonly ControlPlaneView[]): void {
    const seenMs = this.#parts.clock.monotonicMs();
    const own = this.#parts.publicUrl();
    let isNew = false;
    for (const view of views) {
      if (view.url === own) continue;
      isNew ||= !this.#others.has(view.url);
      this.#others.set(view.url, { view, seenMs });
    }
    if (isNew) for (const listener of this.#listeners) listener();
  }

  /** Calls it each time when one was heard of that was not known, until the function given back is called. */
  onJoined(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** This one as it is at this moment. */
  own(): ControlPlaneView {
    const { space, standing, publicUrl } = this.#parts;
    const behindMs = standing.isLeading ? 0 : Math.round(standing.behindMs);
    const role = standing.isLeading ? "leader" : "follower";
    return { url: publicUrl(), role, sequence: space.sequence, behindMs };
  }

  /** All that were heard of lately, this one included; the leader first. */
  list(): ControlPlaneView[] {
    const untilMs = this.#parts.clock.monotonicMs() - limits.announcedMs;
    const { standing } = this.#parts;
    const own = this.own();
    const list = [own];
    for (const [url, { view, seenMs }] of this.#others) {
      if (seenMs < untilMs) this.#others.delete(url);
      else list.push({ ...view, role: url === standing.leader?.url ? "leader" : "follower" });
    }
    return list.sort((a, b) => Number(b.role === "leader") - Number(a.role === "leader"));
  }

  urls(): string[] {
    return this.list().map(({ url }) => url);
  }
}
