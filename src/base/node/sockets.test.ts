import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { joinSockets, linesOf, type Socket, type SocketAddress } from "../sockets.ts";
import { nodeSockets as sockets } from "./sockets.ts";

const folder = await mkdtemp(join(tmpdir(), "canopy-sockets-"));
after(() => rm(folder, { recursive: true }));

async function textOf(socket: Socket): Promise<string> {
  let text = "";
  for (;;) {
    const piece = await socket.incoming.next();
    if (piece.done) return text;
    text += Buffer.from(piece.value).toString();
  }
}

async function talk(at: SocketAddress): Promise<string> {
  const server = await sockets.listen(at, (socket) => {
    void textOf(socket).then(async (text) => {
      await socket.write(text.toUpperCase());
      socket.end();
    });
  });
  try {
    const socket = await sockets.connect("path" in at ? at : { ...at, port: server.port });
    await socket.write("hello");
    socket.end();
    return await textOf(socket);
  } finally {
    await server.close();
  }
}

test("a stream to a Unix socket has two ends of its own, also where its path is too long for the kernel", async () => {
  assert.equal(await talk({ path: join(folder, "short") }), "HELLO");
  const deep = join(folder, "a".repeat(100), "b".repeat(100));
  await mkdir(deep, { recursive: true });
  assert.equal(await talk({ path: join(deep, "long") }), "HELLO");
});

test("connect() tells that nobody listens", async () => {
  await assert.rejects(sockets.connect({ path: join(folder, "none") }), { code: "unavailable" });
});

test("who has not the key has no stream", async () => {
  const key = Buffer.alloc(32, 1);
  const at = { host: "127.0.0.1", port: 0, key };
  let taken = 0;
  const server = await sockets.listen(at, (socket) => {
    taken++;
    void socket.write("in").then(() => socket.end());
  });
  const other = { host: "127.0.0.1", port: server.port, key: Buffer.alloc(32, 2) };
  await assert.rejects(sockets.connect(other), { code: "unavailable" });
  const plain = await sockets.connect({ host: "127.0.0.1", port: server.port });
  await plain.write("hello\r\n\r\n");
  assert.equal((await textOf(plain)).includes("in"), false);
  assert.equal(taken, 0);
  const socket = await sockets.connect({ ...at, port: server.port });
  assert.equal(await textOf(socket), "in");
  socket.close();
  await server.close();
});

test("joinSockets() carries both ways, and what was read before is not carried again", async () => {
  const inner = join(folder, "inner");
  const outer = join(folder, "outer");
  const far = await sockets.listen({ path: inner }, (socket) => {
    void textOf(socket).then((text) => void socket.write(`far:${text}`).then(() => socket.end()));
  });
  const near = await sockets.listen({ path: outer }, async (socket) => {
    const lines = linesOf(socket.incoming, 100);
    assert.equal((await lines.next()).value, "first");
    void joinSockets(socket, await sockets.connect({ path: inner }));
  });
  const socket = await sockets.connect({ path: outer });
  await socket.write("first\n");
  await new Promise((next) => setTimeout(next, 50)); // what came with the first line would be lost with it
  await socket.write("x".repeat(1_000_000));
  socket.end();
  assert.equal(await textOf(socket), `far:${"x".repeat(1_000_000)}`);
  await Promise.all([far.close(), near.close()]);
});
