import { fileURLToPath } from "node:url";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { compiledEnv } from "#/base/testing/compiled.ts";
import { agentFiles } from "../../agent-files.ts";
import type { AgentProgram } from "../parts.ts";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** This tree's program, as the control plane would start it; what goes elsewhere is made in `folder`. */
export function thisProgram(folder: string): AgentProgram {
  return {
    command: [process.execPath, main],
    env: { ...compiledEnv, PATH: process.env["PATH"]!, HOME: folder },
    files: agentFiles(nodeHost(silent), folder),
  };
}
