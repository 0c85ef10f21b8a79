import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { limits } from "../limits.ts";

/** Who takes what comes in at a door. */
export interface Hall {
  /** Whether it says itself when a body may come that waits for "100 Continue"; else all are told to come. */
  takesContinue?: boolean;
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** A port that stays open, whoever stands behind it. */
export interface Door {
  port: number;
  /** Takes nobody in any more; what is under way may end within `graceMs`, and is cut off then. */
  close(graceMs: number): Promise<void>;
}

const idleLookMs = 20;

/** Listens; `port` 0 takes a free one. Rejects with EADDRINUSE when another process does. */
export async function openDoor(
  { host, port }: { host: string; port: number },
  hall: Hall,
): Promise<Door> {
  const server = createServer(
    { maxHeaderSize: limits.headerBytesMax, requestTimeout: 0, keepAliveTimeout: 72_000 },
    (request, response) => hall.request(request, response),
  );
  if (hall.takesContinue) {
    server.on("checkContinue", (request, response) => hall.request(request, response));
    // Whoever expects something else gets the answer all the same, as at AWS.
    server.on("checkExpectation", (request, response) => hall.request(request, response));
  }
  // The server counts them when it waits for its end, and ends none of them.
  const upgraded = new Set<Duplex>();
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    upgraded.add(socket);
    socket.once("close", () => upgraded.delete(socket));
    hall.upgrade(request, socket, head);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: (graceMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          server.closeAllConnections();
          for (const socket of upgraded) socket.destroy();
        }, graceMs);
        // A connection whose last call ends from now on would be kept for the next one.
        const idle = setInterval(() => server.closeIdleConnections(), idleLookMs);
        server.close(() => {
          clearTimeout(timer);
          clearInterval(idle);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}
