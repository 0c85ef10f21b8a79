import type { SharedSecrets } from "#/access/secrets.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { PostgresDatabase } from "#/base/node/postgres/database.ts";
import { PostgresServers } from "#/base/node/postgres/servers.ts";
import { PostgresLogs } from "#/logs/postgres.ts";
import { PostgresBlobs } from "#/blobs/postgres.ts";
import { PostgresLog } from "#/space/logs/postgres.ts";
import type { SpaceLog } from "#/space/log.ts";
import type { CloudOptions } from "./cloud.ts";

/** The log that an address names, with all that its control planes share. Throws "invalid" for one that no kind of log has. */
export function sharedLog(
  address: string,
  { clock, log: report }: Pick<Host, "clock" | "log">,
): Exclude<CloudOptions["log"], SpaceLog> {
  const servers = serversOf(address);
  const database = new PostgresDatabase(servers);
  const relaxed = new PostgresDatabase(servers, "relaxed");
  return {
    open: () => new PostgresLog(servers),
    openBlobs: () => PostgresBlobs.open({ database }),
    openLogs: () => PostgresLogs.open({ database: relaxed, clock, report }),
    secrets: new PostgresSecrets(servers),
  };
}

/** The servers that the address of a log names. Throws "invalid". */
export function serversOf(address: string): PostgresServers {
  if (!/^postgres(ql)?:\/\//.test(address)) {
    throw new CanopyError(
      "invalid",
      `Cannot open the log as its address must begin with postgres://: current value is '${withoutPassword(address)}'`,
      { hint: "Write it as --log postgres://user@host/database" },
    );
  }
  return new PostgresServers(address);
}

function withoutPassword(address: string): string {
  return address.replace(/:[^:@/]*@/, ":…@");
}

/** Secrets in the database of the log: who may read it may do everything that the cloud may. */
class PostgresSecrets implements SharedSecrets {
  #servers: PostgresServers;

  constructor(servers: PostgresServers) {
    this.#servers = servers;
  }

  async agree(name: string, proposed: string): Promise<string> {
    const table = `"${this.#servers.address.schema}".meta`;
    const connection = await this.#servers.connect();
    try {
      await connection.query(`INSERT INTO ${table} VALUES ($1, $2) ON CONFLICT DO NOTHING`, [
        name,
        proposed,
      ]);
      const [row] = await connection.query<{ value: string }>(
        `SELECT value FROM ${table} WHERE key = $1`,
        [name],
      );
      return row!.value;
    } finally {
      connection.destroy();
    }
  }
}
