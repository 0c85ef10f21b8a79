import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

const cloudFile = fileURLToPath(new URL("cloud.ts", import.meta.url));

/** Someone who starts a cloud, with a command that goes on for long, and then comes to an end by itself or is killed. */
const careless = `
import "node:test";
import { TestCloud } from ${JSON.stringify(cloudFile)};
const cloud = new TestCloud();
await cloud.up();
void cloud.canopy("run", "--", "sleep", "600");
let items = [];
while (items.length === 0) ({ items } = await cloud.call("GET", "/v1/jobs"));
console.log(JSON.stringify({ folder: cloud.dataFolder, pids: [cloud.pid, cloud.agentPid] }));
if (process.env.END === "throws") throw new Error("outside of all tests");
await new Promise((resolve) => setTimeout(resolve, 600_000));
`;

const isAlive = (pid: number) => existsSync(`/proc/${pid}`);

for (const end of ["throws", "SIGKILL", "SIGTERM"] as const)
  test(`what runs for a cloud ends with whoever started it, and its folder is removed: ${end}`, async () => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", careless], {
      stdio: ["ignore", "pipe", "ignore"],
      env: { PATH: process.env["PATH"], END: end },
    });
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    const { folder, pids } = JSON.parse(line) as { folder: string; pids: number[] };
    if (end !== "throws") child.kill(end);
    await until("all have ended", () => !existsSync(folder) && !pids.some(isAlive));
    assert.equal(pids.length, 2);
  });
