import { within, type Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { linesOf, type Socket, type Sockets } from "#/base/sockets.ts";

/** What QEMU tells unasked: https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html */
export interface QmpEvent {
  event: string;
  data: Record<string, unknown>;
}

/** QEMU has refused a command, or is not there to be asked any more ("Gone"). */
export class QmpError extends Error {
  readonly kind: string;

  constructor(command: string, kind: string, description: string) {
    super(`Cannot ${command}: ${description}`);
    this.name = "QmpError";
    this.kind = kind;
  }
}

type Answer = { return: unknown } | { error: { class: string; desc: string } };

/** QEMU's monitor over its socket. Commands are answered in the order they came in. */
export class Qmp {
  /** Resolves when QEMU has gone, or was let go. */
  readonly closed: Promise<void>;
  #socket: Socket;
  #clock: Clock;
  #count = 0;
  #asked = new Map<number, (answer: Answer) => void>();
  #listeners = new Set<(event: QmpEvent) => void>();

  /** Throws CanopyError "unavailable" where nobody listens, QmpError where it is not a monitor. */
  static async open(sockets: Sockets, clock: Clock, path: string): Promise<Qmp> {
    const qmp = new Qmp(await sockets.connect({ path }), clock);
    try {
      await qmp.run("qmp_capabilities");
      return qmp;
    } catch (thrown) {
      qmp.close();
      throw thrown;
    }
  }

  private constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.closed = this.#read();
  }

  /** Throws QmpError when it refuses, or does not answer. */
  async run<Result = unknown>(
    command: string,
    args?: object,
    patienceMs: number = limits.emulatorAnswerMs,
  ): Promise<Result> {
    const id = ++this.#count;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#asked.set(id, resolve);
    void this.closed.then(() => resolve(gone));
    void this.#socket.write(
      `${JSON.stringify({ execute: command, id, ...(args && { arguments: args }) })}\n`,
    );
    const answer = (await within(this.#clock, patienceMs, promise)) ?? late;
    this.#asked.delete(id);
    if ("error" in answer) throw new QmpError(command, answer.error.class, answer.error.desc);
    return answer.return as Result;
  }

  /** Calls it for each event from now on; gives how to stop that. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Does something, and waits for the event that comes of it; undefined when it does not come in time, or QEMU goes. What
   * `action` throws comes through.
   */
  async expect(
    action: () => Promise<unknown>,
    isIt: (event: QmpEvent) => boolean,
    patienceMs: number,
  ): Promise<QmpEvent | undefined> {
    const { promise, resolve } = Promise.withResolvers<QmpEvent | undefined>();
    const stop = this.onEvent((event) => isIt(event) && resolve(event));
    void this.closed.then(() => resolve(undefined));
    try {
      await action();
      return await within(this.#clock, patienceMs, promise);
    } finally {
      stop();
    }
  }

  close(): void {
    this.#socket.close();
  }

  async #read(): Promise<void> {
    try {
      for await (const line of linesOf(this.#socket.incoming, limits.monitorLineBytesMax))
        this.#take(JSON.parse(line) as { id?: number; event?: string });
    } catch {
      // what is no JSON comes from no QEMU
    } finally {
      this.#socket.close();
    }
  }

  #take(message: { id?: number; event?: string }): void {
    if (message.event !== undefined) {
      const event = { data: {}, ...message } as QmpEvent;
      for (const listener of this.#listeners) listener(event);
    } else if (message.id !== undefined)
      this.#asked.get(message.id)?.(message as unknown as Answer);
  }
}

const gone: Answer = { error: { class: "Gone", desc: "QEMU has ended" } };
const late: Answer = { error: { class: "Late", desc: "QEMU does not answer" } };
