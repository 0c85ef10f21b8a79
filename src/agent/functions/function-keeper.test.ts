import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { openFunctions } from "#/drivers/functions/functions.ts";
import { packZip } from "#/drivers/functions/testing/pack-zip.ts";
import type { FunctionOrder, FunctionReport } from "#/model/function-wire.ts";
import { pairOf } from "../testing/pair-of.ts";

const MiB = 1024 * 1024;

test("an agent runs functions for the link that ordered them, and ends them with it", async (t) => {
  const { cloud, agent, folder } = await pairOf(t, { drivers: [], env: {}, openFunctions });
  const { hello } = cloud.linkOf(agent.machine);
  assert.deepEqual(hello!.status.functions!.interpreters.toSorted(), [
    "bootstrap",
    "node",
    "python",
  ]);

  const code = "exports.handler = async (event) => ({ doubled: event.n * 2, pid: process.pid });";
  const path = await packZip(folder, "code", { "index.js": code });
  const content = await readFile(path);
  const blob = createHash("sha256").update(content).digest("hex");
  cloud.blobs.set(blob, content);
  const order = (order: FunctionOrder) =>
    cloud.linkOf(agent.machine).send({ type: "function", order });
  const reports = () =>
    cloud
      .linkOf(agent.machine)
      .heard.flatMap((said) => (said.type === "function" ? [said.report] : []));
  const reported = async <Is extends FunctionReport["is"]>(is: Is, environment: string) => {
    const wanted = () => reports().find((one) => one.is === is && one.environment === environment);
    await cloud.until(() => wanted() !== undefined);
    return wanted() as Extract<FunctionReport, { is: Is }>;
  };
  const start = (environment: string) =>
    order({
      do: "start",
      environment,
      brief: {
        project: "p",
        interpreter: "node",
        handler: "index.handler",
        code: { blob, sizeBytes: 1 },
        memoryBytes: 128 * MiB,
        milliCpus: 500,
        ephemeralBytes: 512 * MiB,
        initMs: 10_000,
        env: {},
      },
    });
  const invoke = (environment: string) =>
    order({
      do: "invoke",
      environment,
      call: {
        requestId: randomUUID(),
        payload: '{\n"n": 21}',
        timeoutMs: 5000,
        arn: "arn",
        traceId: "",
      },
    });

  start("one");
  assert.ok((await reported("ready", "one")).initMs > 0);
  invoke("one");
  const { answer } = await reported("answered", "one");
  assert.equal(JSON.parse(answer.payload).doubled, 42);
  assert.ok(answer.usage.durationMs > 0 && answer.usage.initMs! > 0);
  order({ do: "end", environment: "one" });
  assert.equal((await reported("ended", "one")).error, undefined);
  invoke("one");
  await cloud.until(() => reports().filter(({ is }) => is === "answered").length === 2);

  start("two");
  await reported("ready", "two");
  const before = cloud.linkOf(agent.machine);
  before.socket.terminate();
  await cloud.until(() => cloud.linkOf(agent.machine) !== before);
  invoke("two");
  assert.match((await reported("answered", "two")).answer.payload, /There is no environment two/);
});
