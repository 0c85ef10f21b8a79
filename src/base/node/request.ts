import { lookup } from "node:dns";
import { Agent, request as plainRequest, type IncomingMessage } from "node:http";
import type { LookupFunction } from "node:net";
import { pipeline, Readable } from "node:stream";
import { CanopyError, messageOf } from "../errors.ts";
import { limits } from "../limits.ts";
import type { HttpRequest, HttpResponse } from "../network.ts";

/**
 * One HTTP call, over a connection that is kept for the next: it takes about half the time of fetch.
 * Redirections are not followed. Throws CanopyError "unavailable" when no answer came, and so does the
 * body when it breaks off; the reason of `signal` once that has called it off.
 */
export async function httpRequest(asked: HttpRequest): Promise<HttpResponse> {
  const answer = await send(asked, await transportOf(asked.url));
  const headers: Record<string, string> = {};
  for (const name in answer.headers) headers[name] = String(answer.headers[name]);
  return { status: answer.statusCode ?? 0, headers, body: bodyOf(answer, asked) };
}

/** What asks, and the connections it keeps. */
interface Transport {
  request: typeof plainRequest;
  agent: Agent;
}

const plain: Transport = { request: plainRequest, agent: new Agent({ keepAlive: true }) };
let secure: Promise<Transport> | undefined;

/** TLS takes a while to load: not before somebody asks for it. */
function transportOf(url: string): Transport | Promise<Transport> {
  if (!url.startsWith("https:")) return plain;
  secure ??= import("node:https").then(({ request, Agent: SecureAgent }) => ({
    request,
    agent: new SecureAgent({ keepAlive: true }),
  }));
  return secure;
}

function send(asked: HttpRequest, { request, agent }: Transport): Promise<IncomingMessage> {
  const { method, url, headers = {}, body, signal, refuses } = asked;
  return new Promise((resolve, reject) => {
    const refuse = (error: unknown) => {
      reject(signal?.aborted ? signal.reason : unavailable(url, error));
    };
    try {
      if (refuses?.(URL.parse(url)?.hostname ?? "")) throw refused();
      const exact = pathWithDots(url);
      const options = {
        method,
        headers,
        agent,
        ...(exact && { path: exact }),
        ...(signal && { signal }),
        ...(refuses && { lookup: lookupUnless(refuses) }),
      };
      const call = request(url, options, resolve);
      call.on("error", refuse);
      call.once("socket", (socket) => {
        if (!socket.connecting) return;
        const giveUp = () =>
          void socket.destroy(Object.assign(new Error("timed out"), { code: "ETIMEDOUT" }));
        socket.setTimeout(limits.dialMs, giveUp);
        socket.once("connect", () => socket.setTimeout(0, giveUp));
      });
      if (body === undefined || typeof body === "string" || body instanceof Uint8Array)
        call.end(body);
      else pipeline(Readable.from(body), call, (error) => error && reject(error));
    } catch (thrown) {
      refuse(thrown);
    }
  });
}

const refused = () => Object.assign(new Error("refused"), { code: "EADDRREFUSED" });

/** Resolves names, but not to what is refused. */
function lookupUnless(refuses: (address: string) => boolean): LookupFunction {
  return (name, options, done) => {
    lookup(name, { ...options, all: true }, (error, found) => {
      if (error) return done(error, []);
      const [first] = found;
      if (!first || found.some(({ address }) => refuses(address))) return done(refused(), []);
      if (options.all) done(null, found);
      else done(null, first.address, first.family);
    });
  };
}

/** The path and the query of an address in which "." or ".." stands between slashes: URL would take them for steps, and they are names. */
function pathWithDots(url: string): string | undefined {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const path = start < 0 ? "" : url.slice(start);
  return /\/(?:\.|%2e){1,2}(?:[/?]|$)/i.test(path) ? path : undefined;
}

/** Who stops before the end gives up the connection; who never begins keeps it. */
async function* bodyOf(
  answer: IncomingMessage,
  { url, signal }: HttpRequest,
): AsyncGenerator<Uint8Array> {
  try {
    yield* answer as AsyncIterable<Uint8Array>;
  } catch (thrown) {
    throw signal?.aborted ? signal.reason : unavailable(url, thrown);
  }
}

/** What is said of an address that gave no answer. */
export function unavailable(url: string, thrown: unknown): CanopyError {
  const code = (thrown as { code?: string } | undefined)?.code;
  return new CanopyError(
    "unavailable",
    `Cannot reach ${URL.parse(url)?.origin ?? url}: ${code ?? messageOf(thrown)}`,
    { hint: "Is it running? Start a cloud with: canopy up", cause: thrown },
  );
}
