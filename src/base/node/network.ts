import { chmod, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { WebSocket } from "ws";
import { CanopyError } from "../errors.ts";
import { limits } from "../limits.ts";
import { isLoopback } from "../loopback.ts";
import type { IncomingRequest, Network, ServeAddress } from "../network.ts";
import { linkOf } from "../web-socket-link.ts";
import { nodeClock } from "./clock.ts";
import { listenInNamespace } from "./namespace-port.ts";
import { httpRequest, unavailable } from "./request.ts";

/** The machine's network: WebSocket links, HTTP over connections that are kept. */
export const nodeNetwork: Network = {
  dial(url, headers) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, {
        headers,
        perMessageDeflate: false,
        maxPayload: limits.linkMessageBytesMax,
        handshakeTimeout: limits.dialMs,
        ...(isSeenByNobody(url) && { generateMask: leaveAsItIs }),
      });
      const link = linkOf(socket, nodeClock);
      socket.once("open", () => resolve(link));
      socket.once("error", (error) => reject(refused(url, error)));
    });
  },

  request: httpRequest,

  async serve(where, handler) {
    const server = createServer((incoming, outgoing) => {
      const request: IncomingRequest = {
        method: incoming.method ?? "GET",
        path: incoming.url ?? "/",
        from: incoming.socket.remoteAddress ?? "",
        headers: incoming.headers as Record<string, string>,
        body: incoming,
      };
      handler(request)
        .then(({ status, headers, body }) => {
          outgoing.writeHead(status, headers);
          if (body === undefined || body instanceof Uint8Array) outgoing.end(body);
          else
            Readable.from(body)
              .on("error", () => outgoing.destroy())
              .pipe(outgoing);
        })
        // Headers too may be such as cannot be sent.
        .catch(() => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(500).end()));
    });
    await listenAt(server, where);
    const address = server.address() as AddressInfo | string | null;
    return {
      port: typeof address === "object" && address ? address.port : 0,
      close: () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    };
  },
};

async function listenAt(server: Server, where: ServeAddress): Promise<void> {
  if ("path" in where) await rm(where.path, { force: true });
  const at =
    "path" in where
      ? { path: where.path }
      : where.namespace === undefined
        ? { host: where.host, port: where.port }
        : await listenInNamespace(where.namespace, where);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at, resolve);
  });
  if ("path" in where) await chmod(where.path, 0o666);
}

/**
 * A client masks its frames so that nobody between, who takes them for something else, can be fooled
 * (RFC 6455, 10.3). Where nobody is between, a mask of zeros spares both sides going over each byte.
 */
function isSeenByNobody(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "wss:" || isLoopback(hostname);
}

function leaveAsItIs(mask: Buffer): void {
  mask.fill(0);
}

function refused(url: string, error: Error): CanopyError {
  const status = /Unexpected server response: (\d+)/.exec(error.message)?.[1];
  if (status === "401")
    return new CanopyError("unauthenticated", `Cannot join ${url} as it refused the key`);
  if (status === "403")
    return new CanopyError("forbidden", `Cannot join ${url} as the key may not do that`);
  return unavailable(url, error);
}
