import { pipeline, Readable } from "node:stream";
import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import type { Files } from "#/base/files.ts";
import type { Random } from "#/base/random.ts";
import type { Socket, Sockets } from "#/base/sockets.ts";
import type { MemoryFile } from "../instance-driver.ts";
import type { Passage } from "./machine.ts";
import { prepareMigration, sendMemory, takeMemory } from "./migration.ts";
import type { Qmp } from "./qmp.ts";
import { sealed, unsealed } from "./sealed-stream.ts";

interface MemoryParts {
  files: Files;
  sockets: Sockets;
}

/** Writes the memory of a guest that stands still to a file, compressed, and sealed where there is a key. It is on disk, or nothing is. */
export async function keepMemory(
  { files, sockets, random }: MemoryParts & { random: Pick<Random, "bytes"> },
  qmp: Qmp,
  passage: Passage,
  { path, key }: MemoryFile,
): Promise<void> {
  let written: Promise<unknown> | undefined;
  const server = await sockets.listen({ path: passage.outside }, (socket) => {
    const compress = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } });
    const packed = pipeline(Readable.from(piecesOf(socket)), compress, () => {});
    written = files.writeStream(path, key === undefined ? packed : sealed(packed, key, random), {
      mode: 0o600,
    });
    written.catch(() => socket.close()); // a full disk: QEMU is not to wait
  });
  try {
    await prepareMigration(qmp);
    await sendMemory(qmp, `unix:${passage.inside}`);
    await written;
  } catch (thrown) {
    const reason = await written?.catch((why: unknown) => why);
    await files.remove(path);
    throw reason instanceof Error ? reason : thrown;
  } finally {
    await server.close();
    await files.remove(passage.outside);
  }
}

/** Gives a guest that waits for it the memory that was kept. */
export async function giveMemory(
  { files, sockets }: MemoryParts,
  qmp: Qmp,
  passage: Passage,
  { path, key }: MemoryFile,
): Promise<void> {
  await prepareMigration(qmp);
  await takeMemory(qmp, `unix:${passage.inside}`, async () => {
    const socket = await sockets.connect({ path: passage.outside });
    const content = files.stream(path);
    void pour(key === undefined ? content : unsealed(content, key), socket);
  });
}

async function pour(packed: AsyncIterable<Uint8Array>, socket: Socket): Promise<void> {
  try {
    const plain = pipeline(Readable.from(packed), createZstdDecompress(), () => {});
    for await (const piece of plain as AsyncIterable<Uint8Array>) await socket.write(piece);
    socket.end();
  } catch {
    socket.close(); // QEMU sees that it is not whole
  }
}

async function* piecesOf({ incoming }: Socket): AsyncGenerator<Uint8Array> {
  for (;;) {
    const piece = await incoming.next();
    if (piece.done) return;
    yield piece.value;
  }
}
