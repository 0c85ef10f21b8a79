import { createHash } from "node:crypto";
import type { ProjectRecord } from "./access.ts";

/**
 * The number of a project's account. It follows from the project's serial, which is never used twice, by a
 * bijection of twelve digits: no two projects ever have the same, and a number does not tell how many there are.
 */
export function accountIdOf({ serial }: Pick<ProjectRecord, "serial">): string {
  const number = (BigInt(serial) * factor + offset) % accounts;
  return String(number).padStart(12, "0");
}

const accounts = 1_000_000_000_000n;
/** Shares no divisor with the number of accounts. */
const factor = 618_033_988_749n;
const offset = 271_828_182_845n;

/** What S3 calls an account's canonical user id: 64 hexadecimal digits that follow from its number. */
export function canonicalUserIdOf(accountId: string): string {
  return createHash("sha256").update(`canonical user ${accountId}`).digest("hex");
}
