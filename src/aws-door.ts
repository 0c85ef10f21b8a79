import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Signatures } from "#/access/signatures/verify.ts";
import { answersHere } from "#/api/standing.ts";
import { ToLeader } from "#/api/to-leader.ts";
import { AwsDoor } from "#/aws/door.ts";
import { policyQuestion } from "#/aws/policy-question.ts";
import type { Host } from "#/base/host.ts";
import type { Hall } from "#/base/node/door.ts";
import { nodeForward } from "#/base/node/forward.ts";
import { region } from "#/model/region.ts";
import type { Trail } from "#/trail/trail.ts";
import type { Engine } from "./engine.ts";

/** Set on what a follower hands on to its leader, whose native port is the one that it knows. */
const doorHeader = "canopy-door";
const askerHeader = "canopy-asked-from";
const proofHeader = "canopy-asked-proof";

/** The AWS door over an engine. */
export interface OpenAwsDoor extends Hall {
  /** Whether a request that came to the native port is one of this door's, handed on by a follower. */
  isHandedOn(request: IncomingMessage): boolean;
  close(): void;
}

export function openAwsDoor(
  { clock, random, log }: Host,
  engine: Engine,
  trail: Trail,
): OpenAwsDoor {
  const { space, access, identities, standing } = engine;
  const {
    functions,
    buckets,
    queues,
    moveTasks,
    store,
    bucketEvents,
    places,
    objectKeys,
    accessLog,
  } = engine;
  const { spotRequests } = engine;
  const {
    kms,
    volumeKeys,
    invoker,
    functionEvents,
    instances,
    volumes,
    networks,
    images,
    hosting,
  } = engine;
  const toLeader = new ToLeader({ access, standing, forward: nodeForward, clock });
  const proofOf = (address: string) =>
    createHmac("sha256", access.rootToken).update(`asked from ${address}`).digest();
  const door = new AwsDoor({
    space,
    buckets,
    queues,
    invoker,
    functionEvents,
    functions,
    instances,
    volumes,
    spotRequests,
    networks,
    images,
    hosting,
    moveTasks,
    store,
    objectKeys,
    bucketEvents,
    places,
    accessLog,
    clock,
    random,
    log,
    region,
    trail,
    signatures: new Signatures({ credentials: identities, clock }),
    identities,
    kms,
    volumeKeys,
    policies: { decide: (ask, call) => identities.authorize(policyQuestion(ask, call)) },
    leader: {
      // The leader answers, at once while it is sure that it leads.
      answersHere: () =>
        standing.isLeading && standing.isSure ? true : answersHere({ standing, clock }, false),
      async handOn(request, response, sourceIp) {
        request.headers[doorHeader] = "aws";
        request.headers[askerHeader] = sourceIp;
        request.headers[proofHeader] = proofOf(sourceIp).toString("hex");
        await toLeader.request(request, response);
      },
    },
    /** Who asked a follower is known by its word, which only one of this cloud can give. */
    askedFrom({ headers }) {
      const { [askerHeader]: address, [proofHeader]: proof } = headers;
      if (typeof address !== "string" || typeof proof !== "string") return undefined;
      const given = Buffer.from(proof, "hex");
      const right = proofOf(address);
      return given.length === right.length && timingSafeEqual(given, right) ? address : undefined;
    },
  });
  return {
    takesContinue: true,
    request: (request, response) => door.request(request, response),
    upgrade: (_request, socket) => void socket.destroy(),
    isHandedOn: ({ headers }) => headers[doorHeader] === "aws",
    close() {
      toLeader.close();
      door.close();
    },
  };
}

/** "Not now", to a client of AWS whose protocol nobody has looked at: their SDKs go by the status. */
export function refuseAsAws(response: ServerResponse): void {
  response.writeHead(503, { "content-type": "application/xml", "retry-after": "1" });
  response.end(
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>ServiceUnavailable</Code><Message>Please reduce your request rate.</Message></Error>',
  );
}
