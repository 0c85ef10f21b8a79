import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { InstanceMove, InstanceRecord } from "#/model/instance.ts";
import type { Space } from "#/space/space.ts";
import { bind, portabilityOf, volumesOf } from "./bind.ts";
import { decide } from "./decisions.ts";
import type { Evacuation } from "./evacuation.ts";
import { stay } from "./fold-move.ts";
import type { Field } from "./field.ts";
import { askedBy } from "./host.ts";
import type { Hosting } from "./hosting.ts";
import { Hosts } from "./place.ts";
import { loseMachine } from "./lost-machine.ts";

interface RecoveryParts {
  space: Space;
  field: Field;
  hosting: Pick<Hosting, "silentMs">;
  evacuation?: Pick<Evacuation, "turn">;
  clock: Clock;
  log: Log;
}

/**
 * Starts instances elsewhere whose machine is silent, and never twice at once. A machine that is silent may well live and run them:
 * nobody can tell from here. So an instance that is recovered has a lease: its agent ends it when the cloud was silent for that long,
 * counted from when it sent what the cloud answered last. The cloud waits for as long, and a margin, counted from when the
 * machine's link closed, which is later; then it has certainly ended, by its own clock, and no two clocks are compared. The new
 * binding has a higher number: what the old machine still says under the old one counts for nothing, and it is told that the
 * instance is gone.
 *
 * One without a lease, or with a volume on that machine alone, waits for its machine, and says so; when that is removed for good,
 * it is lost with it.
 */
export class Recovery {
  #parts: RecoveryParts;
  #loop: Loop | undefined;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, log } = this.#parts;
    const everyMs = limits.recoveryLookMs;
    this.#loop = startLoop("recovery", () => this.turn(), { clock, log, everyMs });
  }

  stop(): void {
    this.#loop?.stop();
  }

  /** Looks once. */
  turn(): void {
    const { space, hosting } = this.#parts;
    const silent = new Map<string, InstanceRecord[]>();
    for (const record of space.all("instance")) {
      const { machine, state } = record.status;
      if (machine === undefined || state === "terminated") continue;
      if (record.status.move) {
        this.#lookAtMove(record, record.status.move);
        continue;
      }
      if (hosting.silentMs(machine) > 0)
        silent.set(machine, [...(silent.get(machine) ?? []), record]);
      else if (record.status.waits !== undefined) this.#wait(record, undefined);
    }
    for (const [machine, records] of silent)
      for (const record of records) this.#look(record, machine);
    loseMachine(this.#parts);
    this.#parts.evacuation?.turn();
  }

  /** It has a lease on the machine that it goes to: when that was silent for long enough, it certainly does not run there. */
  #lookAtMove(record: InstanceRecord, { to }: InstanceMove): void {
    const { space, hosting, clock } = this.#parts;
    const { instanceLeaseMs, instanceLeaseMarginMs } = limits;
    if (hosting.silentMs(to) < instanceLeaseMs + instanceLeaseMarginMs) return;
    space.commit((tx) => stay(tx, space, record, { reason: `${to} is silent`, now: clock.now() }));
  }

  #look(record: InstanceRecord, machine: string): void {
    const { space, hosting } = this.#parts;
    const { spec, status } = record;
    const isGone = space.get("machine", machine) === undefined;
    if (!spec.isRecovered && !isGone) return;
    const { leaseMs } = status;
    if (leaseMs === undefined && !isGone)
      return this.#wait(
        record,
        `its machine ${machine} is silent, and no lease ends it there: it was started before it was to be recovered`,
      );
    const silentMs = hosting.silentMs(machine);
    if (leaseMs !== undefined && silentMs < leaseMs + limits.instanceLeaseMarginMs) return;
    // From here on it is certain that nothing of it runs.
    if (spec.wanted === "running") this.#recover(record, machine, silentMs);
    else if (spec.wanted === "stopped" && status.state !== "stopped") this.#over(record);
  }

  /** It was to stop, and has. */
  #over(record: InstanceRecord): void {
    const { space, clock } = this.#parts;
    const { publicIp: _ip, ports: _ports, ...status } = record.status;
    space.commit((tx) => {
      tx.put<"instance">({
        ...record,
        status: { ...status, state: "stopped", since: clock.now() },
      });
    });
  }

  #recover(record: InstanceRecord, machine: string, silentMs: number): void {
    const { space, field, clock, log } = this.#parts;
    const { status, name } = record;
    const volumes = volumesOf(space, name);
    const portability = portabilityOf(volumes);
    if ("stays" in portability)
      return this.#wait(record, `its machine ${machine} is silent, and ${portability.stays}`);
    const asked = {
      ...askedBy(record),
      not: machine,
      storages: portability.storages,
    };
    let to: string;
    let because: string;
    try {
      const taken = new Hosts(space, field).take(asked);
      to = taken.record.name;
      because = `${machine} was silent, and ${taken.because}`;
    } catch (thrown) {
      if (!(thrown instanceof AwsError)) throw thrown;
      return this.#wait(record, `its machine ${machine} is silent. ${thrown.message}`);
    }
    const now = clock.now();
    const { publicIp: _ip, ports: _ports, waits: _waits, reason: _reason, ...kept } = status;
    space.commit((tx) => {
      const known = tx.get("instance", name);
      if (known?.revision !== record.revision) return; // it is looked again
      bind(tx, { ...record, status: kept }, volumes, {
        machine: to,
        status: { state: "pending", since: now, because },
      });
      decide(tx, record, {
        at: now,
        action: "move",
        subject: to,
        what: `bound it to ${to} as number ${status.fence + 1}`,
        why: [
          ...(status.leaseMs === undefined
            ? [`its machine ${machine} was removed for good`]
            : [
                `its machine ${machine} was silent for ${Math.round(silentMs / 1000)} s`,
                `it ended there by itself after ${status.leaseMs / 1000} s`,
              ]),
          volumes.length === 0
            ? "it has no volumes"
            : "its volumes are on storage that both machines have, or were never written to",
        ],
        flip: `had ${machine} been heard before, it would have stayed`,
      });
    });
    log.warn(`the instance ${name} is started on ${to}, as ${machine} is silent`);
  }

  /** Says why it waits, once; `undefined` where it does not any more. */
  #wait(record: InstanceRecord, why: string | undefined): void {
    const { space, clock } = this.#parts;
    const { waits, ...status } = record.status;
    if (waits === why) return;
    space.commit((tx) => {
      tx.put<"instance">({
        ...record,
        status: { ...status, ...(why !== undefined && { waits: why }) },
      });
      if (why === undefined) return;
      const flip = "its machine is heard, or removed for good: canopy machines remove";
      const spec = { at: clock.now(), action: "hold" as const, what: "left it where it is" };
      decide(tx, record, { ...spec, why: [why], flip });
    });
  }
}
