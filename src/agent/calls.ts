import { textOf } from "#/base/body.ts";
import { sleep } from "#/base/clock.ts";
import { CanopyError, type ErrorCode } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import type { HttpRequest, HttpResponse } from "#/base/network.ts";
import type { ControlPlanes } from "./control-planes.ts";

const codes: Record<number, ErrorCode> = {
  400: "invalid",
  401: "unauthenticated",
  403: "forbidden",
  404: "not-found",
  409: "conflict",
  413: "too-large",
  429: "limited",
  507: "no-space",
};

/** What the status of an answer means. */
export function codeOf(status: number): ErrorCode {
  return codes[status] ?? "unavailable";
}

/** What may be well the next time. */
const passing: ReadonlySet<ErrorCode> = new Set(["unavailable", "limited", "no-space"]);

export interface Call<T> {
  method: string;
  path: string;
  /** Made anew for each try. */
  body?: () => AsyncIterable<Uint8Array>;
  signal?: AbortSignal;
  /** What is made of an answer; one that breaks off while it is read is asked for again. */
  read(response: HttpResponse): Promise<T>;
  /** Whether it waits for a link when there is none: true when absent. */
  waits?: boolean;
}

/** What an agent asks of its cloud beside its link, from the control plane that it is linked with: blobs, and segments by relay. */
export class Calls {
  #host: Pick<Host, "network" | "clock">;
  #planes: ControlPlanes;
  #key: string;
  #stop = new AbortController();

  constructor(host: Pick<Host, "network" | "clock">, planes: ControlPlanes, key: string) {
    this.#host = host;
    this.#planes = planes;
    this.#key = key;
  }

  /** Ends all calls, and refuses new ones. */
  close(): void {
    this.#stop.abort(new CanopyError("unavailable", "Cannot ask the cloud as the agent stops"));
  }

  get isClosed(): boolean {
    return this.#stop.signal.aborted;
  }

  get isLinked(): boolean {
    return this.#planes.linked !== undefined;
  }

  /** Waits before something is tried again; rejects when the agent stops. */
  pause(delayMs: number): Promise<void> {
    return sleep(this.#host.clock, delayMs, this.#stop.signal);
  }

  /**
   * One call, tried again while the cloud has no time, and waiting for as long as there is no link.
   * Throws CanopyError with the code that the answer means; "unavailable" at once when there is no link
   * and it does not wait; the reason of `signal` when that is aborted.
   */
  async ask<T>(call: Call<T>): Promise<T> {
    const signals = [this.#stop.signal, ...(call.signal ? [call.signal] : [])];
    const ended = AbortSignal.any(signals);
    for (let tries = 1; ; tries++) {
      const { url, leaving } = await this.#linked(call, ended);
      try {
        return await this.#once(url, call, AbortSignal.any([ended, leaving]));
      } catch (thrown) {
        if (ended.aborted) throw ended.reason;
        if (!isPassing(thrown)) throw thrown;
        if (leaving.aborted) tries--; // it was not refused: nobody was there any more
        else if (tries >= limits.agentCallTries) throw thrown;
        await sleep(this.#host.clock, limits.reconnectMsMin * 2 ** tries, ended);
      }
    }
  }

  /** Waits for a link. */
  async #linked(
    { waits }: Pick<Call<unknown>, "waits">,
    ended: AbortSignal,
  ): Promise<{ url: string; leaving: AbortSignal }> {
    for (;;) {
      const { linked } = this.#planes;
      if (linked) return linked;
      if (waits === false)
        throw new CanopyError("unavailable", "Cannot ask the cloud as there is no link to it");
      await unless(ended, this.#planes.arrival);
    }
  }

  async #once<T>(
    cloudUrl: string,
    { method, path, body, read }: Call<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const request: HttpRequest = {
      method,
      url: new URL(path, cloudUrl).href,
      headers: {
        authorization: `Bearer ${this.#key}`,
        ...(body && { "content-type": "application/octet-stream" }),
      },
      ...(body && { body: body() }),
      signal,
    };
    const response = await this.#host.network.request(request);
    if (response.status < 300) {
      return await read(response);
    }
    const text = await textOf(response.body).catch(() => "");
    throw new CanopyError(
      codeOf(response.status),
      detailOf(text) ?? `The cloud answered ${response.status} to ${method} ${path}`,
    );
  }
}

export function isPassing(thrown: unknown): boolean {
  return thrown instanceof CanopyError && passing.has(thrown.code);
}

/** What the promise comes to, unless the signal is aborted first. */
function unless(signal: AbortSignal, promise: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    void promise.then(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
  });
}

/** What a cloud says about an error, if it does. */
export function detailOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { detail?: string }).detail;
  } catch {
    return undefined;
  }
}
