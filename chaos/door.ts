import { setTimeout as sleep } from "node:timers/promises";
import type { Dice } from "./dice.ts";

export interface Answer<T> {
  status: number;
  body: T;
  etag: string | undefined;
}

export interface Asked {
  body?: unknown;
  /** Bytes instead of JSON. */
  bytes?: Uint8Array;
  idempotencyKey?: string;
  ifMatch?: string;
  timeoutMs?: number;
  key?: string;
  /** Which control plane; any when absent. */
  plane?: number;
}

const answerMsMax = 120_000;

/** Statuses that say "not now": the call may be made again, and nobody knows whether it was carried out. */
const passing = new Set([425, 429, 500, 502, 503, 504, 507]);

/** The cloud as its users reach it: over any of its control planes. */
export class Door {
  #urls: string[];
  #key: string;
  #dice: Dice;
  #isOver = new AbortController();
  /** Calls that got an answer, and those that did not. */
  readonly counts = { answered: 0, unanswered: 0, refusedForNow: 0 };

  constructor(urls: string[], key: string, dice: Dice) {
    this.#urls = urls;
    this.#key = key;
    this.#dice = dice;
  }

  get planes(): number {
    return this.#urls.length;
  }

  get isOver(): boolean {
    return this.#isOver.signal.aborted;
  }

  /** From now on nothing new is asked; what is under way is asked to its end. */
  close(): void {
    this.#isOver.abort();
  }

  /** One call, once. Undefined when there was no answer, or one that says "not now". */
  async ask<T>(method: string, path: string, asked: Asked = {}): Promise<Answer<T> | undefined> {
    const { body, bytes, idempotencyKey, ifMatch, timeoutMs = 4000, key = this.#key } = asked;
    const url = asked.plane === undefined ? this.#dice.pick(this.#urls) : this.#urls[asked.plane]!;
    try {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body !== undefined && { "content-type": "application/json" }),
          ...(bytes && { "content-type": "application/octet-stream" }),
          ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
          ...(ifMatch !== undefined && { "if-match": ifMatch }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(bytes && { body: bytes as Uint8Array<ArrayBuffer> }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const type = response.headers.get("content-type") ?? "";
      const content = new Uint8Array(await response.arrayBuffer());
      if (passing.has(response.status)) {
        this.counts.refusedForNow += 1;
        return undefined;
      }
      this.counts.answered += 1;
      return {
        status: response.status,
        body: bodyOf(type, content) as T,
        etag: response.headers.get("etag") ?? undefined,
      };
    } catch {
      this.counts.unanswered += 1;
      return undefined;
    }
  }

  /** Asks again until there is an answer. For calls that may be repeated. Throws Over once the door is closed, and Refused when there is none for long. */
  async persist<T>(method: string, path: string, asked: Asked = {}): Promise<Answer<T>> {
    if (this.isOver) throw new Over();
    const untilMs = performance.now() + answerMsMax;
    for (let tries = 0; ; tries++) {
      if (performance.now() > untilMs)
        throw new Refused(`${method} ${path} had no answer in ${answerMsMax} ms`, 0);
      const answer = await this.ask<T>(method, path, asked);
      if (answer) return answer;
      await sleep(Math.min(20 * 2 ** tries, 200));
    }
  }

  /** The same, of a call that has to succeed: any other answer is a fault of the cloud. */
  async must<T>(method: string, path: string, asked: Asked = {}): Promise<T> {
    const { status, body } = await this.persist<T>(method, path, asked);
    if (status >= 200 && status < 300) return body;
    throw new Refused(`${method} ${path} was refused: ${status} ${JSON.stringify(body)}`, status);
  }
}

function bodyOf(type: string, content: Uint8Array): unknown {
  if (type.includes("octet-stream")) return content;
  const text = Buffer.from(content).toString();
  return /[/+]json/.test(type) ? JSON.parse(text) : text;
}

/** What was under way when the run ended. */
export class Over extends Error {
  constructor() {
    super("The run is over");
    this.name = "Over";
  }
}

/** The cloud refused what it ought to have taken. */
export class Refused extends Error {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.name = "Refused";
    this.status = status;
  }
}
