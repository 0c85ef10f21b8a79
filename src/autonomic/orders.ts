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
import type { HeldMachine, Site } from "#/sites/site.ts";
import type { Space, Transaction } from "#/space/space.ts";
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
  /** Orders, and sites, that are being asked about. */
  #busy = new Set<string>();
  /** When an order may be tried again, on the monotonic clock. */
  #againMs = new Map<string, number>();
  #auditedMs = -Infinity;
  /** When it is looked next what ended machines left at a site, on the monotonic clock. */
  #sweepMs = new Map<string, number>();
  #isStopped = false;

  constructor(parts: OrderParts) {
    this.#parts = parts;
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
    if (nowMs - this.#auditedMs < limits.siteAuditMs) return;
    this.#auditedMs = nowMs;
    for (const { name } of space.all("site")) this.#audit(name);
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
    const { value: token, durable } = space.commit((tx) => createToken(tx, order));
    await durable; // what the site makes must find its order
    let held: HeldMachine;
    try {
      held = await site.acquire({
        name: order.name,
        offer: order.spec.offer.name,
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
    if (site !== undefined) this.#sweepMs.set(site, clock.monotonicMs() + limits.siteSweepSoonMs);
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
            what: `lost the machine of ${order.spec.site} ${order.spec.offer.name}`,
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

  /** Compares what a site holds with what was ordered. */
  #audit(name: string): void {
    const key = `site ${name}`;
    if (this.#busy.has(key)) return;
    this.#busy.add(key);
    // Asked for before the site answers: what is ordered meanwhile is not missing.
    const known = [...this.#parts.space.all("order")].filter(({ spec }) => spec.site === name);
    const look = async () => {
      const site = await this.#parts.sites.site(name);
      const { machines, unknown } = await site.held();
      await this.#compare(site, known, machines, unknown.length > 0);
      await this.#sweep(name, site);
    };
    void look()
      .catch((thrown: unknown) => {
        this.#parts.log.warn(`the site ${name} could not be audited`, { error: messageOf(thrown) });
      })
      .finally(() => this.#busy.delete(key));
  }

  async #compare(
    site: Site,
    known: readonly OrderRecord[],
    machines: readonly HeldMachine[],
    isPartial: boolean,
  ): Promise<void> {
    const { space, log } = this.#parts;
    const held = new Map(machines.map((machine) => [machine.order, machine]));
    for (const { name } of known) {
      const order = space.get("order", name);
      if (!order || this.#busy.has(name)) continue;
      const { phase } = order.status;
      if (phase !== "booting" && phase !== "joined") continue;
      const machine = held.get(name);
      if (machine?.state === "ended") {
        await this.#end(name, "failed", machine.reason ?? "the site ended it");
        await site.release(name); // what is left of it there: a folder, a program
      } else if (!machine && !isPartial) await this.#end(name, "failed", "the site has it no more");
    }
    for (const { order: name, state, handle } of machines) {
      const order = space.get("order", name);
      if (state === "ended" || (order && !hasOrderEnded(order)) || this.#busy.has(name)) continue;
      log.warn(`a machine that no order wants is released`, { order: name, handle });
      await site.release(name);
    }
  }

  /** What machines that have ended left at a site is deleted: at a start, a while after one has ended, and now and then. */
  async #sweep(name: string, site: Site): Promise<void> {
    const { space, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (!site.sweep || (this.#sweepMs.get(name) ?? 0) > nowMs) return;
    this.#sweepMs.set(name, nowMs + limits.siteSweepMs);
    const deleted = await site.sweep((order) => {
      const record = space.get("order", order);
      return record !== undefined && !hasOrderEnded(record);
    });
    if (deleted.length === 0) return;
    const why = "its machine has ended, and it would have been billed on";
    const { durable } = space.commit((tx) => {
      for (const { order, what } of deleted) {
        const more = { what: `deleted ${what}`, why: [why], subject: order };
        decide(tx, { project: "", name }, { at: clock.now(), action: "release", ...more });
      }
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
