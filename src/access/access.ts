import type { Clock } from "#/base/clock.ts";
import type { Files } from "#/base/files.ts";
import type { Random } from "#/base/random.ts";
import type { Caller } from "#/model/access.ts";
import type { Space } from "#/space/space.ts";

/** Who a bearer's key belongs to. */
export type Bearer = { type: "caller"; caller: Caller } | { type: "machine"; machine: string };

/** Keys and what they open. */
export class Access {
  /** Reads, or makes at first start, the root token and the secret in `folder`: files that only their owner may read. */
  static async open(parts: { folder: string; files: Files; space: Space; clock: Clock; random: Random }): Promise<Access> {
    void parts;
    return new Access();
  }
}
