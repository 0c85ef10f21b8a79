import { join } from "node:path";
import { findProgram, freePort, portOpen, startServer } from "../../peers/process.ts";
import { withChildren } from "../cpu.ts";
import { fire } from "../load.ts";
import { sha256, Signer } from "../sign.ts";
import type { StoreKind } from "../store.ts";

export const moto: StoreKind = {
  name: "moto",
  isDurable: false,
  path: "/bench",
  async missing() {
    return (await findProgram("moto_server"))
      ? undefined
      : "moto is not installed: pip install 'moto[server]'";
  },
  async start(folder) {
    const port = await freePort();
    const logPath = join(folder, "moto.log");
    const args = ["-H", "127.0.0.1", "-p", `${port}`];
    const server = startServer((await findProgram("moto_server"))!, args, logPath);
    await portOpen(port, logPath);
    const to = { host: "127.0.0.1", port };
    const credentials = { accessKeyId: "bench", secretAccessKey: "bench" };
    const signer = new Signer(`${to.host}:${to.port}`, credentials);
    await fire(to, 1, [{ head: signer.head("PUT", "/bench", "", sha256(""), 0) }]);
    return {
      ...to,
      credentials,
      pids: () => withChildren(server.child.pid!),
      stop: () => server.stop(),
    };
  },
};
