import assert from "node:assert/strict";
import { test } from "node:test";
import { purchase } from "./purchase.ts";
import { cloudOf, lab } from "./testing/lab.ts";

test("purchase() makes as many orders as it says, also where chance gives one id twice", async () => {
  const cloud = await cloudOf(lab(), 60_000);
  const { clock } = cloud.rig;
  let draws = 0;
  const bytes = (count: number) => new Uint8Array(count).fill(Math.floor(draws++ / 2));
  const to = { offers: cloud.offers(), clock, random: { bytes, fraction: () => 0 } };
  const payer = { name: "j1", project: "p" };
  cloud.rig.commit((tx) =>
    purchase(tx, payer, { site: "lab", offer: "large", count: 6 }, { why: [] }, to),
  );
  assert.equal(cloud.orders().length, 6);
  cloud.stop();
});
