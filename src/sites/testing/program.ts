import { fileURLToPath } from "node:url";
import type { AgentProgram } from "../parts.ts";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** This tree's program, as the control plane would start it. */
export const thisProgram: AgentProgram = {
  command: [process.execPath, main],
  env: { PATH: process.env["PATH"]!, HOME: process.env["HOME"] ?? "/tmp" },
};
