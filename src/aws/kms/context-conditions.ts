import type { Ask } from "../call.ts";

/**
 * What policies see of an encryption context: its names as they are, and each of them as a condition key. Condition keys
 * have no case, so that names which differ in nothing else are one key with the values of all of them.
 */
export function contextConditions(
  context: Readonly<Record<string, string>>,
): NonNullable<Ask["conditions"]> {
  const conditions: Record<string, string[]> = {
    "kms:EncryptionContextKeys": Object.keys(context),
  };
  for (const [name, value] of Object.entries(context))
    (conditions[`kms:encryptioncontext:${name.toLowerCase()}`] ??= []).push(value);
  return conditions;
}
