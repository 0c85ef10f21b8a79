import { isDeepStrictEqual } from "node:util";
import type { Clock } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import { Questions, type Refusals } from "#/base/questions.ts";
import type { HostAnswer, HostOrders, HostQuestion, HostReports } from "#/model/hosting.ts";
import type { TerminalOrder, TerminalReply, TerminalRequest } from "#/model/terminal.ts";
import type { Change, Kind } from "#/model/record.ts";
import type { Space } from "#/space/space.ts";
import { fold } from "./fold.ts";
import { ordersFor, type OrderMeans } from "./orders.ts";
import { Terminals, type HostTerminal } from "./terminals.ts";

/** What is said to one machine. Called synchronously; must not throw. */
export interface HostLink {
  orders(orders: HostOrders): void;
  question(request: number, question: HostQuestion): void;
  terminal(terminal: number, request: TerminalRequest): void;
}

/** One machine's link, as it concerns instances. */
export interface HostSession {
  /** What it has. */
  reported(reports: HostReports): void;
  answered(request: number, answer: HostAnswer): void;
  terminalSaid(terminal: number, reply: TerminalReply): void;
  close(): void;
}

interface OpenHost {
  machine: string;
  link: HostLink;
  /** What it was told last; undefined before the first time. */
  told: HostOrders | undefined;
}

/** Kinds of records that orders are made of. */
const followed = new Set<Kind>([
  "instance",
  "image",
  "volume",
  "snapshot",
  "vpc",
  "subnet",
  "security-group",
  "address",
  "key-pair",
  "iam-role",
  "iam-instance-profile",
  "machine",
]);

/** How often orders are looked at when nothing has changed: credentials in them grow old. */
const lookEveryMs = 60_000;

/**
 * Tells machines what instances, volumes and networks they are to have, once that is on disk, and takes what they say into
 * the records. Both say what is, and no more: what was lost on the way is said again.
 */
export class Hosting {
  #parts: { space: Space; clock: Clock; log: Log; means: OrderMeans };
  #hosts = new Map<string, OpenHost>();
  /** When a machine that is not connected left, on the monotonic clock. */
  #leftMs = new Map<string, number>();
  #beganMs = 0;
  #questions: Questions<OpenHost>;
  #terminals = new Terminals<OpenHost>();
  #loop: Loop | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(parts: { space: Space; clock: Clock; log: Log; means: OrderMeans }) {
    this.#parts = parts;
    const { hostQuestionsMax: openMax, hostQuestionMs: patienceMs } = limits;
    this.#questions = new Questions(parts.clock, { openMax, patienceMs });
  }

  start(): void {
    const { space, clock, log } = this.#parts;
    this.#beganMs = clock.monotonicMs();
    this.#loop = startLoop("hosting", () => this.#turn(), { clock, log, everyMs: lookEveryMs });
    this.#unsubscribe = space.onApplied((changes) => this.#see(changes));
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#loop?.stop();
  }

  /** A machine that hosts instances has greeted. */
  connect(machine: string, link: HostLink): HostSession {
    const host: OpenHost = { machine, link, told: undefined };
    this.#hosts.set(machine, host);
    this.#loop?.wake();
    return {
      reported: (reports) => this.#reported(host, reports),
      answered: (request, answer) => this.#questions.answered(host, request, answerOf(answer)),
      terminalSaid: (terminal, reply) => this.#terminals.said(host, terminal, reply),
      close: () => {
        if (this.#hosts.get(machine) === host) {
          this.#hosts.delete(machine);
          this.#leftMs.set(machine, this.#parts.clock.monotonicMs());
        }
        this.#questions.left(host, hasLeft);
        this.#terminals.left(host);
      },
    };
  }

  /**
   * For how long a machine was certainly not answered: since its link closed, or since this cloud began to act, before which another
   * may have answered it. 0 for one that is connected.
   */
  silentMs(machine: string): number {
    if (this.#hosts.has(machine)) return 0;
    return this.#parts.clock.monotonicMs() - (this.#leftMs.get(machine) ?? this.#beganMs);
  }

  /** What only the machine knows. Throws "unavailable" when it is not connected, "limited", "timeout", and "not-found" with what it says against it. */
  ask(machine: string, question: HostQuestion): Promise<Buffer> {
    const host = this.#connected(machine);
    return this.#questions.ask(host, refusalsOf(question), (request) =>
      host.link.question(request, question),
    );
  }

  /** Opens a terminal of an instance there; `onReply` hears of all, also of its end. Throws "unavailable" when it is not connected. */
  openTerminal(
    machine: string,
    order: TerminalOrder,
    onReply: (reply: TerminalReply) => void,
  ): HostTerminal {
    const host = this.#connected(machine);
    return this.#terminals.open(host, order, { link: host.link, onReply });
  }

  #connected(machine: string): OpenHost {
    const host = this.#hosts.get(machine);
    if (host) return host;
    throw new CanopyError("unavailable", `Cannot ask '${machine}' as it is not connected`);
  }

  isConnected(machine: string): boolean {
    return this.#hosts.has(machine);
  }

  #see(changes: readonly Change[]): void {
    if (this.#hosts.size > 0 && changes.some(({ record }) => followed.has(record.kind)))
      this.#loop?.wake();
  }

  async #turn(): Promise<void> {
    const { space, means } = this.#parts;
    const due = [...this.#hosts.values()].map((host) => ({
      host,
      orders: ordersFor(host.machine, means),
    }));
    // Nothing is asked of a machine that may be forgotten here.
    await space.durable();
    for (const { host, orders } of due) {
      if (this.#hosts.get(host.machine) !== host) continue;
      const news = host.told ? newsOf(host.told, orders) : orders;
      host.told = orders;
      if (news) host.link.orders(news);
    }
  }

  #reported({ machine }: OpenHost, reports: HostReports): void {
    const { space, clock, log } = this.#parts;
    try {
      space.commit((tx) => fold(tx, space, { machine, reports, now: clock.now() }));
    } catch (thrown) {
      // The disk is full: it says all of it again before long.
      log.warn(`what ${machine} says of its instances is not kept`, { error: messageOf(thrown) });
    }
  }
}

const refusalsOf = ({ type }: HostQuestion): Refusals => ({
  full: () =>
    new CanopyError("limited", `Cannot ask for a ${type} as others wait for theirs`, {
      retryAfterMs: 1000,
    }),
  late: () =>
    new CanopyError(
      "timeout",
      `Cannot get the ${type} as its machine did not answer in ${limits.hostQuestionMs} ms`,
    ),
});

const answerOf = (answer: HostAnswer): string | CanopyError =>
  "content" in answer ? answer.content : new CanopyError("not-found", answer.error);

const hasLeft = new CanopyError("unavailable", "the machine is not connected any more");

/** What of the orders is new; undefined for nothing. */
function newsOf(before: HostOrders, now: HostOrders): HostOrders | undefined {
  const changed = <T>(nameOf: (one: T) => string, old: readonly T[], all: readonly T[]): T[] => {
    const known = new Map(old.map((one) => [nameOf(one), one]));
    return all.filter((one) => !isDeepStrictEqual(known.get(nameOf(one)), one));
  };
  const wasGone = new Set(before.gone);
  const news: HostOrders = {
    isAll: false,
    instances: changed(({ instance }) => instance, before.instances, now.instances),
    volumes: changed(({ volume }) => volume, before.volumes, now.volumes),
    snapshots: changed(({ snapshot }) => snapshot, before.snapshots, now.snapshots),
    vpcs: changed(({ vpc }) => vpc, before.vpcs, now.vpcs),
    gone: now.gone.filter((name) => !wasGone.has(name)),
  };
  const { instances, volumes, snapshots, vpcs, gone } = news;
  const isNothing = [instances, volumes, snapshots, vpcs, gone].every(({ length }) => length === 0);
  return isNothing ? undefined : news;
}
