import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { newCloud } from "./clouds.ts";
import { JoinedAgent } from "./joined-agent.ts";
import { until } from "./until.ts";

const cloud = newCloud();
const agents: JoinedAgent[] = [];
after(() => Promise.all(agents.map((agent) => agent.stop())));

async function must(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cloud.canopy(...args);
  assert.equal(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout;
}

interface Why {
  explanations: { sentence: string; advice?: string; subject?: string }[];
}

test("a task that hangs on one machine gets a second attempt on another, and its job ends", async () => {
  await cloud.up();
  agents.push(await JoinedAgent.start(cloud, { folder: join(cloud.dataFolder, "second") }));
  await until("both machines are there", async () => {
    const { items } = await cloud.call<{ items: { connected: boolean }[] }>("GET", "/v1/machines");
    return items.filter(({ connected }) => connected).length === 2;
  });
  const hung = join(cloud.dataFolder, "hung");
  const script = `if [ {} = 29 ] && mkdir ${hung} 2>/dev/null; then echo $$ > ${hung}/pid; exec sleep 600; fi; sleep 0.3`;
  const { id } = await cloud.call<{ id: string }>("POST", "/v1/jobs", {
    title: "one hangs",
    steps: [
      {
        name: "work",
        run: { driver: "process", command: ["sh", "-c", script] },
        needs: { cpus: 1 },
        retries: 0,
        source: { type: "inputs", inputs: Array.from({ length: 30 }, (_, index) => index) },
      },
    ],
  });
  await must("follow", id);
  const task = `${id}/0/29`;
  const { explanations } = JSON.parse(await must("why", task, "--json")) as Why;
  const said = explanations.map(({ sentence }) => sentence).join("\n");
  assert.match(said, /it succeeded on .*a second attempt was begun on/);
  assert.match(said, /Canopy began a second attempt of .*\/0\/29 on .* it has run for/);
  assert.match(said, /of its like \d+ have ended/);
  assert.match(await must("why", id), /Canopy began a second attempt/);
  assert.ok(existsSync(hung), "the first attempt had begun");
  const pid = readFileSync(join(hung, "pid"), "utf8").trim();
  await until("the attempt that was slower is ended", () => !existsSync(`/proc/${pid}`));
  const { tasks } = await cloud.call<{ tasks: Record<string, number> }>("GET", `/v1/jobs/${id}`);
  assert.equal(tasks["succeeded"], 30);
  assert.equal(tasks["failed"], 0);
});

test("a machine on which tasks fail that do well elsewhere is mistrusted, and the job ends all the same", async () => {
  const { id } = await cloud.call<{ id: string }>("POST", "/v1/jobs", {
    title: "fails on one machine",
    steps: [
      {
        name: "work",
        run: {
          driver: "process",
          command: ["sh", "-c", "case $PWD in */second/*) exit 3;; esac; sleep 0.2"],
        },
        needs: { cpus: 1 },
        retries: 20,
        retryMs: 100,
        source: { type: "inputs", inputs: Array.from({ length: 150 }, (_, index) => index) },
      },
    ],
  });
  const name = agents[0]!.machine!;
  await must("follow", id);
  const { standing } = await cloud.call<{ standing?: { phase: string; reason: string } }>(
    "GET",
    `/v1/machines/${name}`,
  );
  assert.match(standing!.reason, /\d+ of the last \d+ tasks failed there/);
  const { explanations } = JSON.parse(await must("why", name, "--json")) as Why;
  const said = explanations.map(({ sentence }) => sentence).join("\n");
  assert.match(said, /Canopy put .* on trial: one task at a time/);
  assert.match(await must("machines"), /on trial|isolated/);
  await must("machines", "uncordon", name);
  const trusted = await cloud.call<{ standing?: object }>("GET", `/v1/machines/${name}`);
  assert.equal(trusted.standing, undefined);
});
