import { mkdir } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, portOpen, startServer } from "../../peers/process.ts";
import { withChildren } from "../cpu.ts";
import type { StoreKind } from "../store.ts";

const program = fileURLToPath(
  new URL("../../peers/node_modules/s3rver/bin/s3rver.js", import.meta.url),
);

export const s3rver: StoreKind = {
  name: "s3rver",
  isDurable: false,
  path: "/bench",
  async missing() {
    return existsSync(program) ? undefined : "s3rver is not installed: node bench/setup.mjs";
  },
  async start(folder) {
    const port = await freePort();
    const data = join(folder, "data");
    await mkdir(data, { recursive: true });
    const logPath = join(folder, "s3rver.log");
    const options = ["--silent", "--configure-bucket", "bench"];
    const server = startServer(
      process.execPath,
      ["--no-warnings", program, "-d", data, "-a", "127.0.0.1", "-p", `${port}`, ...options],
      logPath,
    );
    await portOpen(port, logPath);
    return {
      host: "127.0.0.1",
      port,
      credentials: { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" },
      pids: () => withChildren(server.child.pid!),
      stop: () => server.stop(),
    };
  },
};
