import type { Timer } from "#/base/clock.ts";
import { briefDuration, briefSize } from "#/model/units.ts";
import type { ProgressMode } from "../progress-mode.ts";
import { fitted } from "../table.ts";
import type { Output, Terminal } from "../terminal.ts";
import { countOf } from "../words.ts";

/** How much of what has to be brought is there. */
export interface Transfers {
  files: number;
  filesDone: number;
  bytes: number;
  bytesDone: number;
  /** What is under way. */
  names: ReadonlySet<string>;
}

/** A person, or a program, sees it change so often, a pipe gets at most a line in that time. */
const tickMs = 200;
const plainMs = 10_000;
const barWidth = 24;

/** Tells how transfers go on, until it is ended. */
export function tellTransfers(
  mode: ProgressMode,
  { err, world }: Pick<Terminal, "err" | "world">,
  read: () => Transfers,
): { end(): void } {
  const { clock } = world;
  if (mode === "quiet") return { end() {} };
  const startMs = clock.monotonicMs();
  let timer: Timer | undefined;
  let said = "";
  const everyMs = mode === "plain" ? plainMs : tickMs;
  const say = () => {
    const now = read();
    const elapsedMs = clock.monotonicMs() - startMs;
    if (mode === "json") err.write(`${JSON.stringify(eventOf(now, elapsedMs))}\n`);
    else {
      const line = lineOf(now, elapsedMs, err);
      if (mode === "tty") err.write(`\r\u001b[2K${fitted(line, err.columns - 1)}`);
      else if (line !== said) err.write(`${line}\n`);
      said = line;
    }
    timer = clock.after(everyMs, say, true);
  };
  timer = clock.after(everyMs, say, true);
  return {
    end() {
      timer?.cancel();
      if (mode === "tty" && said !== "") err.write("\r\u001b[2K");
    },
  };
}

function eventOf({ files, filesDone, bytes, bytesDone }: Transfers, elapsedMs: number) {
  return { type: "progress", elapsedMs, files, filesDone, bytes, bytesDone };
}

function lineOf(now: Transfers, elapsedMs: number, err: Output): string {
  const { files, filesDone, bytes, bytesDone, names } = now;
  const share = bytes === 0 ? 0 : Math.min(1, bytesDone / bytes);
  const done = Math.round(share * barWidth);
  const bar = err.isTty
    ? `${err.paint("green", "█".repeat(done))}${err.paint("dim", "░".repeat(barWidth - done))} `
    : "";
  const perSecond = bytesDone / Math.max(0.001, elapsedMs / 1000);
  const left = perSecond > 0 && bytes > bytesDone ? ((bytes - bytesDone) / perSecond) * 1000 : 0;
  const [name = ""] = names;
  return [
    `${bar}${Math.floor(share * 100)}%`,
    `${briefSize(bytesDone)} of ${briefSize(bytes)}`,
    `${briefSize(perSecond)}/s`,
    ...(files > 1 ? [`${countOf(filesDone)} of ${countOf(files)} files`] : []),
    ...(left > 0 ? [`${briefDuration(left)} left`] : []),
    name,
  ]
    .filter(Boolean)
    .join(" · ");
}
