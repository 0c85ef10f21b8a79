import { after } from "node:test";
import { PostgresServers } from "#/base/node/postgres/servers.ts";
import { postgresMissing, PostgresServer } from "#/base/testing/postgres-server.ts";
import { MemoryLog, SharedMemory } from "./logs/memory.ts";
import { PostgresLog } from "./logs/postgres.ts";
import { describeSharedLog } from "./testing/shared-log-contract.ts";

const postgres = postgresMissing === undefined ? await PostgresServer.start() : undefined;
after(() => postgres?.destroy());
let schemas = 0;

const backends = [
  {
    name: "memory",
    skip: false as const,
    make() {
      const shared = new SharedMemory({ monotonicMs: () => performance.now() });
      return () => new MemoryLog(shared);
    },
  },
  {
    name: "postgres",
    skip: postgresMissing ?? (false as const),
    make() {
      const url = `${postgres!.url}?schema=shared${++schemas}`;
      return () => new PostgresLog(new PostgresServers(url));
    },
  },
];

for (const backend of backends) describeSharedLog(backend);
