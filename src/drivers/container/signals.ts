import { HostingError } from "../instances/hosting-error.ts";

/** By number from 1, as Linux has them on the processors that it is used on with containers (signal(7)). */
const names = (
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU " +
  "XFSZ VTALRM PROF WINCH IO PWR SYS"
).split(" ");

const realTimeFirst = 34;
const realTimeLast = 64;

/**
 * The number of "SIGTERM", "TERM", "15" or "SIGRTMIN+3", as images name the signal that they are stopped by; SIGTERM's for "".
 * Throws HostingError "Client.InvalidImage" for another word.
 */
export function signalNumber(text: string): number {
  if (text === "") return names.indexOf("TERM") + 1;
  const word = text.toUpperCase().replace(/^SIG/, "");
  const index = names.indexOf(word);
  if (index >= 0) return index + 1;
  const [, end, sign, steps] = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(word) ?? [];
  const from = end === "MIN" ? realTimeFirst : realTimeLast;
  const number = end ? from + Number(steps ?? 0) * (sign === "-" ? -1 : 1) : Number(word);
  if (/^(\d+|RT.*)$/.test(word) && number >= 1 && number <= realTimeLast) return number;
  throw new HostingError(
    "Client.InvalidImage",
    `Cannot stop the image by its signal as that must be one of Linux's: it is '${text}'`,
  );
}
