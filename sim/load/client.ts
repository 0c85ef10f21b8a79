import { CanopyError } from "#/base/errors.ts";
import type { Life } from "../world/life.ts";
import type { Machine } from "../world/machine.ts";

export interface Reply {
  status: number;
  value: unknown;
}

const patienceMs = 15_000;

/** Someone who calls the API from a machine of their own, and gives up on a call after a while. */
export class Client {
  readonly machine: Machine;
  readonly life: Life;
  #urls: () => string[];
  #key: () => string;
  #fetch: ReturnType<Machine["begin"]>["host"]["network"];
  #at = 0;

  constructor(machine: Machine, urls: () => string[], key: () => string) {
    this.machine = machine;
    this.#urls = urls;
    this.#key = key;
    const { life, host } = machine.begin();
    this.life = life;
    this.#fetch = host.network;
  }

  get nowMs(): number {
    return this.machine.world.nowMs;
  }

  /** The next call goes to another control plane. */
  turn(): void {
    this.#at++;
  }

  sleep(ms: number): Promise<void> {
    return this.machine.world.sleep(ms, this.life, "client waits");
  }

  /** One call to one control plane; undefined when no answer came. */
  async once(
    method: string,
    path: string,
    body?: unknown,
    key?: string,
  ): Promise<Reply | undefined> {
    const urls = this.#urls();
    const url = urls[this.#at % urls.length]!;
    const patience = new AbortController();
    const timer = this.machine.world.after(patienceMs, this.life, "client gives up", () =>
      patience.abort(new CanopyError("timeout", "No answer came")),
    );
    try {
      const { status, body: pieces } = await this.#fetch.request({
        method,
        url: url + path,
        headers: {
          authorization: `Bearer ${this.#key()}`,
          ...(key !== undefined && { "idempotency-key": key, "sim-repeatable": "1" }),
          ...(method === "GET" && { "sim-repeatable": "1" }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: patience.signal,
      });
      let text = "";
      for await (const piece of pieces) text += Buffer.from(piece).toString();
      return { status, value: text === "" ? undefined : (JSON.parse(text) as unknown) };
    } catch {
      this.#at++;
      return undefined;
    } finally {
      timer.cancel();
    }
  }

  /** The same call, again and again until there is an answer that says something; undefined when there is none in `tries`. */
  async call(
    method: string,
    path: string,
    body?: unknown,
    options: { key?: string; tries?: number } = {},
  ): Promise<Reply | undefined> {
    const { key, tries = 30 } = options;
    for (let turn = 0; turn < tries; turn++) {
      const reply = await this.once(method, path, body, key);
      if (reply && !isPassing(reply.status)) return reply;
      if (reply) this.#at++;
      await this.sleep(Math.min(5_000, 100 * 2 ** turn));
    }
    return undefined;
  }
}

/** It may be otherwise in a moment. */
function isPassing(status: number): boolean {
  return status === 429 || status >= 500;
}
