import { setTimeout as sleep } from "node:timers/promises";
import type { RecordInput } from "../linearizability.ts";
import { RecordHistory } from "../record-history.ts";
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
    const record = await RecordHistory.make(door, name);
    history.records.set(name, record);
    history.tell("project", { name });
    const clients = Array.from({ length: clientsAtOnce }, (_, at) =>
      useRecord(parts, name, record, `${round}.${at}`),
    );
    await Promise.all(clients);
    const fault = await record.close(door);
    if (fault !== undefined) history.violate(fault);
  }
};

async function useRecord(
  { door, history, chance: shared }: ClientParts,
  name: string,
  record: RecordHistory,
  label: string,
): Promise<void> {
  const chance = shared.fork();
  let { revision } = record.initial;
  for (let at = 0; at < callsEach && !door.isOver; at++) {
    const value = `${label}.${at}`;
    const type = chance.pick(["read", "read", "write", "swap", "swap", "swap"] as const);
    const input: RecordInput =
      type === "read"
        ? { type }
        : type === "write"
          ? { type, value }
          : { type, value, expected: revision };
    const output = await record.call(door, input);
    if (typeof output === "object") {
      revision = output.revision;
      if (type !== "read") history.tell("changed", { name, ...output });
    }
    await sleep(chance.between(0, 40));
  }
}
