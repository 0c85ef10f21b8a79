import { bytesOf, textOf } from "#/base/body.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import type { IncomingRequest } from "#/base/network.ts";
import { randomSecret } from "#/base/random.ts";
import { SegmentsLost } from "#/drivers/driver.ts";
import { stepOfTask } from "#/model/task.ts";
import type { SegmentSource } from "#/model/wire.ts";
import type { Calls } from "./calls.ts";
import type { Segments } from "./segments.ts";

type Parts = Pick<Host, "clock" | "network" | "random" | "log">;

/**
 * Shuffled segments from wherever they are: from here, from another agent by plain HTTP on a path that
 * only the cloud tells, or, where that agent cannot be reached, through the cloud by its link.
 *
 * An agent asks another for all segments of a partition at once. The answer begins with a line that says
 * how many bytes follow, so that one that breaks off is noticed; what was passed on by then cannot be
 * taken back, so that attempt fails and the next goes by relay.
 */
export class Peers {
  #parts: Parts;
  #machine: string;
  #segments: Segments;
  #calls: Calls;
  #server: { port: number; close(): Promise<void> } | undefined;
  /** Machines that could not be reached, until when they are not tried. */
  #avoided = new Map<string, number>();

  constructor(parts: Parts, machine: string, segments: Segments, calls: Calls) {
    this.#parts = parts;
    this.#machine = machine;
    this.#segments = segments;
    this.#calls = calls;
  }

  /** Listens for other agents; gives the address to tell them, or nothing when it cannot. */
  async serve(where: { listen: string; tell: string }): Promise<string | undefined> {
    const path = `/${randomSecret(this.#parts.random)}`;
    try {
      this.#server = await this.#parts.network.serve({ host: where.listen, port: 0 }, (request) =>
        this.#answer(request, path),
      );
      return `http://${where.tell}:${this.#server.port}${path}`;
    } catch (thrown) {
      this.#parts.log.warn("other agents cannot reach this one; shuffles go by relay", {
        error: messageOf(thrown),
      });
      return undefined;
    }
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }

  /** The lines of all those segments. Throws SegmentsLost when some are nowhere. */
  async *gather(sources: SegmentSource[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for (const source of sources) {
      if (source.machine === this.#machine) yield* this.#local(source.segments);
      else if (this.#isReachable(source)) yield* this.#fromPeer(source, signal);
      else yield* this.#byRelay(source, signal);
    }
  }

  /** One part of a segment, "name/part", for the cloud to pass on. Undefined when it is not here. */
  async part(name: string): Promise<Uint8Array | undefined> {
    const segment = stepOfTask(name);
    const number = Number(name.slice(segment.length + 1));
    if (this.#segments.sizeOf(segment) === undefined) return undefined;
    const pieces: Uint8Array[] = [];
    const length = limits.relayPartBytes;
    for await (const piece of this.#segments.read(segment, { offset: number * length, length }))
      pieces.push(piece);
    return Buffer.concat(pieces);
  }

  async *#local(segments: string[]): AsyncGenerator<Uint8Array> {
    const missing = segments.filter((segment) => this.#segments.sizeOf(segment) === undefined);
    if (missing.length > 0) throw lost(missing, "this machine has started again since");
    for (const segment of segments) yield* this.#segments.read(segment);
  }

  #isReachable({ machine, peerUrl }: SegmentSource): boolean {
    if (peerUrl === undefined) return false;
    return (this.#avoided.get(machine) ?? 0) <= this.#parts.clock.monotonicMs();
  }

  async *#fromPeer(source: SegmentSource, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { machine, peerUrl, segments } = source;
    const abort = new AbortController();
    const onAbort = () => abort.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const tooSlow = () =>
      abort.abort(new CanopyError("unavailable", `Cannot reach ${machine} in time`));
    const timer = this.#parts.clock.after(limits.peerConnectMs, tooSlow, true);
    try {
      const body = JSON.stringify(segments);
      const answer = await this.#parts.network
        .request({ method: "POST", url: peerUrl!, body, signal: abort.signal })
        .catch((thrown: unknown) => {
          this.#avoid(machine, thrown);
          return undefined;
        });
      timer.cancel();
      if (signal.aborted) throw signal.reason;
      if (answer?.status === 410) {
        const missing = JSON.parse(await textOf(answer.body)) as string[];
        throw lost(missing, `the machine '${machine}' has started again since`);
      }
      if (answer?.status !== 200) {
        if (answer) this.#avoid(machine, new Error(`it answered ${answer.status}`));
        yield* this.#byRelay(source, signal);
        return;
      }
      try {
        yield* measured(answer.body);
      } catch (thrown) {
        this.#avoid(machine, thrown);
        throw thrown;
      }
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
    }
  }

  #avoid(machine: string, thrown: unknown): void {
    this.#avoided.set(machine, this.#parts.clock.monotonicMs() + limits.peerAvoidedMs);
    this.#parts.log.info(`the machine '${machine}' cannot be reached directly`, {
      error: messageOf(thrown),
    });
  }

  async *#byRelay(
    { machine, segments }: SegmentSource,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const missing: string[] = [];
    for (const segment of segments) {
      for (let part = 0; ; part++) {
        const content = await this.#relayed(machine, `${segment}/${part}`, signal);
        if (content === "away") throw lost(segments, `the machine '${machine}' is not connected`);
        if (content === "gone") {
          missing.push(segment);
          break;
        }
        if (missing.length === 0 && content.length > 0) yield content;
        if (content.length < limits.relayPartBytes) break;
      }
    }
    if (missing.length > 0) throw lost(missing, `the machine '${machine}' does not give it`);
  }

  async #relayed(
    machine: string,
    name: string,
    signal: AbortSignal,
  ): Promise<Uint8Array | "gone" | "away"> {
    const path = `/v1/machines/${encodeURIComponent(machine)}/segments/${name}`;
    try {
      return await this.#calls.ask({
        method: "GET",
        path,
        signal,
        read: ({ body }) => bytesOf(body),
      });
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      if (thrown instanceof CanopyError && thrown.code === "not-found") return "gone";
      if (thrown instanceof CanopyError && thrown.code === "unavailable") return "away";
      throw thrown;
    }
  }

  async #answer(
    { method, path, body }: IncomingRequest,
    secret: string,
  ): Promise<{ status: number; body?: Uint8Array | AsyncIterable<Uint8Array> }> {
    if (method !== "POST" || path !== secret) return { status: 404 };
    const names = JSON.parse(await textOf(body)) as string[];
    const missing = names.filter((name) => this.#segments.sizeOf(name) === undefined);
    if (missing.length > 0) return { status: 410, body: Buffer.from(JSON.stringify(missing)) };
    return { status: 200, body: this.#allOf(names) };
  }

  async *#allOf(names: string[]): AsyncGenerator<Uint8Array> {
    const bytes = names.reduce((sum, name) => sum + (this.#segments.sizeOf(name) ?? 0), 0);
    yield Buffer.from(`${bytes}\n`);
    for (const name of names) yield* this.#segments.read(name);
  }
}

function lost(segments: string[], why: string): SegmentsLost {
  return new SegmentsLost([...new Set(segments.map(stepOfTask))], why);
}

/** Passes on what follows the first line, and throws when it is not as many bytes as that says. */
async function* measured(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Buffer | undefined = Buffer.alloc(0);
  let left = 0;
  for await (const piece of source) {
    let content: Uint8Array = piece;
    if (head) {
      head = Buffer.concat([head, piece]);
      const end = head.indexOf("\n");
      if (end < 0) continue;
      left = Number(head.subarray(0, end).toString());
      content = head.subarray(end + 1);
      head = undefined;
    }
    left -= content.length;
    if (content.length > 0) yield content;
  }
  if (head || left !== 0)
    throw new CanopyError("unavailable", "Cannot read the segments as they broke off");
}
