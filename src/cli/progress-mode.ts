import { Option } from "commander";

/** How progress is told: redrawn for a person, as lines for a pipe, as events for a program, or not. */
export type ProgressMode = "tty" | "plain" | "json" | "quiet";

export function progressOption(): Option {
  return new Option("--progress <mode>", "how to tell progress, on stderr")
    .choices(["auto", "tty", "plain", "json", "quiet"])
    .default("auto");
}
