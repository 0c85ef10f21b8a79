import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Access } from "#/access/access.ts";
import { within, type Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Forward, ForwardOutcome } from "#/base/forward.ts";
import { limits } from "#/base/limits.ts";
import type { Standing } from "#/space/leadership.ts";
import { problemOf } from "./problems.ts";
import { knownCaller } from "./standing.ts";

interface Parts {
  access: Access;
  standing: Standing;
  forward: Forward;
  clock: Clock;
}

/** Says to the receiver that it must not hand this on once more; and in its answer, that it does not lead. */
const forwardedHeader = "canopy-forwarded";
const notLeadingHeader = "canopy-not-leading";

const againMs = 50;

/** Hands on what only the leader answers. While there is none, it waits for one, and then says "unavailable". */
export class ToLeader {
  #parts: Parts;
  /** Given up soon after another leads: what was asked of an old leader may never be answered. */
  #underWay = new AbortController();
  #epoch = 0;
  #isClosed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    void this.#watch();
  }

  close(): void {
    this.#isClosed = true;
    this.#underWay.abort();
  }

  /**
   * Hands on a request whose body nobody has read, or which is `read`; its answer goes straight to `response`. What was not
   * taken over there, or may be asked twice, is asked again of the next leader. Throws "unavailable", having
   * answered nothing.
   */
  async request(request: IncomingMessage, response: ServerResponse, read?: Buffer): Promise<void> {
    if (request.headers[forwardedHeader] !== undefined) {
      response.setHeader(notLeadingHeader, "1");
      throw notLeading();
    }
    const body = read ?? (await shortBody(request));
    const mayRepeat =
      request.method === "GET" ||
      request.method === "HEAD" ||
      request.headers["idempotency-key"] !== undefined;
    await this.#repeat(body !== undefined, mayRepeat, (to, signal) =>
      this.#parts.forward.request({
        request,
        response,
        body,
        to,
        signal,
        headers: {
          [forwardedHeader]: "1",
          ...(body && body.length > 0 && { "content-length": String(body.length) }),
        },
        onHead,
      }),
    );
  }

  /** Hands on the link that an agent opens. Never throws. */
  async link(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      await knownCaller(request, this.#parts);
      if (request.headers[forwardedHeader] !== undefined) return sayNotLeading(socket);
      await this.#repeat(true, true, (to, signal) =>
        this.#parts.forward.upgrade({
          request,
          socket,
          head,
          to,
          signal,
          headers: { [forwardedHeader]: "1" },
          onHead,
        }),
      );
    } catch (thrown) {
      refuseUpgrade(socket, thrown);
    }
  }

  async #repeat(
    isWhole: boolean,
    mayRepeat: boolean,
    action: (to: string, signal: AbortSignal) => Promise<ForwardOutcome>,
  ): Promise<void> {
    const { standing, clock } = this.#parts;
    let untilMs = clock.monotonicMs() + limits.leaderWaitMs;
    for (;;) {
      const leader = standing.leader;
      if (leader) {
        const outcome = await action(leader.url, this.#underWay.signal);
        if (outcome === "answered") return;
        if (outcome === "unanswered" && !(mayRepeat && isWhole)) throw unanswered();
        if (outcome === "refused" && !isWhole) throw notLeading();
        // It was sent somewhere: only from now on is a leader waited for.
        if (outcome === "unanswered") untilMs = clock.monotonicMs() + limits.leaderWaitMs;
      }
      const leftMs = untilMs - clock.monotonicMs();
      if (leftMs <= 0 || this.#isClosed) throw notLeading();
      await within(clock, leader ? againMs : leftMs, standing.changed());
    }
  }

  async #watch(): Promise<void> {
    const { standing, clock } = this.#parts;
    while (!this.#isClosed) {
      const epoch = standing.leader?.epoch ?? this.#epoch;
      if (epoch !== this.#epoch) {
        this.#epoch = epoch;
        const before = this.#underWay;
        clock.after(limits.handOverMs, () => before.abort(), true);
        this.#underWay = new AbortController();
      }
      await standing.changed();
    }
  }
}

/** An answer of one that does not lead is none. */
async function onHead(headers: IncomingMessage["headers"]): Promise<boolean> {
  return headers[notLeadingHeader] === undefined;
}

/** The whole body when it is short; undefined when it goes on as it comes. */
async function shortBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  if (encoding !== undefined || Number(length ?? 0) > limits.forwardBodyBytesMax) return undefined;
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

function notLeading(): CanopyError {
  return new CanopyError("unavailable", "Cannot answer as no control plane leads at this moment", {
    hint: "Try again; another one leads within seconds. See: canopy status",
    retryAfterMs: 1000,
  });
}

function unanswered(): CanopyError {
  return new CanopyError(
    "unavailable",
    "Cannot tell whether this was done as the leading control plane ended before it answered",
    {
      hint: "Look first, or send it with an Idempotency-Key: then it may be sent twice",
      retryAfterMs: 1000,
    },
  );
}

function sayNotLeading(socket: Duplex): void {
  socket.end(
    `HTTP/1.1 503 Service Unavailable\r\n${notLeadingHeader}: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
  );
}

function refuseUpgrade(socket: Duplex, thrown: unknown): void {
  const problem = problemOf(thrown);
  const text = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\ncontent-type: application/problem+json\r\n` +
      `connection: close\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}
