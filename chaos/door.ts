import { setTimeout as sleep } from "node:timers/promises";
import type { Chance } from "#/base/testing/chance.ts";

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
  /** A status that counts as an answer here although it says "not now". */
  final?: number;
}

const answerMsMax = 120_000;

/** Statuses that say "not now": the call may be made again, and nobody knows whether it was carried out. */
const passing = new Set([429, 503, 504, 507]);
/** Something went wrong inside: a fault of the cloud, whatever is done to it. */
const internal = 500;

/** The cloud as its users reach it: over any of its control planes. */
export class Door {
  #urls: string[];
  #key: string;
  #chance: Chance;
  #isOver = new AbortController();
  /** Calls that got an answer, and those that did not. */
  readonly counts = { answered: 0, unanswered: 0, refusedForNow: 0 };

  constructor(urls: string[], key: string, chance: Chance) {
    this.#urls = urls;
    this.#key = key;
    this.#chance = chance;
  }

  /** The same cloud over one of its control planes. */
  at(url: string): Door {
    return new Door([url], this.#key, this.#chance);
  }

  get isOver(): boolean {
    return this.#isOver.signal.aborted;
  }

  /** From now on nothing new is asked; what is under way is asked to its end. */
  close(): void {
    this.#isOver.abort();
  }

  /**
   * One call, once. Undefined when there was no answer, or one that says "not now". Throws Refused for an answer that the
   * cloud must never give: a status of 500, or JSON that is none.
   */
  async ask<T>(method: string, path: string, asked: Asked = {}): Promise<Answer<T> | undefined> {
    const got = await this.#send(method, path, asked).catch(() => undefined);
    if (!got) {
      this.counts.unanswered += 1;
      return undefined;
    }
    const { response, content } = got;
    const { status, headers } = response;
    if (passing.has(status) && status !== asked.final) {
      this.counts.refusedForNow += 1;
      return undefined;
    }
    this.counts.answered += 1;
    const body = bodyOf(headers.get("content-type") ?? "", content);
    if (status === internal || body === undefined) {
      const said = Buffer.from(content).toString();
      throw new Refused(`${method} ${path} was answered with ${status} ${said}`, status);
    }
    return { status, body: body as T, etag: headers.get("etag") ?? undefined };
  }

  async #send(method: string, path: string, asked: Asked) {
    const { body, bytes, idempotencyKey, ifMatch, timeoutMs = 4000, key = this.#key } = asked;
    const response = await fetch(`${this.#chance.pick(this.#urls)}${path}`, {
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
    return { response, content: new Uint8Array(await response.arrayBuffer()) };
  }

  /** Asks again until there is an answer. For calls that may be repeated. Throws Over once the door is closed, and Refused when there is none for long, or as `ask` does. */
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

/** Undefined for JSON that cannot be read. */
function bodyOf(type: string, content: Uint8Array): unknown {
  if (type.includes("octet-stream")) return content;
  const text = Buffer.from(content).toString();
  if (!/[/+]json/.test(type)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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
