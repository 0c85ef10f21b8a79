import type { FunctionOrder, FunctionReport } from "#/model/function-wire.ts";

/** What is said to one machine. Called synchronously; must not throw. */
export interface FunctionLink {
  order(order: FunctionOrder): void;
}

/** One machine's link, as it concerns functions. */
export interface FunctionSession {
  reported(report: FunctionReport): void;
  close(): void;
}
