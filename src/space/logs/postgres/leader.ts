import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Connection } from "#/base/node/postgres/connection.ts";
import type { Leader } from "../../log.ts";

/** Gives `LeaderRow`s: one, or none when nobody ever led. */
export function leaderSql(s: string): string {
  return `SELECT epoch, url, resigned, abs(extract(epoch FROM clock_timestamp() - heard)) * 1000 AS "silentMs"
            FROM ${s}.leader WHERE epoch > 0`;
}

export interface LeaderRow extends Leader {
  resigned: boolean;
}

/** Who led last, as it is kept. */
export async function lastLeader(
  connection: Connection,
  s: string,
): Promise<LeaderRow | undefined> {
  const [row] = await connection.query<LeaderRow>(leaderSql(s));
  return row;
}

export function isAlive({ resigned, silentMs }: LeaderRow): boolean {
  return !resigned && silentMs < limits.leaderSilentMs;
}

/** Throws "conflict" when a control plane leads: nobody else may change the log then. */
export async function requireNoLeader(
  connection: Connection,
  s: string,
  action: string,
): Promise<void> {
  const leader = await lastLeader(connection, s);
  if (!leader || !isAlive(leader)) return;
  const { url, epoch, silentMs } = leader;
  throw new CanopyError(
    "conflict",
    `Cannot ${action} as nobody may lead meanwhile: ${url || "a process without a URL"} leads under epoch ${epoch}, heard ${Math.round(silentMs)} ms ago`,
    {
      hint: `Stop every control plane of this log; one that was killed is over after ${limits.leaderSilentMs} ms`,
    },
  );
}
