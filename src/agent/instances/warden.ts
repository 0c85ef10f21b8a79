import { join } from "node:path";
import { limits } from "#/base/limits.ts";
import type { Files } from "#/base/files.ts";
import type { Processes } from "#/base/processes.ts";
import { ShellWatch } from "#/drivers/instances/lasting-shell.ts";

interface WardenParts {
  processes: Processes;
  files: Files;
  /** Of all that the agent hosts. */
  folder: string;
  mark: string;
}

/** Wall clock at which that was sent which the cloud answered last. */
export const answerFile = "answered.json";
/** In an instance's folder, while it has a lease and runs: seconds, and the processes to end. */
export const leaseFile = "lease";

/**
 * Ends what has a lease when the agent cannot: it was killed and did not come back, or stands still. A shell beside it looks each
 * second whether the agent has written that the cloud answered; it counts from when it saw that change, by the time since the
 * computer started, and compares no clocks. It goes when nothing has a lease.
 */
export class Warden {
  #parts: WardenParts;
  #shell: ShellWatch;

  constructor(parts: WardenParts) {
    this.#parts = parts;
    const { processes, folder, mark } = parts;
    this.#shell = new ShellWatch(processes, { name: "CANOPY_WARDEN", mark, folder, script });
  }

  /** Sees that there is one. */
  watch(): void {
    this.#shell.see();
  }

  /** An instance has a lease, and these processes; none when there is no lease, or it does not run. */
  async hold(
    instanceFolder: string,
    leaseMs: number | undefined,
    handles: readonly string[] = [],
  ): Promise<void> {
    const { files } = this.#parts;
    const path = join(instanceFolder, leaseFile);
    if (leaseMs === undefined || handles.length === 0) return files.remove(path);
    const seconds = Math.ceil((leaseMs + limits.hostLookMs) / 1000);
    await files.write(path, `${seconds} ${handles.join(" ")}\n`);
    this.watch();
  }
}

/** A handle is PID:TICKS, so that no later process of that id is ended, or the file that has the id of a container's first one. */
const script = `last= since= idle=0
while [ $idle -lt 10 ]; do
  read -r up rest </proc/uptime; up=\${up%%.*}
  now=; { read -r now <${answerFile}; } 2>/dev/null
  if [ -z "$since" ] || [ "$now" != "$last" ]; then last=$now since=$up; fi
  idle=$((idle + 1))
  for lease in instances/*/${leaseFile}; do
    seconds= handles=
    { read -r seconds handles <"$lease"; } 2>/dev/null || continue
    idle=0
    [ $((up - since)) -gt "$seconds" ] || continue
    for handle in $handles; do
      case $handle in
        /*) pid=; { read -r pid <"$handle"; } 2>/dev/null; [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null ;;
        *) stat=; { read -r stat </proc/\${handle%:*}/stat; } 2>/dev/null || continue
           set -- \${stat##*) }
           [ "\${20}" != "\${handle#*:}" ] || kill -9 "\${handle%:*}" ;;
      esac
    done
  done
  sleep 1
done`;
