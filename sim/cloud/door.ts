import type { FastifyReply, FastifyRequest } from "fastify";
import { callerOf, requireAllowed } from "#/api/authenticate.ts";
import type { AnyDefinition } from "#/api/call.ts";
import { serveLink } from "#/api/link/link.ts";
import type { DoorParts } from "#/api/parts.ts";
import { routes } from "#/api/routes.ts";
import { refuse, settled } from "#/api/settled.ts";
import { answersHere, knownCaller, sure } from "#/api/standing.ts";
import { CanopyError, errorCodes, messageOf } from "#/base/errors.ts";
import type { Link } from "#/base/network.ts";
import type { Caller } from "#/model/access.ts";
import { NotLeading } from "#/space/log.ts";
import type { Answer, Asked, Door, Met } from "../world/exchange.ts";
import { Handed, incoming, join, Outgoing } from "./forward.ts";
import { registerRoutes } from "./register.ts";

interface Route {
  method: string;
  url: string;
  pattern: RegExp;
  names: string[];
  definition: AnyDefinition;
}

const table: Route[] = Object.entries({ ...routes, ...registerRoutes }).map(
  ([route, definition]) => {
    const [method = "", url = ""] = route.split(/ +/);
    const names = [...url.matchAll(/:(\w+)/g)].map(([, name]) => name!);
    const pattern = new RegExp(`^${url.replaceAll(/:\w+/g, "([^/]+)").replace("*", "(.+)")}$`);
    return { method, url, pattern, names, definition };
  },
);

/**
 * The native door without its web framework: the same calls, handed on to who leads, run and settled
 * as `api/server.ts` does it, on requests that came by the simulated network. `onInternal` hears of
 * what is no answer; `watch` may listen to links.
 */
export function doorOf(
  parts: DoorParts,
  onInternal: (thrown: unknown) => void,
  watch: (link: Link) => Link,
): Door {
  return {
    async request(asked) {
      const outgoing = new Outgoing();
      try {
        return await answer(parts, asked, outgoing);
      } catch (thrown) {
        if (!(thrown instanceof CanopyError)) onInternal(thrown);
        return problem(thrown, outgoing.headers);
      }
    },
    async link(headers) {
      try {
        return await meet(parts, headers, watch);
      } catch (thrown) {
        return { refused: statusOf(thrown) };
      }
    },
  };
}

async function meet(
  parts: DoorParts,
  headers: Record<string, string>,
  watch: (link: Link) => Link,
): Promise<Met> {
  const asked = { method: "GET", path: "/v1/link", headers, body: new Uint8Array(0) };
  const request = incoming(asked, "/v1/link");
  if (parts.standing.isLeading) {
    await sure(parts);
    const { machine } = callerOf(request as unknown as FastifyRequest, parts.access);
    if (machine === undefined) return { refused: 403 };
    return { open: (link) => serveLink(parts, machine, watch(link)) };
  }
  const handed = new Handed();
  void parts.toLeader.link(request, handed.asSocket(), Buffer.alloc(0));
  const met = await handed.met;
  return typeof met === "number" ? { refused: met } : { open: (link) => join(link, met) };
}

async function answer(parts: DoorParts, asked: Asked, outgoing: Outgoing): Promise<Answer> {
  const [path = "", search = ""] = asked.path.split("?");
  const route = table.find(({ method, pattern }) => method === asked.method && pattern.test(path));
  if (!route) throw new CanopyError("not-found", `Cannot find ${asked.method} ${path}`);
  const { definition, names, url } = route;
  const values = route.pattern.exec(path)!.slice(1);
  const params: Record<string, string> = {};
  for (const [at, name] of names.entries()) params[name] = decodeURIComponent(values[at]!);
  const request = incoming(asked, url) as unknown as FastifyRequest;
  const caller: Caller =
    definition.role === "anyone"
      ? { name: "anyone", project: "", role: "viewer" }
      : await knownCaller(request, parts);
  requireAllowed(caller, definition, params);
  if (!(await answersHere(parts, definition.isForAny === true))) {
    await parts.toLeader.request(incoming(asked, url), outgoing.asResponse());
    return outgoing.answer!;
  }
  const text = Buffer.from(asked.body).toString();
  const run = async (): Promise<unknown> =>
    definition.run({
      parts,
      caller,
      project: definition.role === "anyone" ? "" : caller.project,
      params: definition.params ? definition.params.parse(params) : {},
      query: definition.query
        ? definition.query.parse(Object.fromEntries(new URLSearchParams(search)))
        : {},
      body: bodyOf(definition, asked.headers, text),
      request,
      // nobody here reads headers of answers
      reply: { header: () => undefined } as unknown as FastifyReply,
    });
  let answered: unknown;
  try {
    answered = await run();
  } catch (thrown) {
    if (!(thrown instanceof NotLeading) || parts.standing.isLeading) return refuse(parts, thrown);
    // It led when this came in.
    await parts.toLeader.request(incoming(asked, url), outgoing.asResponse(), Buffer.from(text));
    return outgoing.answer!;
  }
  if (!definition.isSettled) await settled(parts);
  return json(definition.status ?? 200, answered ?? null);
}

function bodyOf(
  { body, streams }: AnyDefinition,
  headers: Record<string, string>,
  text: string,
): unknown {
  const type = headers["content-type"] ?? "application/json";
  if (streams?.some((stream) => type.startsWith(stream))) return pieces(text);
  return body?.parse(text === "" ? undefined : JSON.parse(text));
}

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

function statusOf(thrown: unknown): number {
  return errorCodes[thrown instanceof CanopyError ? thrown.code : "internal"].status;
}

function problem(thrown: unknown, headers: Record<string, string>): Answer {
  const code = thrown instanceof CanopyError ? thrown.code : "internal";
  return json(statusOf(thrown), { code, detail: messageOf(thrown) }, headers);
}

function json(status: number, value: unknown, headers: Record<string, string> = {}): Answer {
  return { status, headers, body: Buffer.from(JSON.stringify(value)) };
}
