import { limits } from "#/base/limits.ts";
import type { Processes } from "#/base/processes.ts";
import { ShellWatch } from "../instances/lasting-shell.ts";

/**
 * Keeps what guests print short. QEMU adds it to a file for as long as it runs, also while the agent is away: so it is a shell
 * beside it that cuts the file when that is too long, its last bytes kept in another. QEMU writes at the file's end wherever that
 * is: it is emptied, and not replaced.
 */
export function consoleShell(processes: Processes, mark: string, instances: string): ShellWatch {
  return new ShellWatch(processes, {
    name: "CANOPY_CONSOLES",
    mark: `${mark}/${instances}`,
    folder: instances,
    script,
  });
}

const script = `idle=0
while [ $idle -lt 3 ]; do
  idle=$((idle + 1))
  for log in */console.log; do
    [ -e "\${log%console.log}machine.json" ] || continue
    idle=0
    size=$(stat -c %s "$log") && [ "$size" -ge ${limits.consoleFileBytesMax} ] || continue
    tail -c ${limits.guestConsoleBytesMax} "$log" >"$log.next" && mv "$log.next" "$log.before" && : >"$log"
  done
  sleep ${limits.consoleLookMs / 1000}
done`;
