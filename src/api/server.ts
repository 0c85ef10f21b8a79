import { EventEmitter } from "node:events";
import type { Server } from "node:http";
import { Readable } from "node:stream";
import { fastifyWebsocket } from "@fastify/websocket";
import { fastify, type FastifyInstance, type FastifyRequest } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { linkOf } from "#/base/web-socket-link.ts";
import type { Caller } from "#/model/access.ts";
import { NotLeading } from "#/space/log.ts";
import { actionOf, requirePolicy } from "./action.ts";
import { callerOf, projectOf, requireAllowed } from "./authenticate.ts";
import type { AnyDefinition } from "./call.ts";
import { serveTerminals } from "./instances/terminal.ts";
import { cutLinksInTime } from "./link/cut-links.ts";
import { serveLink } from "./link/link.ts";
import { Relay } from "./link/relay.ts";
import { documentOf, serveOpenApi } from "./openapi.ts";
import { membersHeader } from "./members.ts";
import { serveOperators } from "./operators.ts";
import type { DoorParts, ServerParts } from "./parts.ts";
import { Pace } from "./pace.ts";
import { answerProblems } from "./problems.ts";
import { routes } from "./routes.ts";
import { refuse, settled } from "./settled.ts";
import { answersHere, knownCaller, sure } from "./standing.ts";
import { Feed } from "./streams/feed.ts";
import { Watchers } from "./streams/watchers.ts";
import { ToLeader } from "./to-leader.ts";
import { noteCall } from "./trail/note.ts";
import { WrongKeys } from "./wrong-keys.ts";

/**
 * The native door over one cloud, not yet listening: `await server.listen({ host, port })`, or
 * `server.inject(…)` in tests. `server.close()` ends its streams and links first.
 */
export function buildServer(given: ServerParts): FastifyInstance {
  const { members } = given;
  const parts: DoorParts = {
    ...given,
    toLeader: new ToLeader(given),
    feed: new Feed(given.space),
    watchers: new Watchers(given.clock),
    relay: new Relay(given.clock),
    wrongKeys: new WrongKeys(given),
    pace: new Pace(given),
    startedAt: given.clock.now(),
  };
  const server = fastify({
    bodyLimit: limits.bodyBytesMax,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 500 },
    http: { maxHeaderSize: limits.headerBytesMax },
  });
  void cutLinksInTime(parts);
  server.setValidatorCompiler(checkBySchema);
  server.setSerializerCompiler(serializerCompiler);
  takeBodies(server);
  answerProblems(server, parts.log);
  serveOpenApi(server, parts.version);
  const links = new EventEmitter() as Server;
  server.server.on("upgrade", (request, socket, head) => {
    if (given.standing.isLeading) links.emit("upgrade", request, socket, head);
    else void parts.toLeader.link(request, socket, head);
  });
  server.addHook("onSend", async (_request, reply) => {
    const urls = members.urls();
    if (urls.length > 1) reply.header(membersHeader, urls.join(","));
  });
  server.register(fastifyWebsocket, {
    options: { server: links, perMessageDeflate: false, maxPayload: limits.linkMessageBytesMax },
    preClose: (done) => {
      parts.watchers.close();
      parts.relay.close("Canopy is stopping");
      parts.feed.close();
      parts.toLeader.close();
      server.websocketServer.close(() => done());
    },
  });
  server.register(async (door) => {
    for (const [route, definition] of Object.entries(routes)) {
      if (!definition.streams?.includes("application/octet-stream"))
        serveCall(door, parts, route, definition);
      else door.register(async (own) => serveCall(takeAnything(own), parts, route, definition));
    }
    serveAgents(door, parts);
    serveTerminals(door, parts);
    serveOperators(door, parts);
  });
  return server;
}

/** The framework gives null for a body that is not there. */
const checkBySchema: typeof validatorCompiler = (route) => {
  const check = validatorCompiler(route);
  return route.httpPart === "body" ? (body: unknown) => check(body ?? undefined) : check;
};

/** JSON is parsed; what is handed on as a stream is not read here, and so is bounded where it is read. */
function takeBodies(server: FastifyInstance): void {
  const parseJson = server.getDefaultJsonParser("error", "ignore");
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body === "") done(null, undefined);
    else void parseJson(request, body as string, done);
  });
  for (const type of ["application/x-ndjson", "application/octet-stream"]) {
    server.addContentTypeParser(type, (_request, payload, done) => done(null, payload));
  }
}

/** For a call that keeps bytes, whatever they are called. */
function takeAnything(server: FastifyInstance): FastifyInstance {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
  return server;
}

const noParams = z.object({});

function serveCall(
  server: FastifyInstance,
  parts: DoorParts,
  route: string,
  definition: AnyDefinition,
): void {
  const [method = "", url = ""] = route.split(/ +/);
  const {
    summary,
    description,
    tag,
    role,
    params,
    query,
    body,
    streams,
    answer,
    status = 200,
  } = definition;
  const callers = new WeakMap<object, Caller>();
  const isChange = method !== "GET" && method !== "HEAD";
  const operation = operationIdOf(method, url);
  const action = actionOf(method, url);
  server.route({
    method,
    url,
    onResponse: async (request, reply) => {
      if (role !== "anyone" || isChange)
        noteCall(parts, request, reply, operation, callers.get(request));
    },
    schema: {
      summary,
      ...(description && { description }),
      tags: [tag],
      operationId: operation,
      ...(role === "anyone" && { security: [] }),
      params: params ?? noParams,
      querystring: query ?? noParams,
      ...(body && !streams && { body }),
      response: answer ? { [status]: answer } : {},
      document: documentOf(definition),
    } as object,
    // Before the body is read: nobody unknown makes us take eight megabytes.
    onRequest: async (request, reply) => {
      const caller: Caller =
        role === "anyone"
          ? { name: "anyone", project: "", role: "viewer" }
          : await parts.wrongKeys.guard(request, () => knownCaller(request, parts));
      requireAllowed(caller, definition, request.params as { job?: string });
      if (await answersHere(parts, definition.isForAny === true)) {
        requirePolicy(parts, caller, action, request);
        if (isChange && role !== "anyone") parts.pace.keep(caller);
        return void callers.set(request, caller);
      }
      await parts.toLeader.request(request.raw, reply.raw);
      reply.hijack();
      return reply;
    },
    handler: async (request, reply) => {
      const caller = callers.get(request)!;
      const project = role === "anyone" ? "" : projectOf(request, caller, parts.space);
      reply.code(status);
      const run = async () =>
        definition.run({
          parts,
          caller,
          project,
          params: request.params,
          query: request.query,
          body: bodyOf(request.body, request.headers["content-type"], definition),
          request,
          reply,
        });
      const answered = await run().catch(async (thrown: unknown) => {
        const isStream = request.body instanceof Readable;
        const isOurs = parts.standing.isLeading || reply.raw.headersSent;
        if (!(thrown instanceof NotLeading) || isStream || isOurs)
          return refuse(parts, role === "anyone" ? judged(parts, request, thrown) : thrown);
        // It led when this came in.
        await parts.toLeader.request(request.raw, reply.raw, textOf(request.body));
        return reply.hijack();
      });
      if (answered === reply || reply.sent) return reply;
      if (!definition.isSettled) await settled(parts);
      return reply.send(answered);
    },
  });
}

/** A join token is shown in the body. */
function judged({ wrongKeys }: DoorParts, request: FastifyRequest, thrown: unknown): unknown {
  const { token } = (request.body ?? {}) as { token?: unknown };
  return typeof token === "string" ? wrongKeys.judge(request, token, thrown) : thrown;
}

function textOf(body: unknown): Buffer {
  return Buffer.from(body === undefined || body === null ? "" : JSON.stringify(body));
}

/** A body that is a stream is handed on; JSON that may stand in its place is checked here: the framework knows one schema per route. */
function bodyOf(
  body: unknown,
  type: string | undefined,
  { streams, body: schema }: AnyDefinition,
): unknown {
  if (
    !streams ||
    schema instanceof z.ZodNever ||
    streams.some((stream) => type?.startsWith(stream))
  )
    return body;
  return schema?.parse(body);
}

/** "GET /v1/jobs/:job/steps" becomes "get_jobs_job_steps". */
function operationIdOf(method: string, url: string): string {
  return [method.toLowerCase(), ...url.replace("/v1/", "").replaceAll("*", "name").split("/")]
    .join("_")
    .replaceAll(/[^a-z0-9_]/g, "_")
    .replaceAll("__", "_");
}

/** Where agents dial in. Refused before the upgrade, so that they see a status. */
function serveAgents(server: FastifyInstance, parts: DoorParts): void {
  const machines = new WeakMap<object, string>();
  server.get(
    "/v1/link",
    {
      websocket: true,
      onRequest: async (request) => {
        await sure(parts);
        const { machine } = await parts.wrongKeys.guard(request, () =>
          callerOf(request, parts.access),
        );
        if (machine === undefined)
          throw new CanopyError(
            "forbidden",
            "Cannot open a link as that takes the key of a machine",
          );
        machines.set(request, machine);
      },
    },
    (socket, request) => serveLink(parts, machines.get(request)!, linkOf(socket, parts.clock)),
  );
}
