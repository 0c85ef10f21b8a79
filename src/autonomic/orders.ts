import type { Clock } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import {
  costOfMachine,
  hasOrderEnded,
  isFleetOrder,
  type OrderRecord,
  type OrderStatus,
} from "#/model/order.ts";
import { fleetName } from "#/model/policy.ts";
import type { HeldMachine } from "#/sites/site.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { SiteAudits } from "./audit.ts";
import { decide } from "./decide.ts";
import type { Knowledge } from "./knowledge/follow.ts";
import type { SitePool } from "./pool.ts";

export interface OrderParts {
  space: Space;
  sites: SitePool;
  clock: Clock;
  log: Log;
  /** Makes what the machine of an order joins with. */
  createToken: (tx: Transaction, order: OrderRecord) => string;
  /** Where machines reach this cloud. */
  urls: () => readonly string[];
  /** Told of orders that a site did not carry out, and that are tried again after that. */
  knowledge: Pick<Knowledge, "throttled">;
  /** Called when an order has changed, soon. */
  onChange: () => void;
}

/**
 * Carries orders out: asks their site for the machine, gives it back when it is to be released, and looks
 * whether the site still has it. What is known is in the records alone and every call to a site may be made
 * again, so that a crash at any moment leaves nothing behind: what a site holds that no order wants is released.
 */
export class Orders {
  #parts: OrderParts;
  /** Orders that are being asked about. */
  #busy = new Set<string>();
  /** When an order may be tried again, on the monotonic clock. */
  #againMs = new Map<string, number>();
  #audits: SiteAudits;
  #isStopped = false;

  constructor(parts: OrderParts) {
    this.#parts = parts;
    this.#audits = new SiteAudits({
      ...parts,
      isBusy: (order) => this.#busy.has(order),
      failed: (order, reason) => this.#end(order, "failed", reason),
    });
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** One look at all orders. What takes time goes on after it has returned. */
  look(): void {
    const { space, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    for (const order of space.all("order")) {
      if (this.#busy.has(order.name) || (this.#againMs.get(order.name) ?? 0) > nowMs) continue;
      const { phase, since } = order.status;
      const isLate = (afterMs: number) => clock.now() - since > afterMs;
      if (phase === "releasing") this.#start(order, () => this.#release(order));
      else if (phase === "ordered" && isLate(limits.orderMsMax))
        this.release([order], "its site did not answer in time");
      else if (phase === "ordered") this.#start(order, () => this.#acquire(order));
      else if (phase === "booting" && isLate(limits.bootMsMax))
        this.release([order], "its machine did not join in time");
    }
    this.#forgetOld();
    this.#audits.look();
  }

  /** Gives machines back; `reason` is for people. */
  release(orders: readonly OrderRecord[], reason: string): void {
    const { space, clock } = this.#parts;
    space.commit((tx) => {
      for (const { name } of orders) giveBack(tx, name, reason, clock.now());
    });
  }

  #start({ name }: OrderRecord, action: () => Promise<void>): void {
    this.#busy.add(name);
    void action()
      .catch((thrown: unknown) => this.#later(name, thrown))
      .finally(() => {
        this.#busy.delete(name);
        this.#parts.onChange();
      });
  }

  #later(name: string, thrown: unknown): void {
    const { space, clock, log, knowledge } = this.#parts;
    const afterMs = (thrown instanceof CanopyError && thrown.retryAfterMs) || limits.orderRetryMs;
    this.#againMs.set(name, clock.monotonicMs() + afterMs);
    const order = space.get("order", name);
    if (order?.status.phase === "ordered") knowledge.throttled(order, messageOf(thrown), afterMs);
    log.warn(`the order ${name} is tried again`, { error: messageOf(thrown) });
  }

  async #acquire(order: OrderRecord): Promise<void> {
    const { space, clock, createToken, urls } = this.#parts;
    const site = await this.#parts.sites.site(order.spec.site);
    const { name: offer, microsPerHour } = order.spec.offer;
    const { value: token, durable } = space.commit((tx) => createToken(tx, order));
    await durable; // what the site makes must find its order
    let held: HeldMachine;
    try {
      held = await site.acquire({
        name: order.name,
        offer,
        ...(microsPerHour !== undefined && { microsPerHour }),
        urls: urls(),
        token,
      });
    } catch (thrown) {
      if (!isFinal(thrown)) throw thrown;
      return this.#end(order.name, "failed", messageOf(thrown));
    }
    if (this.#isStopped) return;
    const now = clock.now();
    await this.#change(order.name, (status) => ({
      ...status,
      handle: held.handle,
      // By the site's own clock, as far as that can be true.
      billedFrom: Math.min(now, Math.max(order.spec.orderedAt, held.since ?? now)),
      // Its agent may have been faster than the site's answer; it may have been called off meanwhile.
      ...(status.phase === "ordered" && { phase: "booting", since: now }),
    }));
    void this.#parts.sites.look(order.spec.site);
  }

  async #release(order: OrderRecord): Promise<void> {
    const site = await this.#parts.sites.site(order.spec.site);
    await site.release(order.name);
    if (this.#isStopped) return;
    await this.#end(order.name, "released", order.status.reason);
    void this.#parts.sites.look(order.spec.site);
  }

  /** Nothing of it is left at the site: its machine goes, and what it has cost is known. */
  async #end(
    name: string,
    phase: "released" | "failed",
    reason: string | undefined,
  ): Promise<void> {
    const { space, clock } = this.#parts;
    const { job: payer, site } = space.get("order", name)?.spec ?? {};
    this.#againMs.delete(name);
    if (site !== undefined) this.#audits.sweepSoon(site);
    const { durable } = space.commit((tx) => {
      const order = tx.get("order", name);
      if (!order || hasOrderEnded(order)) return;
      const { billedFrom, machine } = order.status;
      const now = clock.now();
      const costMicros =
        billedFrom === undefined
          ? 0
          : costOfMachine(order.spec.offer, Math.max(0, now - billedFrom));
      tx.put<"order">({
        ...order,
        status: {
          ...order.status,
          phase,
          since: now,
          endedAt: now,
          ...(costMicros !== undefined && { costMicros }),
          ...(reason !== undefined && { reason }),
        },
      });
      if (machine !== undefined) tx.delete("machine", machine);
      if (payer !== undefined) charge(tx, payer, costMicros);
      const { job = fleetName(order.project) } = order.spec;
      if (phase === "failed" && (order.spec.job !== undefined || isFleetOrder(order)))
        decide(
          tx,
          { project: order.project, name: job },
          {
            at: now,
            action: "warn",
            what: `${billedFrom === undefined ? "got no machine" : "lost the machine"} of ${order.spec.site} ${order.spec.offer.name}`,
            why: [reason ?? "the site has it no more"],
            flip: `with another offer, or a site that keeps its machines: canopy why ${order.spec.site}`,
            subject: name,
          },
        );
    });
    await durable;
  }

  async #change(name: string, change: (status: OrderStatus) => OrderStatus): Promise<void> {
    const { durable } = this.#parts.space.commit((tx) => {
      const order = tx.get("order", name);
      if (order && !hasOrderEnded(order))
        tx.put<"order">({ ...order, status: change(order.status) });
    });
    await durable;
  }

  /** The oldest that have ended leave memory. */
  #forgetOld(): void {
    const { space, clock } = this.#parts;
    const old = [...space.all("order")].filter(
      (order) => hasOrderEnded(order) && clock.now() - order.status.since > limits.ordersKeptMs,
    );
    if (old.length === 0) return;
    space.commit((tx) => {
      for (const order of old) tx.archive<"order">(order);
    });
  }
}

/** What a machine has cost is the job's for good: its order is forgotten after a while. A job stays live until then. */
export function charge(tx: Transaction, payer: string, micros: number | undefined): void {
  const job = tx.get("job", payer);
  if (!job) return;
  const { bought = { micros: 0 } } = job.status;
  const sum =
    bought.micros === undefined || micros === undefined ? {} : { micros: bought.micros + micros };
  tx.put<"job">({ ...job, status: { ...job.status, bought: sum } });
}

/** Says of an order that its machine is to be given back. Nothing happens where that was said before. */
export function giveBack(
  tx: Transaction,
  name: string,
  reason: string,
  now: number,
  more: Partial<OrderStatus> = {},
): void {
  const order = tx.get("order", name);
  if (!order || hasOrderEnded(order) || order.status.phase === "releasing") return;
  const status = { ...order.status, ...more, phase: "releasing", since: now, reason } as const;
  tx.put<"order">({ ...order, status });
  cordon(tx, order.status.machine, true);
}

/** Whether asking again would give the same answer. */
function isFinal(thrown: unknown): boolean {
  return (
    thrown instanceof CanopyError &&
    (thrown.code === "no-capacity" ||
      thrown.code === "forbidden" ||
      thrown.code === "not-found" ||
      thrown.code === "invalid")
  );
}

/** Lets a machine take tasks, or no more of them. */
export function cordon(tx: Transaction, name: string | undefined, cordoned: boolean): void {
  const machine = name === undefined ? undefined : tx.get("machine", name);
  if (machine && machine.spec.cordoned !== cordoned)
    tx.put<"machine">({ ...machine, spec: { ...machine.spec, cordoned } });
}
