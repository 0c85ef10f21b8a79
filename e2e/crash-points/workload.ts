import { createHash } from "node:crypto";
import { openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { loadSecrets } from "#/access/secrets.ts";
import { identify } from "#/agent/identity.ts";
import { sleep } from "#/base/clock.ts";
import { nodeHost } from "#/base/node/host.ts";
import { stderrLog } from "#/base/node/log.ts";
import type { AnyRecord, Kind } from "#/model/record.ts";
import { FileBlobs } from "#/blobs/files.ts";
import { SqliteLog } from "#/space/logs/sqlite.ts";
import { Space, type Draft, type Transaction } from "#/space/space.ts";
import { Chance } from "#/base/testing/chance.ts";
import type { Mark, Told } from "./marks.ts";

// One life of a process that keeps things: `workload.ts ROOT MARKS SEED LIFE`. It says in MARKS what it is
// about to do and what it was told is kept; every other life ends as by kill -9, in the middle of it all.
const [root, marksFile, seed, life] = process.argv.slice(2) as [string, string, string, string];
const chance = new Chance(Number(seed) * 100 + Number(life));
const marks = openSync(marksFile, "a");
const mark = (said: Mark) => writeSync(marks, `${JSON.stringify(said)}\n`);
const host = nodeHost(stderrLog("error", "workload"));
const { files, clock, random, log: report } = host;
const commits = 60;

await files.makeFolder(root, { durable: true });
const space = await Space.open({
  // Small bounds, so that what is seldom comes often.
  log: new SqliteLog(join(root, "space.db"), {
    checkpointPages: 80,
    changesKeptBytes: 60_000,
    growBytes: 100_000,
  }),
  clock,
  report,
  onBroken: (error) => {
    throw error;
  },
});
let count = Number(space.get("project", "count")?.spec.title ?? 0);
mark({ life: Number(life), count, epoch: space.epoch });
const { rootToken, signing } = await loadSecrets(root, files, random);
mark({ kept: "root-token", holds: rootToken });
mark({ kept: "signing-secret", holds: signing });
const { key } = await identify({
  host: { ...host, network: { ...host.network, request: async () => joined() } },
  folder: join(root, "agent"),
  urls: ["http://127.0.0.1:1"],
  token: "t",
  labels: {},
});
mark({ kept: "agent/identity.json", holds: key });
const blobs = await FileBlobs.open({ files, clock, folder: join(root, "blobs") });

/** Names of tasks that this life archived. */
const ended: string[] = [];
const under: Promise<void>[] = [];
for (let commit = 0; commit < commits; commit++) {
  if (chance.below(12) === 0) under.push(...putBlobs());
  const isTogether = chance.below(3) === 0;
  const number = ++count;
  const told: Told[] = [];
  const plan = [...planOf(number), ...(await comeBack())];
  const { durable } = space.commit((tx) => plan.forEach((action) => action(tx, told)));
  mark({ begun: number, told }); // before this turn ends, and with it anything can be written
  under.push(durable.then(() => void mark({ kept: number })));
  if (!isTogether && chance.below(4) > 0) await under.at(-1);
  if (isTogether && chance.below(8) === 0) await sleep(clock, 1);
}
if (Number(life) % 2 === 0) process.kill(process.pid, "SIGKILL");
await Promise.all(under);
await space.close();

/** What one commit does: new tasks in runs, tasks that end, come back and go, and the count of commits. */
function planOf(number: number): ((tx: Transaction, told: Told[]) => void)[] {
  const put = (kind: Kind, name: string, text: string) => (tx: Transaction, told: Told[]) => {
    tx.put(recordOf(kind, name, text) as Draft<AnyRecord>);
    told.push(["put", kind, name, text]);
  };
  const plan = [put("project", "count", String(number))];
  const step = `j${chance.below(3)}/${chance.below(2)}`;
  const from = number * 1000;
  const length = chance.pick([1, 1, 2, 5, 12, 40]);
  for (let index = from; index < from + length; index++)
    plan.push(put("task", `${step}/${index}`, textOf(chance.pick([8, 30, 30, 200]))));
  if (chance.below(6) === 0) plan.push(put("task", `${step}/${from + 900}`, textOf(20_000)));
  const live = [...space.all("task")];
  const start = chance.below(live.length || 1);
  const phase = chance.pick(["succeeded", "succeeded", "failed"]);
  for (const { name } of live.slice(start, start + chance.pick([0, 1, 3, 30]))) {
    const op = chance.pick([...Array<"archive">(12).fill("archive"), "put", "delete"] as const);
    const text = textOf(chance.pick([8, 100]));
    if (op === "put") plan.push(put("task", name, text));
    else if (op === "archive") {
      plan.push((tx, told) => {
        tx.archive(recordOf("task", name, text, phase) as Draft<AnyRecord>);
        told.push([op, "task", name, text]);
      });
      ended.push(name);
    } else {
      plan.push((tx, told) => {
        tx.delete("task", name);
        told.push([op, "task", name, ""]);
      });
    }
  }
  return plan;
}

/** Now and then some that were archived live again, as when a job is retried. */
async function comeBack() {
  if (chance.below(5) > 0) return [];
  const start = chance.below(ended.length || 1);
  const found = await space.find("task", ended.splice(start, chance.pick([1, 4])));
  return found.flatMap((record) => {
    if (!record || space.get("task", record.name)) return [];
    const text = textOf(30);
    return (tx: Transaction, told: Told[]) => {
      tx.put({ ...record, spec: { input: text }, status: { phase: "waiting" } });
      told.push(["put", "task", record.name, text]);
    };
  });
}

function recordOf(kind: Kind, name: string, text: string, phase = "waiting") {
  const known = space.get(kind, name);
  const spec = kind === "task" ? { input: text } : { title: text, createdAt: 0, weight: 1 };
  const status = kind === "task" ? { phase } : {};
  return { ...known, kind, project: "default", name, spec, status };
}

function textOf(length: number): string {
  return Array.from({ length: Math.ceil(length / 8) }, () =>
    chance
      .below(2 ** 31)
      .toString(36)
      .padEnd(8, "-"),
  ).join("");
}

/** Some content twice at once: nobody may be told that it is kept because another is just keeping it. */
function putBlobs(): Promise<void>[] {
  const content = Buffer.from(textOf(chance.pick([10, 4000, 4000, 1_100_000])));
  const pieces = async function* () {
    yield* [content.subarray(0, 5), content.subarray(5)];
  };
  const project = chance.pick(["a", "b"]);
  // Not what the product says that it is: it may be wrong in that too.
  const digest = createHash("sha256").update(content).digest("hex");
  return [content, pieces(), content].map(async (source) => {
    await sleep(clock, chance.below(3));
    await blobs.put(project, source);
    mark({ kept: `blobs/${project}/${digest.slice(0, 2)}/${digest}`, digest });
  });
}

function joined() {
  const answer = JSON.stringify({ machine: "m1", key: textOf(32) });
  async function* body() {
    yield Buffer.from(answer);
  }
  return { status: 201, headers: {}, body: body() };
}
