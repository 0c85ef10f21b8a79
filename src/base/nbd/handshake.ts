import { CanopyError } from "../errors.ts";
import type { Socket } from "../sockets.ts";
import type { ByteReader } from "./byte-reader.ts";

const greeting = "NBDMAGIC";
const optionMagic = "IHAVEOPT";
const replyMagic = 0x3e889045565a9n;
const isFixedNewstyle = 1;
const hasNoZeroes = 2;
const options = { go: 7, structuredReply: 8, setMetaContext: 10 } as const;
const replies = { ack: 1, info: 3, metaContext: 4 } as const;
const isError = 2 ** 31;
const infoExport = 0;
/** More than a server has to say of one option. */
const replyBytesMax = 64 * 1024;

/**
 * Agrees with a server on the fixed newstyle of NBD, structured replies and where the disk is allocated, and opens an export.
 * Throws CanopyError "unavailable" when it has none of that name, or is no such server.
 */
export async function openExport(
  socket: Socket,
  reader: ByteReader,
  name: string,
): Promise<{ sizeBytes: number }> {
  const hello = await reader.take(18);
  const flags = hello.readUInt16BE(16);
  if (hello.toString("latin1", 0, 16) !== greeting + optionMagic || !(flags & isFixedNewstyle))
    throw new CanopyError("unavailable", "Cannot open the disk as what serves it speaks no NBD");
  const own = Buffer.alloc(4);
  own.writeUInt32BE(isFixedNewstyle | (flags & hasNoZeroes));
  void socket.write(own);
  const ask = (option: number, data: Buffer) => negotiate({ socket, reader }, option, data);
  await ask(options.structuredReply, Buffer.alloc(0));
  const title = lengthAndText(name);
  const query = Buffer.concat([title, word(1), lengthAndText("base:allocation")]);
  const contexts = await ask(options.setMetaContext, query);
  if (!contexts.some(({ type }) => type === replies.metaContext))
    throw new CanopyError("unavailable", "Cannot tell where the disk is allocated");
  const said = await ask(options.go, Buffer.concat([title, Buffer.alloc(2)]));
  for (const { type, data } of said)
    if (type === replies.info && data.readUInt16BE(0) === infoExport)
      return { sizeBytes: Number(data.readBigUInt64BE(2)) };
  throw new CanopyError("unavailable", "Cannot tell how large the disk is");
}

/** Asks for one option; gives all that is said to it. */
async function negotiate(
  { socket, reader }: { socket: Socket; reader: ByteReader },
  option: number,
  data: Buffer,
): Promise<{ type: number; data: Buffer }[]> {
  const asked = Buffer.concat([Buffer.from(optionMagic), word(option), word(data.length), data]);
  void socket.write(asked);
  const said: { type: number; data: Buffer }[] = [];
  for (;;) {
    const head = await reader.take(20);
    const type = head.readUInt32BE(12);
    const lengthBytes = head.readUInt32BE(16);
    if (head.readBigUInt64BE(0) !== replyMagic || lengthBytes > replyBytesMax)
      throw new CanopyError("unavailable", "Cannot open the disk as what serves it speaks no NBD");
    const words = await reader.take(lengthBytes);
    if (type >= isError)
      throw new CanopyError("unavailable", `Cannot open the disk: ${words.toString() || type}`);
    if (type === replies.ack) return said;
    said.push({ type, data: words });
  }
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const lengthAndText = (text: string) =>
  Buffer.concat([word(Buffer.byteLength(text)), Buffer.from(text)]);
