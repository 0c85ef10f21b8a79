import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { nodeHost } from "#/base/node/host.ts";
import { silent } from "#/base/log.ts";
import { processDriver } from "#/drivers/process/process.ts";
import { runnerDriver } from "#/drivers/runner/runner.ts";
import { startAgent } from "../agent.ts";
import type { StartAgentOptions } from "../options.ts";
import { FakeCloud } from "./fake-cloud.ts";

/** A cloud and an agent of it that is connected, until the test is over. */
export async function pairOf(t: TestContext, more: Partial<StartAgentOptions> = {}) {
  const cloud = new FakeCloud();
  await cloud.listen();
  const folder = await mkdtemp(join(tmpdir(), "canopy-agent-"));
  const agent = await startAgent({
    host: nodeHost(silent),
    folder,
    urls: [cloud.url],
    token: cloud.token,
    labels: {},
    version: "1",
    drivers: [runnerDriver, processDriver],
    rates: { microsPerHour: undefined, idleWatts: 1, peakWatts: 2, pue: 1 },
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
    ...more,
  });
  t.after(async () => {
    await agent.stop();
    await cloud.close();
    await rm(folder, { recursive: true, force: true });
  });
  await agent.connected;
  return { cloud, agent, folder };
}
