import { closeSync, constants, openSync } from "node:fs";
import { chmod, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket as NodeSocket } from "node:net";
import { basename, dirname } from "node:path";
import { CanopyError, messageOf } from "../errors.ts";
import { drainedOf } from "./channel.ts";
import type { Socket, SocketAddress, Sockets } from "../sockets.ts";

/** The machine's sockets. */
export const nodeSockets: Sockets = { connect: open, listen };

/** What the kernel takes as the path of a Unix socket, less the byte that ends it. */
const pathBytesMax = 107;

async function open(to: SocketAddress): Promise<Socket> {
  const place = "path" in to ? reachable(to.path) : undefined;
  try {
    const stream = await connected(to, place?.path);
    return socketOf(stream);
  } finally {
    place?.release();
  }
}

async function connected(to: SocketAddress, path: string | undefined): Promise<NodeSocket> {
  const stream = await dial(to, path);
  await new Promise<void>((resolve, reject) => {
    stream.once("key" in to ? "secureConnect" : "connect", resolve);
    stream.once("error", (error) => {
      reject(
        new CanopyError("unavailable", `Cannot connect to ${nameOf(to)}: ${messageOf(error)}`, {
          cause: error,
        }),
      );
    });
  });
  return stream;
}

async function dial(to: SocketAddress, path: string | undefined): Promise<NodeSocket> {
  if (path !== undefined) return connect({ path });
  if ("path" in to) throw new Error("unreachable");
  if (!to.key) return connect({ host: to.host, port: to.port, noDelay: true });
  const { connect: connectSealed } = await import("node:tls");
  return connectSealed({
    host: to.host,
    port: to.port,
    ...sealing,
    pskCallback: () => ({ psk: to.key!, identity }),
  });
}

const identity = "canopy";
/** Keys that both have are known to TLS 1.2 here; whoever has the key is the peer, so no certificate is looked at. */
const sealing = {
  ciphers: "ECDHE-PSK-CHACHA20-POLY1305:PSK-AES256-GCM-SHA384",
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.2",
  checkServerIdentity: () => undefined,
} as const;

async function listen(
  at: SocketAddress,
  onSocket: (socket: Socket) => void,
): Promise<{ port: number; close(): Promise<void> }> {
  const open = new Set<NodeSocket>();
  const take = (stream: NodeSocket) => {
    open.add(stream);
    stream.once("close", () => open.delete(stream));
    onSocket(socketOf(stream));
  };
  const server = await serverFor(at, take);
  const place = "path" in at ? reachable(at.path) : undefined;
  if ("path" in at) await rm(at.path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      place?.release();
      reject(
        new CanopyError("unavailable", `Cannot listen at ${nameOf(at)}: ${messageOf(error)}`, {
          cause: error,
        }),
      );
    });
    server.listen("path" in at ? { path: place!.path } : { host: at.host, port: at.port }, resolve);
  });
  if ("path" in at) await chmod(at.path, 0o666);
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    close: () =>
      new Promise((resolve) => {
        for (const stream of open) stream.destroy();
        server.close(() => {
          place?.release();
          resolve();
        });
      }),
  };
}

async function serverFor(at: SocketAddress, take: (stream: NodeSocket) => void): Promise<Server> {
  if ("path" in at || !at.key) return createServer({ allowHalfOpen: true, noDelay: true }, take);
  const { createServer: createSealed } = await import("node:tls");
  const server = createSealed({ ...sealing, pskCallback: () => at.key! }, take);
  server.on("tlsClientError", () => {}); // who has not the key has no connection
  return server;
}

/** A path that the kernel takes for it: where it is too long, by way of its open folder. */
function reachable(path: string): { path: string; release(): void } {
  if (Buffer.byteLength(path) <= pathBytesMax) return { path, release: () => {} };
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  return {
    path: `/proc/self/fd/${folder}/${basename(path)}`,
    release: () => closeSync(folder),
  };
}

const nameOf = (address: SocketAddress) =>
  "path" in address ? `the socket '${address.path}'` : `${address.host}:${address.port}`;

function socketOf(stream: NodeSocket): Socket {
  stream.on("error", () => {}); // told by its end
  const incoming = stream.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
  return {
    incoming: {
      async next() {
        try {
          return await (incoming.next() as Promise<IteratorResult<Uint8Array>>);
        } catch {
          return { done: true, value: undefined };
        }
      },
    },
    write(content) {
      if (stream.destroyed || stream.write(content)) return Promise.resolve();
      return drainedOf(stream);
    },
    end: () => void stream.end(),
    close: () => void stream.destroy(),
    closed: new Promise((resolve) => void stream.once("close", () => resolve())),
  };
}
