import { limits } from "#/base/limits.ts";
import type { HttpRequest, HttpResponse, Network } from "#/base/network.ts";
import type { Tally } from "../faults/tally.ts";
import type { Chance } from "#/base/chance.ts";
import { Connection, type End } from "./connection.ts";
import { exchange, linkOn, type Door } from "./exchange.ts";
import { unavailable } from "./failures.ts";
import type { Life } from "./life.ts";
import type { Machine } from "./machine.ts";
import type { World } from "./world.ts";

/** How bad the network is everywhere, as probabilities of one packet. */
export interface Weather {
  late: number;
  lateMs: number;
  cut: number;
  /** Of a request that may be repeated. */
  repeated: number;
}

/** Of an HTTP client such as Node's own. */
const connectMs = 10_000;
const answerMs = 300_000;
/** When TCP says hello again, and when it gives up (Linux, tcp_syn_retries 6). */
const helloAgainMs = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000];

/** The network between all machines: connections that are ordered, and late, and cut, and silent. */
export class Net {
  readonly world: World;
  readonly tally: Tally;
  readonly chance: Chance;
  readonly machines = new Map<string, Machine>();
  readonly connections = new Set<Connection>();
  weather: Weather = { late: 0, lateMs: 0, cut: 0, repeated: 0 };
  #doors = new Map<string, { life: Life; door: Door }>();
  /** Ways that nothing passes, as "a>b", and who is told of what is held back there: one for each reason. */
  #blocked = new Map<string, Set<() => void>>();
  #slow = new Map<string, { untilMs: number; byMs: number; onFelt: () => void }>();
  #ports = 40_000;

  constructor(world: World, tally: Tally) {
    this.world = world;
    this.tally = tally;
    this.chance = world.stream();
  }

  /** Gives what closes the door again. */
  listen(machine: Machine, life: Life, port: number, door: Door): () => void {
    const key = `${machine.name}:${port}`;
    this.#doors.set(key, { life, door });
    return () => {
      if (this.#doors.get(key)?.door === door) this.#doors.delete(key);
    };
  }

  /** A connection to who takes them as they are at `url`. Throws "unavailable". */
  async connect(from: Machine, life: Life, url: string): Promise<End> {
    const connected = this.#connect(from, life, url);
    const end = await this.#within(limits.dialMs, life, url, connected, () => undefined);
    const door = this.#doorOf(url)?.door;
    if (!door?.accept) throw unavailable(url, "ECONNREFUSED");
    door.accept(end.other);
    return end;
  }

  passes(from: Machine, to: Machine): boolean {
    if (!from.isUp || !to.isUp) return false;
    const reasons = this.#blocked.get(`${from.name}>${to.name}`);
    if (reasons) for (const onFelt of reasons) onFelt();
    return reasons === undefined;
  }

  /** Lets nothing pass from one to the other; gives what ends it. `onFelt` hears each time that something does not pass. */
  block(from: string, to: string, onFelt: () => void = () => {}): () => void {
    const way = `${from}>${to}`;
    const reason = () => onFelt();
    let reasons = this.#blocked.get(way);
    if (!reasons) this.#blocked.set(way, (reasons = new Set()));
    reasons.add(reason);
    return () => {
      if (!reasons.delete(reason)) return;
      if (reasons.size === 0) this.#blocked.delete(way);
      this.flush();
    };
  }

  /** `onFelt` hears of each packet that it makes late. */
  slow(from: string, to: string, how: { forMs: number; byMs: number; onFelt: () => void }): void {
    const { forMs, byMs, onFelt } = how;
    this.#slow.set(`${from}>${to}`, { untilMs: this.world.nowMs + forMs, byMs, onFelt });
  }

  /** What waited for a way to open goes on, when TCP tries again. */
  flush(): void {
    for (const connection of this.connections) connection.flush();
  }

  /** How long one packet takes. */
  delayMs(from: Machine, to: Machine): number {
    const slow = this.#slow.get(`${from.name}>${to.name}`);
    let delayMs = 0.2 * this.chance.spread(0.5, 5);
    if (slow && slow.untilMs > this.world.nowMs) {
      slow.onFelt();
      delayMs += slow.byMs * this.chance.fraction();
    }
    if (this.chance.happens(this.weather.late)) {
      this.tally.count("packet late");
      delayMs += this.chance.spread(5, Math.max(6, this.weather.lateMs));
    }
    return delayMs;
  }

  of(machine: Machine, life: Life): Network {
    return {
      dial: (url, headers) => this.#dial(machine, life, url, headers),
      request: (request) => this.#request(machine, life, request),
      serve: async (where, handler) => {
        const port = "path" in where ? 0 : where.port;
        const free = port === 0 ? ++this.#ports : port;
        const key = `${machine.name}:${free}`;
        const door: Door = {
          link: async () => ({ refused: 404 }),
          request: async ({ method, path, headers, body }) => {
            const { status, body: answer } = await handler({
              method,
              path,
              headers,
              from: "",
              body: once(body),
            });
            return { status, headers: {}, body: await whole(answer) };
          },
        };
        this.#doors.set(key, { life, door });
        return { port: free, close: async () => void this.#doors.delete(key) };
      },
    };
  }

  async #dial(from: Machine, life: Life, url: string, headers: Record<string, string>) {
    let end: End | undefined;
    const opened = async () => {
      end = await this.#connect(from, life, url);
      return linkOn(end, this.#doorOf(url)!.door, headers, url);
    };
    return this.#within(limits.dialMs, life, url, opened(), () => end);
  }

  async #request(from: Machine, life: Life, request: HttpRequest): Promise<HttpResponse> {
    const { url, signal } = request;
    const connected = this.#connect(from, life, url);
    const end = await this.#within(connectMs, life, url, connected, () => undefined, signal);
    const { pathname, search } = new URL(url);
    const asked = {
      method: request.method,
      path: pathname + search,
      headers: request.headers ?? {},
      body: await whole(request.body),
    };
    const isRepeated =
      asked.headers["sim-repeatable"] !== undefined && this.chance.happens(this.weather.repeated);
    const exchanged = exchange(end, this.#doorOf(url)?.door, asked, isRepeated);
    const answer = await this.#within(answerMs, life, url, exchanged, () => end, signal);
    return { ...answer, body: once(answer.body) };
  }

  /** What comes of `promise`, unless that takes too long or `signal` is aborted: then the connection is let go. */
  #within<T>(
    waitMs: number,
    life: Life,
    url: string,
    promise: Promise<T>,
    endOf: () => End | undefined,
    signal?: AbortSignal,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = (reason: unknown) => {
        timer.cancel();
        reject(reason as Error);
        endOf()?.leave();
      };
      const timer = this.world.after(waitMs, life, "timeout", () =>
        giveUp(unavailable(url, "ETIMEDOUT")),
      );
      const onAbort = () => giveUp(signal!.reason);
      if (signal?.aborted) return onAbort();
      signal?.addEventListener("abort", onAbort, { once: true });
      promise
        .then(resolve, reject)
        .finally(() => {
          timer.cancel();
          signal?.removeEventListener("abort", onAbort);
        })
        .catch(() => {});
    });
  }

  #doorOf(url: string): { life: Life; door: Door } | undefined {
    const { hostname, port } = new URL(url);
    const found = this.#doors.get(`${hostname}:${port}`);
    return found?.life.isOver ? undefined : found;
  }

  /** Both ends of a connection to who listens at `url`. Throws "unavailable". */
  async #connect(from: Machine, life: Life, url: string): Promise<End> {
    const to = this.machines.get(new URL(url).hostname);
    if (!to) throw unavailable(url, "ENOTFOUND");
    for (const waitMs of helloAgainMs) {
      const delayMs = this.delayMs(from, to) + this.delayMs(to, from);
      if (this.passes(from, to) && this.passes(to, from)) {
        await this.world.sleep(delayMs, life, "connect");
        const heard = this.#doorOf(url);
        if (!heard) throw unavailable(url, "ECONNREFUSED");
        const connection = new Connection(
          this,
          { machine: from, life },
          { machine: to, life: heard.life },
        );
        return connection.ends[0];
      }
      await this.world.sleep(waitMs, life, "connect again");
    }
    throw unavailable(url, "EHOSTUNREACH");
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield bytes;
}

async function whole(
  body: string | Uint8Array | AsyncIterable<Uint8Array> | undefined,
): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array(0);
  if (typeof body === "string") return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}
