import type { Tried } from "#/forecast/tried.ts";
import type { TriedPolicyInput } from "#/model/forecast-views.ts";
import { checkedPolicy } from "../policy/checked.ts";

/** A policy that is tried: for one project when given, else for all. Throws what `checkedPolicy` throws. */
export async function triedOf(
  policy: TriedPolicyInput,
  currency: string,
  project?: string,
): Promise<Tried> {
  if (typeof policy === "string") return policy;
  const { title, rules } = policy;
  const checked = await checkedPolicy(rules, currency);
  return { title, rules: checked, ...(project !== undefined && { project }) };
}
