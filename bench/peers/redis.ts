import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { findProgram, freePort, portOpen, startServer, type Started } from "./process.ts";

export type Appendfsync = "always" | "everysec";

export interface Redis {
  port: number;
  stop(): Promise<void>;
}

export async function redisMissing(): Promise<string | undefined> {
  return (await findProgram("redis-server"))
    ? undefined
    : "redis-server is not installed: apt-get install redis-server";
}

export async function startRedis(folder: string, appendfsync: Appendfsync): Promise<Redis> {
  const program = await findProgram("redis-server");
  if (!program) throw new Error((await redisMissing()) ?? "redis-server went away");
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const settings = {
    port: `${port}`,
    bind: "127.0.0.1",
    dir: folder,
    appendonly: "yes",
    appendfsync,
    // Snapshots besides the log would only add noise.
    save: "",
    // As BullMQ demands: a queue must not lose keys to make room.
    "maxmemory-policy": "noeviction",
  };
  const logPath = join(folder, "redis.log");
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const server: Started = startServer(program, args, logPath);
  await portOpen(port, logPath);
  return { port, stop: () => server.stop() };
}
