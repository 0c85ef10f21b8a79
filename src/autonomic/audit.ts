import type { Clock } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { hasOrderEnded, type OrderRecord } from "#/model/order.ts";
import type { HeldMachine, Site } from "#/sites/site.ts";
import type { Space } from "#/space/space.ts";
import { decide } from "./decide.ts";
import type { SitePool } from "./pool.ts";

interface Parts {
  space: Space;
  clock: Clock;
  log: Log;
  sites: Pick<SitePool, "site">;
  /** Its site is being asked about that order just now. */
  isBusy: (order: string) => boolean;
  /** Its machine is gone. */
  failed: (order: string, reason: string) => Promise<void>;
}

/**
 * Compares what sites hold with what was ordered, now and then: what nobody wants is released, and what is gone has
 * failed.
 */
export class SiteAudits {
  #parts: Parts;
  #lookedMs = -Infinity;
  /** Sites that are being asked. */
  #busy = new Set<string>();
  /** When it is looked next what ended machines left at a site, on the monotonic clock. */
  #sweepMs = new Map<string, number>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** What takes time goes on after it has returned. */
  look(): void {
    const { space, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lookedMs < limits.siteAuditMs) return;
    this.#lookedMs = nowMs;
    for (const site of this.#sweepMs.keys())
      if (!space.get("site", site)) this.#sweepMs.delete(site);
    for (const { name } of space.all("site")) this.#start(name);
  }

  /** A machine of that site has ended. */
  sweepSoon(site: string): void {
    this.#sweepMs.set(site, this.#parts.clock.monotonicMs() + limits.siteSweepSoonMs);
  }

  #start(name: string): void {
    if (this.#busy.has(name)) return;
    this.#busy.add(name);
    void this.#audit(name)
      .catch((thrown: unknown) => {
        this.#parts.log.warn(`the site ${name} could not be audited`, { error: messageOf(thrown) });
      })
      .finally(() => this.#busy.delete(name));
  }

  async #audit(name: string): Promise<void> {
    // Asked for before the site answers: what is ordered meanwhile is not missing.
    const known = [...this.#parts.space.all("order")].filter(({ spec }) => spec.site === name);
    const site = await this.#parts.sites.site(name);
    const { machines, unknown } = await site.held();
    await this.#compare(site, known, machines, unknown.length > 0);
    await this.#sweep(name, site);
  }

  async #compare(
    site: Site,
    known: readonly OrderRecord[],
    machines: readonly HeldMachine[],
    isPartial: boolean,
  ): Promise<void> {
    const { space, log, isBusy, failed } = this.#parts;
    const held = new Map(machines.map((machine) => [machine.order, machine]));
    for (const { name } of known) {
      const order = space.get("order", name);
      if (!order || isBusy(name)) continue;
      const { phase } = order.status;
      if (phase !== "booting" && phase !== "joined") continue;
      const machine = held.get(name);
      if (machine?.state === "ended") {
        await failed(name, machine.reason ?? "the site ended it");
        await site.release(name); // what is left of it there: a folder, a program
      } else if (!machine && !isPartial) await failed(name, "the site has it no more");
    }
    for (const { order: name, state, handle } of machines) {
      const order = space.get("order", name);
      if (state === "ended" || (order && !hasOrderEnded(order)) || isBusy(name)) continue;
      log.warn(`a machine that no order wants is released`, { order: name, handle });
      await site.release(name);
    }
  }

  /**
   * What machines that have ended left at a site is deleted: at a start, a while after one has ended, and now and
   * then.
   */
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
}
