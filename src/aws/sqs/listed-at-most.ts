import { limits } from "#/base/limits.ts";
import { badParameter } from "./messages.ts";

/** "MaxResults", or as many as there can be on a page. Throws "InvalidParameterValue". */
export function listedAtMost(asked: number | undefined): number {
  if (asked === undefined) return limits.listedMax;
  if (Number.isInteger(asked) && asked >= 1 && asked <= limits.listedMax) return asked;
  throw badParameter("MaxResults", asked, `Must be between 1 and ${limits.listedMax}, if provided`);
}
