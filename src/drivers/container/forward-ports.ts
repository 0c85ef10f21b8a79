import { linesOf } from "#/base/sockets.ts";
import type { Sockets } from "#/base/sockets.ts";
import { HostingError } from "../instances/hosting-error.ts";
import type { PreparedNetwork } from "../instance-driver.ts";

/**
 * Has slirp4netns take ports of the machine for ports of the container, by its control socket
 * (https://github.com/rootless-containers/slirp4netns/blob/master/slirp4netns.1.md). Throws HostingError where a port is taken.
 */
export async function forwardPorts(
  { sockets }: { sockets: Sockets },
  path: string,
  { type, forwards }: PreparedNetwork,
): Promise<void> {
  if (type !== "user") return;
  for (const { address, port, to } of forwards) {
    const socket = await sockets.connect({ path });
    const call = {
      execute: "add_hostfwd",
      arguments: { proto: "tcp", host_addr: address, host_port: port, guest_port: to },
    };
    await socket.write(`${JSON.stringify(call)}\n`);
    socket.end();
    const answer = (await linesOf(socket.incoming, answerBytesMax).next()).value ?? "";
    socket.close();
    if (answer.includes('"error"'))
      throw new HostingError(
        "Server.InsufficientInstanceCapacity",
        `Cannot forward port ${port} of ${address} to the instance: ${answer}`,
      );
  }
}

const answerBytesMax = 64 * 1024;
