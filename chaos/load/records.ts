import { setTimeout as sleep } from "node:timers/promises";
import { checkLinearizable, recordModel } from "../linearizability.ts";
import type { RecordCall } from "../history.ts";
import type { Answer } from "../door.ts";
import type { Client, ClientParts } from "./parts.ts";

const clientsAtOnce = 4;
const callsEach = 12;

/**
 * Several clients read, write and swap the title of one project at once, each knowing the revision
 * that it saw last. Each project's history is judged when they are done, and another is made.
 */
export const records: Client = async (parts) => {
  const { door, history, client } = parts;
  for (let round = 0; ; round++) {
    const name = `r${client}-${round}`;
    await door.must("POST", "/v1/projects", {
      body: { name, title: "first" },
      idempotencyKey: `project-${name}`,
    });
    history.tell("project", { name });
    const initial = stateOf(await door.persist<{ title: string }>("GET", `/v1/projects/${name}`));
    const calls: RecordCall[] = [];
    history.records.set(name, calls);
    const clients = Array.from({ length: clientsAtOnce }, (_, at) =>
      useRecord(parts, name, initial.revision, `${round}.${at}`, calls),
    );
    await Promise.all(clients);
    judge(parts, name, initial, calls);
  }
};

async function useRecord(
  { door, history, dice: shared }: ClientParts,
  name: string,
  seen: number,
  label: string,
  calls: RecordCall[],
): Promise<void> {
  const dice = shared.fork();
  const path = `/v1/projects/${name}`;
  let revision = seen;
  for (let at = 0; at < callsEach && !door.isOver; at++) {
    const value = `${label}.${at}`;
    const kind = dice.pick(["read", "read", "write", "swap", "swap", "swap"] as const);
    const input =
      kind === "read"
        ? ({ type: kind } as const)
        : kind === "write"
          ? ({ type: kind, value } as const)
          : ({ type: kind, value, expected: revision } as const);
    const calledAt = performance.now();
    const answer = await (input.type === "read"
      ? door.ask<{ title: string }>("GET", path)
      : door.ask<{ title: string }>("PATCH", path, {
          body: { title: input.value },
          ...(input.type === "swap" && { ifMatch: `"${input.expected}"` }),
        }));
    const answeredAt = performance.now();
    const output =
      answer === undefined ? undefined : answer.status === 409 ? "conflict" : stateOf(answer);
    calls.push({ record: name, input, output, calledAt, answeredAt });
    if (typeof output === "object") revision = output.revision;
    if (typeof output === "object" && input.type !== "read")
      history.tell("changed", { name, ...output });
    await sleep(dice.between(0, 40));
  }
}

function stateOf({ status, body, etag }: Answer<{ title: string }>): {
  revision: number;
  value: string;
} {
  if (status !== 200 || !etag)
    throw new Error(`a project was answered with ${status} ${JSON.stringify(body)}, ETag ${etag}`);
  return { revision: Number(etag.replaceAll('"', "")), value: body.title };
}

function judge(
  { history }: ClientParts,
  name: string,
  initial: { revision: number; value: string },
  calls: RecordCall[],
): void {
  const verdict = checkLinearizable(recordModel(initial), calls);
  if (verdict.linearizable) return;
  const stuck = verdict.stuck.map((at) => JSON.stringify(calls[at])).join("; ");
  history.violate(
    `the calls of project ${name} are not linearizable: ${verdict.longest.length} of ${calls.length} fit, then none of ${stuck}`,
  );
}
