import {
  Agent,
  request as ask,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from "node:http";
import { pipeline, type Duplex } from "node:stream";
import type { Forward, ForwardedRequest, ForwardOutcome } from "../forward.ts";

/** Headers that speak of one connection only (RFC 9110, 7.6.1). */
const ownHeaders = ["connection", "keep-alive", "proxy-connection", "te", "upgrade"];

const agent = new Agent({ keepAlive: true });

/** Over plain HTTP, on connections that are kept. */
export const nodeForward: Forward = { request: forward, upgrade: forwardUpgrade };

function forward(forwarded: ForwardedRequest): Promise<ForwardOutcome> {
  const { request, response, body, onHead } = forwarded;
  return new Promise((resolve) => {
    const left = body ? [...ownHeaders, "transfer-encoding"] : ownHeaders; // its length is known
    const outgoing = open(forwarded, without(request.headers, left), agent);
    const onGone = () => outgoing.destroy();
    response.once("close", onGone);
    const end = (outcome: ForwardOutcome) => {
      response.off("close", onGone);
      resolve(outcome);
    };
    let hasAnswer = false;
    outgoing.once("error", (error) => {
      if (!hasAnswer) end(wasReached(outgoing, error) ? "unanswered" : "refused");
    });
    outgoing.once("response", (answer) => {
      hasAnswer = true;
      answer.once("error", () => {}); // seen by the pipeline, once there is one
      onHead(answer.headers).then(
        (mayPass) => {
          if (!mayPass) {
            answer.resume();
            return end("refused");
          }
          if (response.destroyed) return end("answered");
          response.writeHead(answer.statusCode ?? 502, without(answer.headers, ownHeaders));
          response.flushHeaders();
          pipeline(answer, response, () => end("answered"));
        },
        () => (answer.destroy(), end("unanswered")),
      );
    });
    if (body) outgoing.end(body);
    else pipeline(request, outgoing, () => {});
  });
}

function forwardUpgrade(forwarded: Parameters<Forward["upgrade"]>[0]): Promise<ForwardOutcome> {
  const { request, socket, onHead } = forwarded;
  return new Promise((resolve) => {
    const outgoing = open(forwarded, request.headers, undefined);
    const onGone = () => outgoing.destroy();
    socket.once("close", onGone);
    const end = (outcome: ForwardOutcome) => {
      socket.off("close", onGone);
      resolve(outcome);
    };
    outgoing.on("error", (error) => end(wasReached(outgoing, error) ? "unanswered" : "refused"));
    outgoing.once("response", (answer) => {
      onHead(answer.headers).then(
        (mayPass) => {
          if (mayPass) refuse(answer, socket);
          else answer.destroy();
          end(mayPass ? "answered" : "refused");
        },
        () => (answer.destroy(), end("unanswered")),
      );
    });
    outgoing.once("upgrade", (answer, other, otherHead) => {
      join(forwarded, answer, other, otherHead);
      other.once("close", () => end("answered"));
    });
    outgoing.end();
  });
}

/** Makes two connections one. */
function join(
  { socket, head, signal }: Parameters<Forward["upgrade"]>[0],
  answer: IncomingMessage,
  other: Duplex,
  otherHead: Buffer,
): void {
  socket.write(headOf(answer));
  if (otherHead.length > 0) socket.write(otherHead);
  if (head.length > 0) other.write(head);
  for (const [one, two] of [
    [socket, other],
    [other, socket],
  ] as const) {
    one.on("error", () => two.destroy());
    one.once("close", () => two.destroy());
    one.pipe(two);
  }
  const cut = () => other.destroy();
  signal.addEventListener("abort", cut, { once: true });
  other.once("close", () => signal.removeEventListener("abort", cut));
}

function open(
  { request, to, headers, signal }: Pick<ForwardedRequest, "request" | "to" | "headers" | "signal">,
  own: OutgoingHttpHeaders,
  pool: Agent | undefined,
): ClientRequest {
  return ask(`${to}${request.url ?? "/"}`, {
    method: request.method ?? "GET",
    headers: { ...own, ...headers },
    signal,
    ...(pool ? { agent: pool } : { agent: false }),
  });
}

/** Whether the other side may have had the request: once there was a connection, it may. */
function wasReached(outgoing: ClientRequest, error: Error): boolean {
  const { code } = error as { code?: string };
  if (
    code !== undefined &&
    ["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH"].includes(code)
  )
    return false;
  return (
    outgoing.socket !== null && !outgoing.socket.connecting && outgoing.socket.bytesWritten > 0
  );
}

function without(
  headers: IncomingMessage["headers"],
  names: readonly string[],
): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(([name, value]) => value !== undefined && !names.includes(name)),
  );
}

function headOf({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  let text = `HTTP/1.1 ${statusCode} ${statusMessage}\r\n`;
  for (let at = 0; at < rawHeaders.length; at += 2)
    text += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`;
  return `${text}\r\n`;
}

/** The other side answered without an upgrade: whoever asked sees why. */
function refuse(answer: IncomingMessage, socket: Duplex): void {
  const headers = without(answer.headers, [...ownHeaders, "transfer-encoding"]);
  let text = `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\nconnection: close\r\n`;
  for (const [name, value] of Object.entries(headers)) text += `${name}: ${String(value)}\r\n`;
  socket.write(`${text}\r\n`);
  pipeline(answer, socket, () => {});
}
