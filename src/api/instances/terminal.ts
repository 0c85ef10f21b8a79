import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { includesRole } from "#/access/roles.ts";
import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Link } from "#/base/network.ts";
import { linkOf } from "#/base/web-socket-link.ts";
import type { HostTerminal } from "#/instances/terminals.ts";
import type { Caller } from "#/model/access.ts";
import {
  endedBy,
  type TerminalInput,
  type TerminalOutput,
  type TerminalReply,
} from "#/model/terminal.ts";
import { actionOf, requirePolicy } from "../action.ts";
import { projectOf, requireAllowed } from "../authenticate.ts";
import type { DoorParts } from "../parts.ts";
import { knownCaller, sure } from "../standing.ts";
import { noteCall } from "../trail/note.ts";
import { machineOf } from "./ask.ts";

/**
 * `GET /v1/instances/:instance/terminal`, as a WebSocket: the serial console of an instance, or with `command`, once for each of
 * its words, a command that runs in it. With `columns` and `rows` the command has a terminal. Whoever may only read an
 * instance sees its console, and what they type counts for nothing. Messages are in model/terminal.ts, each one JSON text.
 */
export function serveTerminals(server: FastifyInstance, parts: DoorParts): void {
  const callers = new WeakMap<object, Seat>();
  server.get<{ Params: { instance: string } }>(
    "/v1/instances/:instance/terminal",
    {
      websocket: true,
      onRequest: async (request, reply) => {
        await sure(parts);
        const caller = await parts.wrongKeys.guard(request, () => knownCaller(request, parts));
        const seat = seatOf(parts, request, caller);
        noteCall(parts, request, reply, "open_instance_terminal", caller, {
          isRead: !seat.canType,
        });
        callers.set(request, seat);
      },
    },
    (socket, request) => {
      const link = linkOf(socket, parts.clock);
      const seat = callers.get(request)!;
      try {
        serveTerminal(parts, link, seat, request);
      } catch (thrown) {
        link.send(JSON.stringify(endedBy(thrown)));
        link.close();
      }
    },
  );
}

/** What somebody may do at a terminal. */
interface Seat {
  caller: Caller;
  command?: string[];
  size?: { columns: number; rows: number };
  canType: boolean;
}

const side = z.coerce.number().int().min(1).max(1000);
const word = z.string().max(limits.terminalCommandLengthMax);
const asked = z.object({
  command: z.union([word.transform((one) => [one]), z.array(word).max(limits.terminalWordsMax)]),
  columns: side,
  rows: side,
});

/** Throws "forbidden" for who may not see it, or may not run commands in it; "invalid". */
function seatOf(parts: DoorParts, request: FastifyRequest, caller: Caller): Seat {
  const parsed = asked.partial().safeParse(request.query);
  if (!parsed.success)
    throw new CanopyError(
      "invalid",
      `Cannot open a terminal as its query is malformed: ${parsed.error.issues[0]?.message}`,
    );
  const { command, columns, rows } = parsed.data;
  const mayRead = { summary: "See an instance's console", role: "viewer" } as const;
  const mayRun = { summary: "Run a command in an instance", role: "submitter" } as const;
  const definition = { ...(command ? mayRun : mayRead), tag: "instances", run: () => {} };
  requireAllowed(caller, definition, {});
  const path = "/v1/instances/:instance";
  const typing = actionOf("POST", `${path}/${command ? "exec" : "console"}`);
  requirePolicy(parts, caller, command ? typing : actionOf("GET", `${path}/console`), request);
  return {
    caller,
    ...(command && { command }),
    ...(columns !== undefined && rows !== undefined && { size: { columns, rows } }),
    canType: command !== undefined || mayType(parts, caller, typing, request),
  };
}

function mayType(
  parts: DoorParts,
  caller: Caller,
  action: string,
  request: FastifyRequest,
): boolean {
  if (!includesRole(caller.role, "submitter")) return false;
  try {
    requirePolicy(parts, caller, action, request);
    return true;
  } catch {
    return false;
  }
}

/** Throws "not-found", and "conflict" or "unavailable" for what is on no machine that answers. */
function serveTerminal(
  parts: DoorParts,
  link: Link,
  { caller, command, size, canType }: Seat,
  request: FastifyRequest,
): void {
  const { instance } = request.params as { instance: string };
  const project = projectOf(request, caller, parts.space);
  const [record] = parts.instances.find(project, [instance]);
  const machine = machineOf(record!, command ? "terminal" : "console");
  const say = (output: TerminalOutput) => link.send(JSON.stringify(output));
  const order = {
    instance: record!.name,
    fence: record!.status.fence,
    ...(command && { command }),
    ...(size && { size }),
  };
  const terminal: HostTerminal = parts.hosting.openTerminal(machine, order, (reply) => {
    if ("output" in reply) return print(parts.clock, link, terminal, reply);
    say("opened" in reply ? { opened: { canType } } : reply);
    if ("ended" in reply) link.close();
  });
  link.onMessage = (text) => {
    if (!canType) return;
    const input = inputOf(text);
    if (input) terminal.say(input);
    else link.close("that was no message");
  };
  link.onClose = () => terminal.say({ close: true });
}

/** Output counts as taken once it has left, so that who reads slowly does not fill our memory. */
function print(
  clock: Clock,
  link: Link,
  terminal: HostTerminal,
  reply: Extract<TerminalReply, { output: string }>,
): void {
  link.send(JSON.stringify(reply));
  const taken = Buffer.byteLength(reply.output, "base64");
  const look = () => {
    if (link.bufferedBytes() < limits.terminalAheadBytes) terminal.say({ taken });
    else clock.after(limits.terminalLookMs, look, true);
  };
  look();
}

const input = z.union([
  z.strictObject({ input: z.base64().max(limits.terminalAheadBytes) }),
  z.strictObject({ hasTyped: z.literal(true) }),
]);

function inputOf(text: string): TerminalInput | undefined {
  try {
    return input.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
