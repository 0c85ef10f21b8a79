import { CanopyError } from "../errors.ts";
import type { Socket } from "../sockets.ts";
import { ByteReader } from "./byte-reader.ts";
import { openExport } from "./handshake.ts";

/** A stretch of a disk that holds data, or reads as zeros without having been read. */
export interface Extent {
  lengthBytes: number;
  isZero: boolean;
}

/** What one request was answered with. */
interface Answer {
  data: Buffer | undefined;
  extents: Extent[];
}

interface Asked {
  /** Where what is read goes, and where on the disk that begins. */
  into: Buffer | undefined;
  offset: number;
  extents: Extent[];
  fault: Error | undefined;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

const commands = { read: 0, write: 1, disconnect: 2, flush: 3, zero: 6, blockStatus: 7 } as const;
const replies = { data: 1, hole: 2, blockStatus: 5 } as const;
const requestMagic = 0x25609513;
const simpleReplyMagic = 0x67446698;
const structuredReplyMagic = 0x668e33ef;
const isLast = 1;
const isError = 0x8000;
const stateZero = 2;
const noSpace = 28;
/** What every server takes as one request ("Block size constraints" of the protocol). */
const requestBytesMax = 32 * 1024 * 1024;
/** Lengths are 32 bits; a multiple of every block size. */
const statusBytesMax = 2 ** 30;

/**
 * A disk behind a socket: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md, newstyle with
 * structured replies and "base:allocation". Many requests may be under way at once. Errors: "no-space" when the disk of who
 * serves it is full, "damaged" when it could not do what was asked, "unavailable" when it has gone.
 */
export class NbdClient {
  readonly sizeBytes: number;
  #socket: Socket;
  #reader: ByteReader;
  #asked = new Map<bigint, Asked>();
  #cookie = 0n;
  #gone: Error | undefined;
  /** What was written last has left. */
  #written: Promise<void> = Promise.resolve();

  /** Throws CanopyError "unavailable" when it serves no such export. */
  static async open(socket: Socket, name = ""): Promise<NbdClient> {
    try {
      const reader = new ByteReader(socket.incoming);
      const { sizeBytes } = await openExport(socket, reader, name);
      return new NbdClient(socket, reader, sizeBytes);
    } catch (thrown) {
      socket.close();
      throw thrown;
    }
  }

  private constructor(socket: Socket, reader: ByteReader, sizeBytes: number) {
    this.#socket = socket;
    this.#reader = reader;
    this.sizeBytes = sizeBytes;
    void this.#listen();
  }

  async read(offset: number, lengthBytes: number): Promise<Buffer> {
    const into = Buffer.allocUnsafe(lengthBytes);
    const { data } = await this.#ask(commands.read, { offset, lengthBytes, into });
    return data!;
  }

  async write(offset: number, content: Uint8Array): Promise<void> {
    const lengthBytes = content.byteLength;
    await this.#ask(commands.write, { offset, lengthBytes, content });
  }

  /** Makes it read as zeros, giving back what it took on disk where that can be. */
  async zero(offset: number, lengthBytes: number): Promise<void> {
    for (let done = 0; done < lengthBytes; done += statusBytesMax) {
      const part = Math.min(statusBytesMax, lengthBytes - done);
      await this.#ask(commands.zero, { offset: offset + done, lengthBytes: part });
    }
  }

  /** All that was written is on disk when this resolves. */
  async flush(): Promise<void> {
    await this.#ask(commands.flush, { offset: 0, lengthBytes: 0 });
  }

  /** What is there between these, in order. A stretch said to hold data may read as zeros all the same. */
  async *extents(offset: number, lengthBytes: number): AsyncGenerator<Extent> {
    for (let at = offset, end = offset + lengthBytes; at < end;) {
      const part = Math.min(statusBytesMax, end - at);
      const { extents } = await this.#ask(commands.blockStatus, { offset: at, lengthBytes: part });
      if (extents.length === 0) throw new CanopyError("unavailable", "Cannot tell what is on disk");
      for (const extent of extents) {
        const cut = Math.min(extent.lengthBytes, end - at);
        yield { ...extent, lengthBytes: cut };
        at += cut;
        if (at >= end) return;
      }
    }
  }

  /** Says good-bye; what is under way fails. */
  async close(): Promise<void> {
    if (!this.#gone) this.#send(this.#header(commands.disconnect, 0n, 0, 0));
    await this.#written;
    this.#socket.end();
    this.#fail(new CanopyError("unavailable", "Cannot go on as the disk was closed"));
    await this.#socket.closed;
  }

  #ask(
    command: number,
    {
      offset,
      lengthBytes,
      content,
      into,
    }: { offset: number; lengthBytes: number; content?: Uint8Array; into?: Buffer },
  ): Promise<Answer> {
    if (lengthBytes > requestBytesMax && (content || into))
      throw new RangeError(`${lengthBytes} bytes are too many for one request`);
    if (this.#gone) return Promise.reject(this.#gone);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const cookie = this.#cookie++;
    const fault = undefined;
    this.#asked.set(cookie, { into, offset, extents: [], fault, resolve, reject });
    this.#send(this.#header(command, cookie, offset, lengthBytes), content);
    return promise;
  }

  /** One after the other. */
  #send(header: Buffer, content?: Uint8Array): void {
    this.#written = this.#written.then(async () => {
      const left = this.#socket.write(header);
      await (content ? this.#socket.write(content) : left);
    });
  }

  #header(command: number, cookie: bigint, offset: number, lengthBytes: number): Buffer {
    const header = Buffer.alloc(28);
    header.writeUInt32BE(requestMagic, 0);
    header.writeUInt16BE(command, 6);
    header.writeBigUInt64BE(cookie, 8);
    header.writeBigUInt64BE(BigInt(offset), 16);
    header.writeUInt32BE(lengthBytes, 24);
    return header;
  }

  async #listen(): Promise<void> {
    try {
      for (;;) {
        const magic = (await this.#reader.take(4)).readUInt32BE(0);
        if (magic === structuredReplyMagic) await this.#takePart();
        else if (magic === simpleReplyMagic) await this.#takeSimple();
        else throw new Error("what came is no reply");
      }
    } catch (thrown) {
      const cause = thrown;
      this.#fail(new CanopyError("unavailable", "Cannot go on as the disk has gone", { cause }));
      this.#socket.close();
    }
  }

  async #takeSimple(): Promise<void> {
    const head = await this.#reader.take(12);
    const asked = this.#askedBy(head.readBigUInt64BE(4));
    const code = head.readUInt32BE(0);
    if (code !== 0) asked.fault = faultOf(code, "");
    this.#over(head.readBigUInt64BE(4), asked);
  }

  async #takePart(): Promise<void> {
    const head = await this.#reader.take(16);
    const flags = head.readUInt16BE(0);
    const type = head.readUInt16BE(2);
    const cookie = head.readBigUInt64BE(4);
    const lengthBytes = head.readUInt32BE(12);
    const asked = this.#askedBy(cookie);
    if (type === replies.data) await this.#takeData(asked, lengthBytes);
    else takeWords(asked, type, await this.#reader.take(lengthBytes));
    if (flags & isLast) this.#over(cookie, asked);
  }

  async #takeData(asked: Asked, lengthBytes: number): Promise<void> {
    const offset = Number((await this.#reader.take(8)).readBigUInt64BE(0));
    await this.#reader.fill(within(asked, offset, lengthBytes - 8));
  }

  #askedBy(cookie: bigint): Asked {
    const asked = this.#asked.get(cookie);
    if (!asked) throw new Error("what came answers nothing");
    return asked;
  }

  #over(cookie: bigint, { fault, into, extents, resolve, reject }: Asked): void {
    this.#asked.delete(cookie);
    if (fault) reject(fault);
    else resolve({ data: into, extents });
  }

  #fail(error: Error): void {
    this.#gone ??= error;
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
  }
}

/** What is in a part of an answer that is not data. */
function takeWords(asked: Asked, type: number, words: Buffer): void {
  if (type & isError) {
    const text = words.subarray(6, 6 + words.readUInt16BE(4)).toString();
    asked.fault = faultOf(words.readUInt32BE(0), text);
  } else if (type === replies.hole) {
    within(asked, Number(words.readBigUInt64BE(0)), words.readUInt32BE(8)).fill(0);
  } else if (type === replies.blockStatus) {
    // after the number of the context that was asked for
    for (let at = 4; at + 8 <= words.length; at += 8) {
      const lengthBytes = words.readUInt32BE(at);
      if (lengthBytes === 0) throw new Error("a stretch of nothing");
      asked.extents.push({ lengthBytes, isZero: (words.readUInt32BE(at + 4) & stateZero) !== 0 });
    }
  }
}

/** Where in what was asked for a part of it belongs. */
function within({ into, offset: from }: Asked, offset: number, lengthBytes: number): Buffer {
  const start = offset - from;
  if (!into || start < 0 || lengthBytes < 0 || start + lengthBytes > into.length)
    throw new Error("what came was not asked for");
  return into.subarray(start, start + lengthBytes);
}

function faultOf(code: number, words: string): CanopyError {
  const why = words === "" ? `error ${code}` : words;
  if (code === noSpace)
    return new CanopyError(
      "no-space",
      `Cannot write to the disk as there is no space left: ${why}`,
    );
  return new CanopyError("damaged", `Cannot read or write the disk: ${why}`);
}
