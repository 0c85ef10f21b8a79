import { limits } from "#/base/limits.ts";
import { invalidArgument } from "../errors.ts";

/** How many entries a page may have: what was asked for, at most a thousand. Throws "InvalidArgument". */
export function pageSize(text: string | undefined, name: string): number {
  if (text === undefined || text === "") return limits.listedMax;
  if (!/^-?\d{1,15}$/.test(text))
    throw invalidArgument(`Provided ${name} not an integer or within integer range`, name, text);
  const asked = Number(text);
  if (asked < 0 || asked > 0x7fff_ffff)
    throw invalidArgument(
      `Argument ${name} must be an integer between 0 and 2147483647`,
      name,
      text,
    );
  return Math.min(asked, limits.listedMax);
}

/** Where a list goes on, for a client to hand back without looking into it. */
export const sealToken = (after: string): string => `1${Buffer.from(after).toString("base64url")}`;

/** Throws "InvalidArgument" for what was never handed out. */
export function openToken(token: string): string {
  const bytes = Buffer.from(token.slice(1), "base64url");
  if (!token.startsWith("1") || bytes.toString("base64url") !== token.slice(1))
    throw invalidArgument(
      "The continuation token provided is incorrect",
      "continuation-token",
      token,
    );
  return bytes.toString();
}
