import type { FleetPolicy } from "#/model/policy.ts";
import { briefDuration, formatMicros } from "#/model/units.ts";
import type { MachineType } from "#/planning/mix/problem.ts";
import type { KnownOffer as Offer } from "../machine-types.ts";
import type { Wanted } from "./question.ts";

/** What is said of a fleet's growth, for people. */
export function needOf(
  policy: FleetPolicy,
  wanted: readonly Wanted[],
  there: readonly MachineType[],
): string {
  const tasks = wanted.reduce((sum, one) => sum + one.tasks, 0);
  const begun = wanted.map((_, at) =>
    there.reduce((sum, { slots, countMax }) => sum + slots[at]! * countMax, 0),
  );
  const most = wanted.reduce((sum, one, at) => sum + Math.min(one.tasks, begun[at]!), 0);
  const windowMs = Math.max(...wanted.map((one) => one.windowMs));
  const late =
    windowMs > policy.waitMsMax
      ? `, which is when the fastest machine that may be bought has booted and ${briefDuration(policy.waitMsMax)} of waitMax have passed`
      : "";
  const ahead = wanted.flatMap(({ kind: { expected } }) => expected ?? []);
  const come = ahead.length === 0 ? "wait" : "wait or are expected";
  const why = ahead.map((one) => `: ${one.why}`).join("");
  return `${tasks} tasks ${come}, and the machines at hand can begin ${most} of them within ${briefDuration(windowMs)}${late}${why}`;
}

/** Of what waits in vain. */
export function unableOf(wanted: readonly Wanted[], offers: readonly Offer[]): string[] {
  const why = offers.length === 0 ? "nothing may be bought now" : "no offer can run them in time";
  return wanted.map(({ kind, tasks }) => `${tasks} tasks of ${kind.kind}: ${why}`);
}

export function whyThese(
  typed: readonly { offer: Offer; type: MachineType }[],
  counts: readonly number[],
): string[] {
  return typed.flatMap(({ offer, type }, at) => {
    if (counts[at]! === 0) return [];
    const price = formatMicros(offer.microsPerHour ?? 0);
    return [
      `one ${offer.name} of ${offer.site} begins ${Math.max(...type.slots)} of them in time for ${price} an hour, the least for a task among what may be bought`,
    ];
  });
}

export function allThere({ machinesMax }: FleetPolicy): string {
  return `all machines that are allowed are there: machinesMax is ${machinesMax}`;
}

export function flipOfPatience(ms: number | undefined): { flip?: string } {
  return ms === undefined
    ? {}
    : { flip: `with a waitMax of ${briefDuration(ms)} nothing would have been needed` };
}
