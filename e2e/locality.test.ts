import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { newCloud } from "./clouds.ts";
import { JoinedAgent } from "./joined-agent.ts";
import { until } from "./until.ts";

const cloud = newCloud();
const folder = mkdtempSync(join(tmpdir(), "canopy-locality-"));
const agents: JoinedAgent[] = [];
after(async () => {
  await Promise.all(agents.map((agent) => agent.stop()));
  await rm(folder, { recursive: true, force: true });
});

const MiB = 2 ** 20;
const tasks = 16;
const fileBytes = 24 * MiB;

/** What a machine has fetched: what it made itself it keeps under another name. */
function fetchedBytes(agent: JoinedAgent): number {
  const kept = join(agent.folder, "blobs", "default");
  const keys = readdirSync(kept).filter((name) => /^[0-9a-f]{64}$/.test(name));
  return keys.reduce((sum, key) => sum + statSync(join(kept, key)).size, 0);
}

test("tasks run where their input is: hardly any of it is moved", async () => {
  await cloud.up();
  for (const name of ["one", "two", "three"])
    agents.push(
      await JoinedAgent.start(cloud, {
        folder: join(folder, name),
        flags: ["--cpus", "1", "--label", "pool=data"],
      }),
    );
  await until("all have joined, with their label", async () => {
    const { items } = await cloud.call<{ items: { labels: Record<string, string> }[] }>(
      "GET",
      "/v1/machines?connected=true",
    );
    return items.filter(({ labels }) => labels["pool"] === "data").length === agents.length;
  });
  const items = Array.from({ length: tasks }, (_, index) => index);
  const source = { type: "inputs", inputs: items };
  const needs = { cpus: 1, labels: { pool: "data" } };
  const make = `head -c ${fileBytes} /dev/urandom > out; sleep 0.$((RANDOM % 5))`;
  const { id } = await cloud.call<{ id: string }>("POST", "/v1/jobs", {
    title: "pipeline",
    steps: [
      {
        name: "make",
        run: { driver: "process", command: ["bash", "-c", make] },
        needs,
        source,
        outputs: [{ path: "out" }],
      },
      {
        name: "use",
        run: { driver: "process", command: ["bash", "-c", "wc -c out; sleep 0.$((RANDOM % 5))"] },
        needs,
        source,
        inputs: [{ path: "out", from: { step: "make", output: "out" } }],
      },
    ],
  });
  const { code, stderr } = await cloud.canopy("follow", id);
  assert.equal(code, 0, stderr);
  const moved = agents.reduce((sum, agent) => sum + fetchedBytes(agent), 0);
  const all = tasks * fileBytes;
  const said = `${moved / MiB} of ${all / MiB} MiB were moved`;
  console.log(said);
  assert.ok(moved <= all / 4, said);
});
