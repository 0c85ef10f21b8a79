import type { Random } from "#/base/random.ts";

/** An id as EC2 makes them: "i-0123456789abcdef0". Of 68 bits of chance. */
export function resourceId(prefix: string, random: Pick<Random, "bytes">): string {
  return `${prefix}-${Buffer.from(random.bytes(9)).toString("hex").slice(0, 17)}`;
}
