import { CanopyError } from "#/base/errors.ts";
import type { MachineSpec, MachineStatus } from "#/model/machine.ts";
import type { OrderRecord } from "#/model/order.ts";
import type { JoinRequest } from "#/model/wire.ts";
import type { Transaction } from "#/space/space.ts";

export type Joining = Pick<JoinRequest, "token" | "hostname" | "labels">;

const nameLengthMax = 60;

/** What a machine is until its agent says hello: nothing that a task could be placed on. */
const unknownStatus: Omit<MachineStatus, "hostname"> = {
  os: "",
  arch: "",
  version: "",
  capacity: { milliCpus: 0, memoryBytes: 0 },
  drivers: [],
  rates: { microsPerHour: undefined, idleWatts: 0, peakWatts: 0, pue: 1 },
};

/** Uses up the token and makes the machine's record, its order has joined; gives the name that it has from now on. */
export function joinMachine(
  tx: Transaction,
  asked: Joining,
  known: { tokenDigest: string; keyDigest: string; now: number },
): string {
  const { tokenDigest, keyDigest, now } = known;
  const token = tx.get("join-token", tokenDigest);
  if (!token) throw refused("no such token is known");
  if (token.status.usedBy !== undefined)
    throw refused(`it was used by the machine '${token.status.usedBy}'`);
  if (token.spec.expiresAt <= now)
    throw refused(`it expired at ${new Date(token.spec.expiresAt).toISOString()}`);
  const name = freeName(tx, asked.hostname);
  const { labels, site = "" } = token.spec;
  const order = token.spec.order === undefined ? undefined : openOrder(tx, token.spec.order);
  tx.put({
    kind: "machine",
    project: "",
    name,
    spec: {
      keyDigest,
      joinedAt: now,
      site,
      labels: { ...asked.labels, ...labels },
      cordoned: false,
      ...(order && orderedSpec(order)),
    },
    status: { ...unknownStatus, hostname: asked.hostname },
  });
  tx.put({ ...token, status: { usedBy: name, usedAt: now } });
  if (order)
    tx.put<"order">({
      ...order,
      status: { ...order.status, phase: "joined", since: now, joinedAt: now, machine: name },
    });
  return name;
}

/** Throws "unauthenticated" for an order that has its machine, or that nobody wants any more. */
function openOrder(tx: Transaction, name: string): OrderRecord {
  const order = tx.get("order", name);
  if (!order) throw refused(`its order ${name} is not known any more`);
  const { phase, machine } = order.status;
  if (machine !== undefined) throw refused(`its order ${name} has joined as '${machine}'`);
  if (phase !== "ordered" && phase !== "booting") throw refused(`its order ${name} is ${phase}`);
  return order;
}

/**
 * What the offer says that the machine costs and draws; what it does not know is left out. One that is
 * reserved for a job is paid for as a whole by its order, so that its tasks cost nothing more.
 */
function orderedSpec({
  name,
  project,
  spec,
}: OrderRecord): Pick<
  MachineSpec,
  "order" | "reservedFor" | "reservedForProject" | "rates" | "gramsPerKwh"
> {
  const { microsPerHour, idleWatts, peakWatts, pue, gramsPerKwh } = spec.offer;
  const { job } = spec;
  return {
    order: name,
    ...(job !== undefined && { reservedFor: job }),
    ...(job === undefined && project !== "" && { reservedForProject: project }),
    ...(gramsPerKwh !== undefined && { gramsPerKwh }),
    rates: {
      ...(microsPerHour !== undefined && { microsPerHour: job === undefined ? microsPerHour : 0 }),
      ...(idleWatts !== undefined && { idleWatts }),
      ...(peakWatts !== undefined && { peakWatts }),
      ...(pue !== undefined && { pue }),
    },
  };
}

/** The hostname in letters that fit into paths, with a number behind it when another machine has it. */
function freeName(tx: Transaction, hostname: string): string {
  const plain = hostname
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  const stem = plain.slice(0, nameLengthMax) || "machine";
  let name = stem;
  for (let number = 2; tx.get("machine", name); number++) name = `${stem}-${number}`;
  return name;
}

function refused(reason: string): CanopyError {
  return new CanopyError("unauthenticated", `Cannot let this machine join as ${reason}`, {
    hint: "Make a new line to paste there: canopy join",
  });
}
