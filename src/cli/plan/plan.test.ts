import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startAgent } from "#/api/testing/agent.ts";
import { startWorld, type World } from "#/api/testing/world.ts";
import type { PlanView } from "#/model/plan-views.ts";
import type { JobView } from "#/model/views.ts";
import { canopy } from "../testing/terminal.ts";
import type { PlanFile } from "./file.ts";

let world: World;
let env: Record<string, string>;
let folder: string;
before(async () => {
  world = await startWorld();
  const url = await world.listen();
  folder = world.folder;
  env = { CANOPY_URL: url, CANOPY_KEY: world.root, XDG_CONFIG_HOME: folder };
  await startAgent(world, url, { cpus: 4 });
  await writeFile(join(folder, "inputs.txt"), "one\ntwo\n".repeat(200));
  await offering(400_000);
});
after(() => world.stop());

const run = (...argv: string[]) => canopy(argv, { env, folder });
const promise = ["--each", "inputs.txt", "--deadline", "30m", "--expect", "1m"];
const words = [...promise, "--", "sleep", "60"];
const kept = async (name: string) =>
  JSON.parse(await readFile(join(folder, name), "utf8")) as PlanFile;

/** A site of one offer at that price. */
async function offering(microsPerHour: number): Promise<void> {
  const shape = { milliCpus: 8000, memoryBytes: 2 ** 35, microsPerHour };
  const offer = { name: "large", ...shape, bootMs: { median: 20_000, p90: 30_000 } };
  const answer = await world.call("PUT", "/v1/sites/lab", {
    body: { config: { type: "simulated", machinesMax: 20, offers: [offer] } },
  });
  assert.equal(answer.statusCode, 200, answer.body);
  await world.sites.look("lab");
}

test("a kept plan is run once, exactly as it was shown", async () => {
  const planned = await run("plan", "-o", "p.json", ...words);
  assert.equal(planned.code, 0, planned.stderr);
  assert.match(planned.stdout, /lab +large|lab\tlarge/);
  assert.match(planned.stdout, /Go on with: canopy apply p\.json/);
  const { plan, sources } = await kept("p.json");
  assert.deepEqual(Object.keys(sources), ["inputs.txt"]);
  const same = await run("plan", "p.json");
  assert.equal(same.code, 0, same.stdout + same.stderr);
  const applied = await run("apply", "p.json", "-d", "--json");
  assert.equal(applied.code, 0, applied.stderr);
  const job = JSON.parse(applied.stdout) as JobView;
  const orders = [...world.space.all("order")].filter(({ spec }) => spec.job === job.id);
  const [bought] = plan.considered.filter(({ isPresent, count }) => !isPresent && count > 0);
  assert.equal(orders.length, bought!.count);
  const again = await run("apply", "p.json", "-d", "--json");
  assert.equal((JSON.parse(again.stdout) as JobView).id, job.id);
  const count = [...world.space.all("order")].length;
  assert.equal(count, orders.length);
  await run("cancel", job.id, "--yes");
});

test("a plan that does not hold any more is refused with what has changed, and planned again with exit code 10", async () => {
  assert.equal((await run("plan", "-o", "q.json", ...words)).code, 0);
  await offering(500_000);
  const refused = await run("apply", "q.json", "-d");
  assert.equal(refused.code, 5, refused.stderr);
  assert.match(refused.stderr, /lab large costs 0\.50 an hour, and 0\.40 when it was planned/);
  const differs = await run("plan", "q.json", "--json");
  assert.equal(differs.code, 10, differs.stderr);
  const { differences } = JSON.parse(differs.stdout) as PlanView & { differences: string[] };
  assert.match(differences.join("; "), /lab large: costs 0\.50 USD an hour, it was 0\.40 USD/);
  await offering(300_000);
  const cheaper = await run("apply", "q.json", "-d");
  assert.equal(cheaper.code, 0, cheaper.stderr);
  await run("cancel", cheaper.stdout.trim(), "--yes");
});

test("a plan whose sources or whose file were changed is not run", async () => {
  assert.equal((await run("plan", "-o", "r.json", ...words)).code, 0);
  await writeFile(join(folder, "inputs.txt"), "one\n");
  const refused = await run("apply", "r.json", "-d");
  assert.equal(refused.code, 5);
  assert.match(refused.stderr, /inputs\.txt has changed[\s\S]*--as-planned/);
  const file = await kept("r.json");
  file.plan.considered.find(({ count }) => count > 0)!.count += 1;
  await writeFile(join(folder, "s.json"), JSON.stringify(file));
  const edited = await run("apply", "s.json", "-d", "--as-planned");
  assert.equal(edited.code, 5);
  assert.match(edited.stderr, /s\.json as it must be what was planned: it was changed/);
  const whole = await run("apply", "r.json", "-d", "--as-planned");
  assert.equal(whole.code, 0, whole.stderr);
  assert.equal((await run("apply", "none.json")).code, 3);
  assert.equal((await run("apply", "inputs.txt")).code, 2);
});
