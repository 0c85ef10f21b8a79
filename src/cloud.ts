import type { AddressInfo } from "node:net";
import { buildServer } from "#/api/server.ts";
import type { Host } from "#/base/host.ts";
import { eta } from "#/jobs/eta.ts";
import { addStep, appendTasks, cancelJob, closeJob, retryJob, submitJob } from "#/jobs/submit.ts";
import { listPrices } from "#/meter/prices.ts";
import { startEngine, type Engine, type EngineOptions } from "./engine.ts";

export interface CloudOptions extends EngineOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  version: string;
}

/** A control plane that listens. */
export interface Cloud extends Pick<Engine, "space" | "access" | "scheduler"> {
  /** Where this computer reaches it. */
  url: string;
  /** Where others do; undefined when it listens to this computer only. */
  networkUrl: string | undefined;
  /** Ends streams and links, waits for what is not yet on disk, and closes the log. */
  stop(): Promise<void>;
}

/** Opens the door to an engine. */
export async function startCloud(host: Host, options: CloudOptions): Promise<Cloud> {
  const engine = await startEngine(host, options);
  const { clock, random, log } = host;
  const { space, access, scheduler, objects, logs } = engine;
  const reached = { url: "", networkUrl: undefined as string | undefined };
  const server = buildServer({
    space,
    scheduler,
    jobs: { submitJob, addStep, appendTasks, closeJob, cancelJob, retryJob, eta },
    access,
    objects,
    logs,
    clock,
    random,
    log,
    version: options.version,
    currency: listPrices.currency,
    publicUrl: () => reached.networkUrl ?? reached.url,
  });
  await server.listen({ host: options.host, port: options.port });
  const { port } = server.addresses()[0] as AddressInfo;
  Object.assign(reached, urlsOf(options.host, port, host.processes.facts().addresses));

  return {
    ...reached,
    access,
    space,
    scheduler,
    async stop() {
      await server.close();
      await engine.stop();
    },
  };
}

/** How a cloud that listens on `host` is reached from here, and from elsewhere. */
function urlsOf(host: string, port: number, addresses: string[]) {
  const at = (address: string) =>
    `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
  if (host === "0.0.0.0" || host === "::") {
    const [address] = addresses;
    return { url: at("127.0.0.1"), networkUrl: address === undefined ? undefined : at(address) };
  }
  const isLocal = host === "localhost" || host === "::1" || host.startsWith("127.");
  return { url: at(host), networkUrl: isLocal ? undefined : at(host) };
}
