import { connect, type Socket } from "node:net";

/** One request, ready to be sent. */
export interface Shot {
  head: Buffer;
  body?: Buffer;
  /** How often the body is sent, one after the other: what is larger than memory. */
  times?: number;
}

export interface LoadFigures {
  wallMs: number;
  latenciesMs: number[];
  receivedBytes: number;
}

/**
 * Sends every shot, as many at a time as there are connections, and reads each answer to its end. Speaks HTTP by hand:
 * the client shares two cores with what it measures. Throws at the first answer that is not 2xx.
 */
export async function fire(
  to: { host: string; port: number },
  connections: number,
  shots: readonly Shot[],
): Promise<LoadFigures> {
  const guns = Array.from({ length: connections }, () => new Gun(to));
  await Promise.all(guns.map((gun) => gun.open()));
  const latenciesMs: number[] = [];
  let next = 0;
  const startMs = performance.now();
  try {
    await Promise.all(
      guns.map(async (gun) => {
        for (let shot = shots[next++]; shot; shot = shots[next++]) {
          const sentMs = performance.now();
          await gun.fire(shot);
          latenciesMs.push(performance.now() - sentMs);
        }
      }),
    );
    const wallMs = performance.now() - startMs;
    return { wallMs, latenciesMs, receivedBytes: guns.reduce((sum, gun) => sum + gun.received, 0) };
  } finally {
    for (const gun of guns) gun.close();
  }
}

const headEnd = Buffer.from("\r\n\r\n");
const lastChunk = Buffer.from("0\r\n\r\n");
const readBytes = 1024 * 1024;

function written(socket: Socket, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(body, (error) => (error ? reject(error) : resolve()));
  });
}

/** One connection that is kept, or made again where the server keeps none. */
class Gun {
  received = 0;
  #to: { host: string; port: number };
  #socket: Socket | undefined;
  #head: Buffer = Buffer.alloc(0);
  /** Bytes of the body still to come; undefined while the head is not whole, NaN for a body in chunks. */
  #left: number | undefined;
  #status = "";
  #isLast = false;
  #done: (() => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  constructor(to: { host: string; port: number }) {
    this.#to = to;
  }

  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const buffer = Buffer.allocUnsafe(readBytes);
      const callback = (length: number) => {
        this.#take(buffer.subarray(0, length));
        return true;
      };
      // One buffer for all that is read: what is thrown away costs no memory.
      const socket = connect({ ...this.#to, noDelay: true, onread: { buffer, callback } });
      socket.once("connect", resolve);
      socket.once("error", (error) => this.#lost(error, reject));
      socket.once("close", () => this.#lost(new Error("the connection was closed"), reject));
      this.#socket = socket;
    });
  }

  #lost(error: Error, reject: (error: Error) => void): void {
    this.#socket = undefined;
    reject(error);
    this.#fail?.(error);
  }

  async fire({ head, body, times = 1 }: Shot): Promise<void> {
    if (!this.#socket) await this.open();
    const socket = this.#socket!;
    const answered = new Promise<void>((resolve, reject) => {
      this.#done = resolve;
      this.#fail = reject;
    });
    socket.cork();
    socket.write(head);
    if (body) socket.write(body);
    socket.uncork();
    for (let sent = 1; sent < times; sent++) await written(socket, body!);
    await answered;
  }

  close(): void {
    this.#fail = undefined;
    this.#socket?.destroy();
  }

  #take(data: Buffer): void {
    let body = data;
    if (this.#left === undefined) {
      this.#head = Buffer.concat([this.#head, data]);
      const at = this.#head.indexOf(headEnd);
      if (at < 0) return;
      const text = this.#head.toString("latin1", 0, at);
      this.#status = text.slice(9, 12);
      if (this.#status === "100") {
        const rest = this.#head.subarray(at + 4);
        this.#head = Buffer.alloc(0);
        if (rest.length > 0) this.#take(rest);
        return;
      }
      this.#isLast = /\r\nconnection: *close/i.test(text);
      const length = /\r\ncontent-length: *(\d+)/i.exec(text);
      if (length) this.#left = Number(length[1]);
      else this.#left = /\r\ntransfer-encoding: *chunked/i.test(text) ? Number.NaN : 0;
      body = this.#head.subarray(at + 4);
      this.#head = Buffer.alloc(0);
    }
    this.received += body.length;
    const isEnd = Number.isNaN(this.#left)
      ? body.subarray(-5).equals(lastChunk)
      : (this.#left! -= body.length) <= 0;
    if (isEnd) this.#end(body);
  }

  #end(body: Buffer): void {
    this.#left = undefined;
    if (this.#isLast) {
      this.#socket?.removeAllListeners("close").destroy();
      this.#socket = undefined;
    }
    if (this.#status.startsWith("2")) return this.#done?.();
    this.#fail?.(new Error(`the answer was ${this.#status}: ${body.toString().slice(0, 500)}`));
  }
}
