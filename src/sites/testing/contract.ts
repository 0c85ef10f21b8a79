import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { CanopyError, type ErrorCode } from "#/base/errors.ts";
import type { HeldMachine, MachineOrder, Site } from "../site.ts";

/** What the contract needs of a site under test, beside the site. It gives two machines at once. */
export interface SiteRig {
  /** Opens the site; again after the first was dropped, as a control plane that was killed does. */
  open(): Promise<Site>;
  order(name: string, offer: string): Promise<MachineOrder>;
  /** Resolves when the machine of that order has joined, with how many have. */
  joined(order: string): Promise<number>;
  stop(): Promise<void>;
}

/** What every site promises. */
export function siteContract(name: string, start: () => Promise<SiteRig>): void {
  describe(name, () => {
    let rig: SiteRig;
    let site: Site;
    let offer: string;
    before(async () => {
      rig = await start();
      site = await rig.open();
      offer = (await site.offers())[0]!.name;
    });
    after(() => rig?.stop());

    const live = async (from = site) =>
      (await from.held()).machines.filter(({ state }) => state !== "ended");
    const namesOf = (machines: HeldMachine[]) => machines.map(({ order }) => order).sort();

    it("offers() says what is known, and nothing else", async () => {
      const offers = await site.offers();
      assert.ok(offers.length > 0);
      assert.equal(new Set(offers.map((one) => one.name)).size, offers.length);
      for (const one of offers) {
        assert.ok(one.capacity.milliCpus > 0 && one.capacity.memoryBytes > 0);
        assert.ok(one.countMax >= 0 && Number.isInteger(one.countMax));
        assert.ok(one.priceGranularityMs > 0 && one.billedMsMin >= 0);
        assert.ok(one.bootMs === undefined || one.bootMs.p90 >= one.bootMs.median);
        for (const figure of ["microsPerHour", "idleWatts", "peakWatts", "pue"] as const)
          assert.ok(one[figure] === undefined || one[figure] > 0, figure);
        assert.ok(one.market === "spot" || one.interruptionsPerHour === 0);
      }
    });

    it("acquire() makes a machine that joins, and the same one for the same order", async () => {
      const before = (await site.offers()).find((one) => one.name === offer)!.countMax;
      const [first, again] = await Promise.all([
        site.acquire(await rig.order("o1", offer)),
        site.acquire(await rig.order("o1", offer)),
      ]);
      assert.equal(first.handle, again.handle);
      assert.equal(await rig.joined("o1"), 1);
      const later = await site.acquire(await rig.order("o1", offer));
      assert.equal(later.handle, first.handle);
      assert.deepEqual(namesOf(await live()), ["o1"]);
      const after = (await site.offers()).find((one) => one.name === offer)?.countMax ?? 0;
      assert.equal(after, before - 1);
    });

    it("held() finds what another life of the control plane has made", async () => {
      const other = await rig.open();
      const [found] = await live(other);
      assert.equal(found?.order, "o1");
      assert.equal(found.state, "running");
      const known = await other.acquire(await rig.order("o1", offer));
      assert.equal(known.handle, found.handle);
      assert.equal(await rig.joined("o1"), 1);
      site = other;
    });

    it("acquire() that fails leaves nothing behind", async () => {
      const refused = (code: ErrorCode) => (thrown: unknown) =>
        thrown instanceof CanopyError && thrown.code === code;
      const unknown = await rig.order("o2", "no-such-offer");
      await assert.rejects(site.acquire(unknown), refused("not-found"));
      assert.deepEqual(namesOf(await live()), ["o1"]);
      const next = (await site.offers()).find(({ countMax }) => countMax > 0)!.name;
      await site.acquire(await rig.order("o3", next));
      assert.deepEqual(namesOf(await live()), ["o1", "o3"]);
      assert.ok((await site.offers()).every(({ countMax }) => countMax === 0));
      const oneTooMany = await rig.order("o4", offer);
      await assert.rejects(site.acquire(oneTooMany), refused("no-capacity"));
      assert.deepEqual(namesOf(await live()), ["o1", "o3"]);
    });

    it("release() ends the machine, at whatever point it is, and may be called again", async () => {
      await Promise.all([site.release("o1"), site.release("o3")]);
      assert.deepEqual(await live(), []);
      await site.release("o1");
      await site.release("never-ordered");
      assert.deepEqual(await live(), []);
    });

    it("close() leaves its machines alone", async () => {
      await site.acquire(await rig.order("o5", offer));
      await site.close();
      site = await rig.open();
      assert.deepEqual(namesOf(await live()), ["o5"]);
      await site.release("o5");
      assert.deepEqual(await live(), []);
      await site.close();
    });
  });
}
