import { limits } from "#/base/limits.ts";
import type { Socket } from "#/base/sockets.ts";
import type { InstanceTerminal } from "../instance-driver.ts";

/**
 * The serial console of one guest for all who are at it: QEMU has one connection to it at a time. What is printed goes to each of
 * them; whoever reads too slowly misses the oldest of it, and no other does.
 */
export class SharedConsole {
  #connect: () => Promise<Socket>;
  #socket: Promise<Socket> | undefined;
  #viewers = new Set<Viewer>();

  constructor(connect: () => Promise<Socket>) {
    this.#connect = connect;
  }

  /** Throws CanopyError "unavailable" where the guest has just ended. */
  async join(): Promise<InstanceTerminal> {
    const viewer = new Viewer();
    this.#viewers.add(viewer);
    const socket = await (this.#socket ??= this.#open()).catch((thrown: unknown) => {
      this.close();
      throw thrown;
    });
    const leave = () => {
      viewer.end();
      this.#viewers.delete(viewer);
      if (this.#viewers.size === 0) this.close();
    };
    return { incoming: viewer, write: (typed) => socket.write(typed), end: () => {}, close: leave };
  }

  async #open(): Promise<Socket> {
    const socket = await this.#connect();
    void this.#pour(socket);
    return socket;
  }

  async #pour(socket: Socket): Promise<void> {
    for (;;) {
      const { done, value } = await socket.incoming.next();
      if (done) break;
      for (const viewer of this.#viewers) viewer.give(value);
    }
    this.close();
  }

  /** Nobody is at it any more. */
  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    void socket?.then(
      (open) => open.close(),
      () => {},
    );
    for (const viewer of this.#viewers) viewer.end();
    this.#viewers.clear();
  }
}

/** What one who is at it has not read yet. */
class Viewer implements AsyncIterator<Uint8Array> {
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #hasEnded = false;
  #news = Promise.withResolvers<void>();

  give(piece: Uint8Array): void {
    this.#unread.push(piece);
    this.#unreadBytes += piece.length;
    while (this.#unreadBytes > limits.terminalAheadBytes && this.#unread.length > 1)
      this.#unreadBytes -= this.#unread.shift()!.length;
    this.#news.resolve();
  }

  end(): void {
    this.#hasEnded = true;
    this.#news.resolve();
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    while (this.#unread.length === 0 && !this.#hasEnded) {
      await this.#news.promise;
      this.#news = Promise.withResolvers();
    }
    const piece = this.#unread.shift();
    if (!piece) return { done: true, value: undefined };
    this.#unreadBytes -= piece.length;
    return { done: false, value: piece };
  }
}
