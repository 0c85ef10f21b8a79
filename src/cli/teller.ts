import type { Clock, Timer } from "#/base/clock.ts";
import { picture, plainLine, type Progress } from "./progress.ts";
import type { ProgressMode } from "./progress-mode.ts";
import type { Output } from "./terminal.ts";

/** Tells how a job goes on. */
export interface Teller {
  tell(progress: Progress): void;
  /** Writes to the data output without disturbing what is drawn. */
  around(write: () => void): void;
  /** Takes away what is drawn. */
  end(): void;
}

/** A pipe gets at most a line in this time. */
const plainMs = 10_000;

export function tellerOf(mode: ProgressMode, err: Output, clock: Clock): Teller {
  if (mode === "tty") return drawing(err, clock);
  if (mode === "plain") return lines(err, clock);
  if (mode === "json") return events(err);
  return { tell() {}, around: (write) => write(), end() {} };
}

/** Redraws the same lines, so that what was printed above stays. */
function drawing(err: Output, clock: Clock): Teller {
  let drawn = 0;
  let latest: Progress | undefined;
  let tick: Timer | undefined;
  const clear = () => {
    if (drawn > 0) err.write(`\u001b[${drawn}A\u001b[0J`);
    drawn = 0;
  };
  const draw = () => {
    if (!latest) return;
    const text = picture(latest, err);
    // One write, or the picture flickers.
    err.write(
      `${drawn > 0 ? `\u001b[${drawn}A` : ""}${text.map((line) => `\u001b[2K${line}\n`).join("")}\u001b[0J`,
    );
    drawn = text.length;
  };
  const beat = () => {
    if (latest) latest = { ...latest, elapsedMs: latest.elapsedMs + 1000 };
    draw();
    tick = clock.after(1000, beat, true);
  };
  return {
    tell(progress) {
      tick?.cancel();
      latest = progress;
      draw();
      tick = clock.after(1000, beat, true);
    },
    around(write) {
      clear();
      write();
      draw();
    },
    end() {
      tick?.cancel();
      clear();
      latest = undefined;
    },
  };
}

/** A line when something has changed, and not too often. */
function lines(err: Output, clock: Clock): Teller {
  let lastMs = -Infinity;
  let lastSaid = "";
  const say = (progress: Progress) => {
    const said = JSON.stringify([
      progress.job.kinds,
      progress.job.phase,
      progress.job.waits,
      progress.trouble,
    ]);
    if (said === lastSaid) return;
    lastSaid = said;
    lastMs = clock.monotonicMs();
    err.write(`${plainLine(progress)}\n`);
  };
  return {
    tell(progress) {
      if (clock.monotonicMs() - lastMs >= plainMs) say(progress);
    },
    around: (write) => write(),
    end() {},
  };
}

/** NDJSON: the job at each change. */
function events(err: Output): Teller {
  return {
    tell({ job, elapsedMs }) {
      err.write(
        `${JSON.stringify({ type: job.phase === "running" ? "progress" : "end", elapsedMs, job })}\n`,
      );
    },
    around: (write) => write(),
    end() {},
  };
}
