import { sleep } from "#/base/clock.ts";
import { CanopyError, type ErrorCode } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import type { HttpRequest, HttpResponse } from "#/base/network.ts";

const codes: Record<number, ErrorCode> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not-found",
  413: "too-large",
  507: "no-space",
};

/** What an agent asks of its cloud beside its link: objects, and segments by relay. */
export class Calls {
  #host: Pick<Host, "network" | "clock">;
  #url: string;
  #key: string;

  constructor(host: Pick<Host, "network" | "clock">, url: string, key: string) {
    this.#host = host;
    this.#url = url;
    this.#key = key;
  }

  /**
   * One call, tried again while the cloud is not there or has no time. `body` is made anew for each
   * try. Throws CanopyError with the code that the answer means.
   */
  async ask(
    request: Pick<HttpRequest, "method" | "signal"> & {
      path: string;
      body?: () => AsyncIterable<Uint8Array>;
    },
  ): Promise<HttpResponse> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#once(request);
      } catch (thrown) {
        const isPassing =
          thrown instanceof CanopyError &&
          ["unavailable", "limited", "no-space"].includes(thrown.code);
        if (!isPassing || tries >= limits.agentCallTries || request.signal?.aborted) throw thrown;
        await sleep(this.#host.clock, limits.reconnectMsMin * 2 ** tries, request.signal);
      }
    }
  }

  async #once({ method, path, body, signal }: Parameters<Calls["ask"]>[0]): Promise<HttpResponse> {
    const response = await this.#host.network.request({
      method,
      url: new URL(path, this.#url).href,
      headers: {
        authorization: `Bearer ${this.#key}`,
        ...(body && { "content-type": "application/octet-stream" }),
      },
      ...(body && { body: body() }),
      ...(signal && { signal }),
    });
    if (response.status < 300) return response;
    let text = "";
    for await (const piece of response.body) text += Buffer.from(piece).toString();
    const code = codes[response.status] ?? (response.status === 429 ? "limited" : "unavailable");
    throw new CanopyError(
      code,
      detailOf(text) ?? `The cloud answered ${response.status} to ${method} ${path}`,
    );
  }
}

function detailOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { detail?: string }).detail;
  } catch {
    return undefined;
  }
}
