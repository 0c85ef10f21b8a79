import { connect, type Socket } from "node:net";

export interface Answer {
  status: number;
  body: string;
}

/** How long nothing may come of a request that was sent whole. */
const silenceMs = 30_000;
const answerBytesMax = 4 * 1024 * 1024;

/**
 * One connection of a client that cares for no rule: what it is given it writes, and reads what comes back. One that was closed is
 * opened anew.
 */
export class Wire {
  #port: number;
  #socket: Socket | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  #isOver = false;
  #wake: () => void = () => {};

  constructor(port: number) {
    this.#port = port;
  }

  /**
   * Sends a request and gives its answer; "closed" where the other side hung up without one, "silent" where none came.
   * `end` closes our side after the last byte, as one does who promised more than he sends.
   */
  async ask(raw: Buffer, method: string, end = false): Promise<Answer | "closed" | "silent"> {
    const socket = await this.#open();
    if (!socket) return "closed";
    socket.write(raw);
    if (end) socket.end();
    const answer = await this.#read(method === "HEAD");
    if (end || typeof answer === "string") this.close();
    return answer;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#bytes = Buffer.alloc(0);
  }

  async #open(): Promise<Socket | undefined> {
    if (this.#socket && !this.#isOver && this.#bytes.length === 0) return this.#socket;
    this.close();
    this.#isOver = false;
    const socket = connect(this.#port, "127.0.0.1");
    this.#socket = socket;
    const over = () => {
      if (socket !== this.#socket) return;
      this.#isOver = true;
      this.#wake();
    };
    socket.on("data", (piece: Buffer) => {
      if (socket !== this.#socket) return;
      this.#bytes = this.#bytes.length === 0 ? piece : Buffer.concat([this.#bytes, piece]);
      this.#wake();
    });
    socket.on("error", over).on("close", over).on("end", over);
    return new Promise((resolve) => {
      socket.once("connect", () => resolve(socket));
      socket.once("error", () => resolve(undefined));
    });
  }

  async #read(hasNoBody: boolean): Promise<Answer | "closed" | "silent"> {
    for (;;) {
      const answer = this.#parse(hasNoBody);
      if (answer) return answer;
      if (this.#isOver) return "closed";
      const isSilent = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(true), silenceMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve(false);
        };
      });
      if (isSilent) return "silent";
    }
  }

  #parse(hasNoBody: boolean): Answer | undefined {
    const end = this.#bytes.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const head = this.#bytes.subarray(0, end).toString("latin1");
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
    const start = end + 4;
    if (status === 100) {
      this.#bytes = this.#bytes.subarray(start);
      return this.#parse(hasNoBody);
    }
    const isLast = /\r\nconnection: close/i.test(head);
    const take = (body: string, length: number): Answer => {
      this.#bytes = this.#bytes.subarray(length);
      if (isLast) this.#isOver = true;
      return { status, body };
    };
    if (hasNoBody || status === 204 || status === 304) return take("", start);
    if (/\r\ntransfer-encoding: chunked/i.test(head)) {
      const whole = this.#chunks(start);
      return whole && take(whole.body, whole.end);
    }
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    if (length === undefined && !this.#isOver) return undefined;
    const size = length === undefined ? this.#bytes.length - start : Number(length);
    if (this.#bytes.length < start + size && this.#bytes.length < answerBytesMax) return undefined;
    return take(this.#bytes.subarray(start, start + size).toString("latin1"), start + size);
  }

  #chunks(start: number): { body: string; end: number } | undefined {
    let body = "";
    for (let at = start; ;) {
      const line = this.#bytes.indexOf("\r\n", at);
      if (line < 0) return undefined;
      const size = Number.parseInt(this.#bytes.subarray(at, line).toString("latin1"), 16);
      const from = line + 2;
      if (this.#bytes.length < from + size + 2) return undefined;
      body += this.#bytes.subarray(from, from + size).toString("latin1");
      at = from + size + 2;
      if (size === 0) return { body, end: at };
    }
  }
}
