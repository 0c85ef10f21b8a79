import type { FastifyReply, FastifyRequest } from "fastify";
import type { Caller } from "#/model/access.ts";
import { stranger } from "#/trail/trail.ts";
import type { DoorParts } from "../parts.ts";

const agentLengthMax = 120;

/** Notes a call of the native door in the trail. What agents ask is the cloud's own doing, and not noted. */
export function noteCall(
  { trail, clock }: Pick<DoorParts, "trail" | "clock">,
  request: FastifyRequest,
  reply: FastifyReply,
  operation: string,
  caller: Caller | undefined,
  /** Where the method does not tell. */
  known: { isRead?: boolean } = {},
): void {
  if (!trail || caller?.machine !== undefined) return;
  const ms = Math.round(reply.elapsedTime);
  const isRead = known.isRead ?? (request.method === "GET" || request.method === "HEAD");
  const { "user-agent": agent } = request.headers;
  const address = request.socket.remoteAddress ?? "";
  trail.note(isRead ? "data" : "management", {
    id: request.id,
    at: clock.now() - ms,
    ms,
    service: "canopy",
    operation,
    project: caller?.project ?? "",
    who: caller?.name ?? stranger,
    from: address.startsWith("::ffff:") ? address.slice(7) : address,
    ...(agent !== undefined && { agent: agent.slice(0, agentLengthMax) }),
    resource: request.url.split("?", 1)[0]!,
    status: reply.statusCode,
    isRead,
  });
}
