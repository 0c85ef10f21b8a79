import { textOf } from "#/base/body.ts";
import { sleep } from "#/base/clock.ts";
import { CanopyError, errorCodes, messageOf, type ErrorCode } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { HttpRequest, HttpResponse, Link } from "#/base/network.ts";
import { randomText } from "#/base/random.ts";
import type { ProblemView } from "#/model/views.ts";
import { ControlPlanes } from "./control-planes.ts";
import type { Door } from "./contexts.ts";
import type { World } from "./world.ts";

export interface CallOptions {
  query?: Record<string, string | number | boolean | undefined>;
  headers?: Record<string, string>;
  /** Sent as JSON, unless `text` or `content` is given. */
  body?: unknown;
  text?: string;
  content?: Uint8Array | AsyncIterable<Uint8Array>;
  signal?: AbortSignal | undefined;
  /** Set for a POST that may be repeated without a key, as it says itself where it stands. */
  repeatable?: boolean;
  /** Set for a master that offers work: held back ("limited"), it waits for as long as it takes. */
  heldBack?: boolean;
}

/**
 * HTTP calls to one cloud, by any of its control planes. A call that cannot get through, or is told to come again, is repeated with
 * growing waits for as long as `patienceMs` allows; every POST carries an idempotency key, so that
 * repeating it does nothing twice. Refusals become CanopyError with the cloud's own code and hint.
 */
export class Http {
  readonly door: Door;
  readonly #world: Pick<World, "request" | "dial" | "clock" | "random">;
  readonly #patienceMs: number;
  readonly #planes: ControlPlanes;

  constructor(
    door: Door,
    world: Pick<World, "request" | "dial" | "clock" | "random">,
    patienceMs: number,
  ) {
    this.door = door;
    this.#world = world;
    this.#patienceMs = patienceMs;
    this.#planes = new ControlPlanes(door.url);
  }

  /** The control plane that is spoken to now. */
  get url(): string {
    return this.#planes.url;
  }

  /** All control planes that are known, that one first. */
  get urls(): string[] {
    return this.#planes.urls;
  }

  get clock(): World["clock"] {
    return this.#world.clock;
  }

  /** The answer's JSON; undefined when it has none. */
  async json<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    const text = await this.#repeat(method, path, options, ({ body }) => textOf(body));
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** The answer once its head has come, its status below 300; its body is to be read. Throws CanopyError for all else. */
  send(method: string, path: string, options: CallOptions = {}): Promise<HttpResponse> {
    return this.#repeat(method, path, options, (response) => response);
  }

  /** Opens a WebSocket; it is not opened again. Throws CanopyError "unavailable", "unauthenticated" or "forbidden". */
  dial(path: string, query: URLSearchParams): Promise<Link> {
    const { headers = {} } = this.#request("GET", {});
    const asked = query.size > 0 ? `?${query}` : "";
    return this.#world.dial(`${this.url.replace(/^http/, "ws")}${path}${asked}`, headers);
  }

  /** What `read` makes of the answer: a call whose answer breaks off while it is read is repeated too. */
  async #repeat<T>(
    method: string,
    path: string,
    options: CallOptions,
    read: (response: HttpResponse) => T | Promise<T>,
  ): Promise<T> {
    const { clock } = this.#world;
    const target = targetOf(path, options.query);
    const request = this.#request(method, options);
    const untilMs = clock.monotonicMs() + this.#patienceMs;
    for (let tries = 1, turn = 0; ; tries++) {
      const outcome = await this.#once(target, request, read);
      if (!(outcome instanceof CanopyError)) return outcome;
      const waitMs =
        outcome.retryAfterMs ?? Math.min(limits.reconnectMsMin * 2 ** turn, limits.reconnectMsMax);
      const mayRepeat = repeatedCodes.has(outcome.code) && !isStream(options.content);
      const mayWait = options.heldBack === true && outcome.code === "limited";
      if (!mayRepeat || (!mayWait && clock.monotonicMs() + waitMs > untilMs)) throw outcome;
      if (outcome.code === "unavailable") this.#planes.next();
      // Another may answer at once; only when none did, there is something to wait for.
      if (outcome.code === "unavailable" && tries % this.#planes.count !== 0) continue;
      turn++;
      await sleep(clock, waitMs, options.signal);
    }
  }

  async #once<T>(
    target: string,
    request: Omit<HttpRequest, "url">,
    read: (response: HttpResponse) => T | Promise<T>,
  ): Promise<T | CanopyError> {
    const { url } = this.#planes;
    try {
      const response = await this.#world.request({ ...request, url: `${url}${target}` });
      this.#planes.learn(response.headers);
      return response.status >= 300 ? await refusal(response) : await read(response);
    } catch (thrown) {
      if (request.signal?.aborted) throw request.signal.reason;
      return unreachable(url, this.door.from, thrown);
    }
  }

  #request(method: string, options: CallOptions): Omit<HttpRequest, "url"> {
    const headers: Record<string, string> = { ...options.headers };
    if (this.door.key !== undefined) headers["authorization"] = `Bearer ${this.door.key}`;
    if (this.door.project !== undefined) headers["canopy-project"] = this.door.project;
    if (method === "POST" && !options.repeatable)
      headers["idempotency-key"] = randomText(this.#world.random, 26);
    const body = options.text ?? options.content ?? jsonOf(options.body);
    if (body !== undefined)
      headers["content-type"] ??=
        options.body === undefined ? "text/plain;charset=UTF-8" : "application/json";
    return {
      method,
      headers,
      ...(body !== undefined && { body }),
      ...(options.signal && { signal: options.signal }),
    };
  }
}

function jsonOf(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

function isStream(content: CallOptions["content"]): boolean {
  return content !== undefined && !(content instanceof Uint8Array);
}

function targetOf(path: string, query: CallOptions["query"]): string {
  let target = path;
  let mark = "?";
  for (const name in query) {
    const value = query[name];
    if (value === undefined) continue;
    target += `${mark}${name}=${encodeURIComponent(value)}`;
    mark = "&";
  }
  return target;
}

const repeatedCodes: ReadonlySet<ErrorCode> = new Set([
  "unavailable",
  "limited",
  "timeout",
  "no-space",
]);

async function refusal({ status, headers, body }: HttpResponse): Promise<CanopyError> {
  const text = await textOf(body).catch(() => "");
  const problem = problemOf(text);
  const known = problem.code !== undefined && problem.code in errorCodes;
  const code = known ? (problem.code as ErrorCode) : codeOf(status);
  const seconds = Number(headers["retry-after"]);
  const retryAfterMs = problem.retryAfterMs ?? (seconds > 0 ? seconds * 1000 : undefined);
  const message =
    problem.detail ?? problem.title ?? `The cloud answered ${status}: ${text.slice(0, 200)}`;
  return new CanopyError(code, withMembers(message, problem), {
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    ...(problem.place === undefined ? {} : { place: problem.place }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function withMembers(message: string, { errors }: Partial<ProblemView>): string {
  const missing = errors?.filter(({ detail }) => !message.includes(detail)) ?? [];
  return [message, ...missing.map(({ pointer, detail }) => `  ${pointer}: ${detail}`)].join("\n");
}

function problemOf(text: string): Partial<ProblemView> {
  try {
    return JSON.parse(text) as Partial<ProblemView>;
  } catch {
    return {};
  }
}

function codeOf(status: number): ErrorCode {
  for (const [code, { status: own }] of Object.entries(errorCodes))
    if (own === status) return code as ErrorCode;
  if (status === 502) return "unavailable";
  return status < 500 ? "invalid" : "internal";
}

function unreachable(url: string, from: string, thrown: unknown): CanopyError {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  const word = (cause as { code?: string } | undefined)?.code ?? messageOf(cause);
  return new CanopyError("unavailable", `Cannot reach ${url}, which ${from} names: ${word}`, {
    hint: "Is it running? Start a cloud with: canopy up",
    cause: thrown,
  });
}
