import { spawn } from "node:child_process";
import type { Server } from "node:net";
import { CanopyError } from "../errors.ts";

/** Runs in the namespace for as long as it takes to open a port there and to hand it over. */
const program = `
const [port, host] = process.argv.slice(1);
const server = require("node:net").createServer();
server.on("error", (error) => { console.error(error.message); process.exit(1); });
server.listen(Number(port), host, 4096, () => process.send("", server));
`;

/**
 * A port of another network namespace, as a server that listens in this process: a socket stays in the namespace that it was made
 * in, whoever has it. A process cannot leave its own namespace when it has threads, so another one goes there. Throws
 * CanopyError "unavailable" where the port is taken, or the namespace is not to be entered.
 */
export async function listenInNamespace(
  namespace: string,
  { host, port }: { host: string; port: number },
): Promise<Server> {
  const inside = [process.execPath, "-e", program, String(port), host];
  const child = spawn("nsenter", [`--net=${namespace}`, ...inside], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let said = "";
  child.stderr!.on("data", (piece: Buffer) => void (said += piece.toString()));
  const unavailable = (why: string) =>
    new CanopyError("unavailable", `Cannot listen at ${host}:${port} in ${namespace}: ${why}`);
  return new Promise((resolve, reject) => {
    let server: Server | undefined;
    child.on("message", (_message, handle) => {
      server = handle as Server | undefined;
      child.kill("SIGKILL");
    });
    child.on("error", (error) => reject(unavailable(error.message)));
    // While it lives it takes connections too, and answers none.
    child.on("exit", () =>
      server ? resolve(server) : reject(unavailable(said.trim().slice(0, 200))),
    );
  });
}
