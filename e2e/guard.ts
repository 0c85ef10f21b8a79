import { spawn } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";

let guard: Socket | undefined;

/**
 * Has what was started for a folder ended, and the folder removed, when this process ends and has left it behind. Another
 * process does that: what ends by SIGKILL, or by an error outside of all tests, is asked nothing before.
 */
export function guarded(folder: string): void {
  guard ??= startGuard();
  guard.write(`${folder}\n`);
}

function startGuard(): Socket {
  const program = fileURLToPath(new URL("guard-program.ts", import.meta.url));
  const child = spawn(process.execPath, [program], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env: {},
  });
  const stdin = child.stdin as Socket;
  child.unref();
  stdin.unref();
  return stdin;
}
