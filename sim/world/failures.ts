import { CanopyError } from "#/base/errors.ts";

/** As a real network says it. */
export function unavailable(url: string, why: string): CanopyError {
  return new CanopyError("unavailable", `Cannot reach ${new URL(url).origin}: ${why}`);
}
