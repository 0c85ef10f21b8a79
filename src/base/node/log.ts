import { pino } from "pino";
import type { Log } from "../log.ts";

/** Log lines as JSON on standard error. */
export function stderrLog(level: string, name: string): Log {
  const lines = pino({ level, name, base: { name } }, pino.destination({ dest: 2, sync: true }));
  return {
    debug: (message, fields) => lines.debug(fields, message),
    info: (message, fields) => lines.info(fields, message),
    warn: (message, fields) => lines.warn(fields, message),
    error: (message, fields) => lines.error(fields, message),
  };
}
