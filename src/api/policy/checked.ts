import { rulesOf } from "#/autonomic/rules.ts";
import { CanopyError } from "#/base/errors.ts";
import { isTimeZone } from "#/model/hours.ts";
import { clashOf, contradictionOf } from "#/model/policy-clash.ts";
import type { AutonomicPolicyInput } from "#/model/policy-views.ts";
import type { AutonomicPolicy } from "#/model/policy.ts";
import { autonomicPolicyOf } from "../views/policy.ts";

/** A policy as it is kept. Throws "invalid" for one that contradicts itself, and for a condition that cannot be read. */
export async function checkedPolicy(
  body: AutonomicPolicyInput,
  currency: string,
): Promise<AutonomicPolicy> {
  const clash = await clashOf(body);
  if (clash)
    throw new CanopyError(
      "invalid",
      `Cannot set the policy as ${contradictionOf(clash.paths.map((path) => path.join(".")))}: ${clash.sentence}`,
      { hint: "Change one of them" },
    );
  if (body.timeZone !== undefined && !isTimeZone(body.timeZone))
    throw new CanopyError(
      "invalid",
      `Cannot set the policy as its time zone must be one of the IANA's: current value is '${body.timeZone}'`,
      { hint: "Write it like Europe/Berlin, or UTC" },
    );
  const spec = autonomicPolicyOf(body, currency);
  await rulesOf(spec); // throws where its condition cannot be read
  return spec;
}
