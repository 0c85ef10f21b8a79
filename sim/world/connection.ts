import type { Life } from "./life.ts";
import type { Machine } from "./machine.ts";
import type { Net } from "./net.ts";

/** One side of a connection. */
export class End {
  readonly machine: Machine;
  readonly life: Life;
  readonly connection: Connection;
  /** Called for each packet, in order. */
  onPacket: (packet: unknown) => void = () => {};
  /** Called once, when the other side has gone or the connection is cut. */
  onGone: (reason: string) => void = () => {};
  isClosed = false;
  /** Bytes sent that have not arrived. */
  inFlightBytes = 0;
  #queue: { packet: unknown; bytes: number; what: string }[] = [];
  #arrivesMs = 0;
  #other: () => End;

  constructor(connection: Connection, where: { machine: Machine; life: Life }, other: () => End) {
    this.connection = connection;
    this.machine = where.machine;
    this.life = where.life;
    this.#other = other;
  }

  get other(): End {
    return this.#other();
  }

  send(packet: unknown, bytes: number, what: string): void {
    if (this.isClosed || this.life.isOver) return;
    this.inFlightBytes += bytes;
    this.#queue.push({ packet, bytes, what });
    this.flush();
  }

  /** Sends on what waits, when the way is open. */
  flush(afterMs = 0): void {
    const { net } = this.connection;
    const { other } = this;
    if (this.#queue.length === 0 || !net.passes(this.machine, other.machine)) return;
    for (const { packet, bytes, what } of this.#queue.splice(0)) {
      if (net.chance.happens(net.weather.cut)) return this.connection.reset("ECONNRESET");
      const { world } = net;
      const atMs = world.nowMs + afterMs + net.delayMs(this.machine, other.machine);
      this.#arrivesMs = Math.max(this.#arrivesMs + 0.001, atMs);
      const delayMs = this.#arrivesMs - world.nowMs;
      if (other.life.isOver) {
        // nobody is there any more: the machine's kernel says so
        world.after(delayMs * 2, this.life, "reset", () => this.lost("ECONNRESET"));
        continue;
      }
      world.after(delayMs, other.life, what, () => {
        this.inFlightBytes -= bytes;
        if (!other.isClosed) other.onPacket(packet);
      });
    }
  }

  /** This side lets go of it; the other one is told, if anything reaches it. */
  leave(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.connection.ended(this);
    const { net } = this.connection;
    const { machine, other } = this;
    if (!net.passes(machine, other.machine)) return;
    const delayMs = net.delayMs(machine, other.machine);
    net.world.after(delayMs, other.life, "reset", () => other.lost("code 1006"));
  }

  /** This side hears that the connection is no more. */
  lost(reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.connection.ended(this);
    this.onGone(reason);
  }
}

/** A TCP connection: two ordered ways, either of which may fall silent. */
export class Connection {
  readonly net: Net;
  readonly ends: readonly [End, End];
  #forget: (() => void)[];
  #isCut = false;

  constructor(
    net: Net,
    from: { machine: Machine; life: Life },
    to: { machine: Machine; life: Life },
  ) {
    this.net = net;
    this.ends = [new End(this, from, () => this.ends[1]), new End(this, to, () => this.ends[0])];
    net.connections.add(this);
    this.#forget = this.ends.map((end) => end.life.onEnd(() => this.#died(end)));
  }

  flush(): void {
    for (const end of this.ends) end.flush(this.net.chance.spread(10, 3_000));
  }

  /** Cut in the middle: both sides hear of it in their own time, and what was on its way is lost. */
  reset(reason: string): void {
    const { world, chance, tally } = this.net;
    if (this.#isCut) return;
    this.#isCut = true;
    tally.count("connection cut");
    for (const end of this.ends) {
      end.onPacket = () => {};
      world.after(chance.spread(0.1, 50), end.life, "cut", () => end.lost(reason));
    }
  }

  ended(end: End): void {
    if (end.other.isClosed || end.other.life.isOver) this.#over();
  }

  #over(): void {
    this.net.connections.delete(this);
    for (const forget of this.#forget) forget();
  }

  /** A process has ended. Its kernel tells the other side, unless the machine is gone with it. */
  #died(end: End): void {
    if (end.isClosed) return;
    end.isClosed = true;
    const { other } = end;
    if (other.isClosed || other.life.isOver) return this.#over();
    if (!this.net.passes(end.machine, other.machine)) return;
    const delayMs = this.net.delayMs(end.machine, other.machine);
    this.net.world.after(delayMs, other.life, "closed", () => other.lost("code 1006"));
  }
}
