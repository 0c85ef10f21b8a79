import type { Clock } from "#/base/clock.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { Space } from "#/space/space.ts";
import { portabilityOf, volumesOf } from "./bind.ts";
import { decide } from "./decisions.ts";
import type { Instances } from "./instances.ts";
import type { Moves } from "./moves.ts";

interface EvacuationParts {
  space: Space;
  instances: Pick<Instances, "stop" | "start">;
  moves: Pick<Moves, "begin">;
  clock: Pick<Clock, "now">;
}

/** What becomes of the instances of a machine that is to be empty. */
export interface Evacuated {
  moving: { instance: string; to: string }[];
  /** They stop, and are started elsewhere. */
  restarting: string[];
  staying: { instance: string; why: string }[];
}

/** Empties machines: what can go while it runs does, what other machines have the volumes of is stopped and started there. */
export class Evacuation {
  #parts: EvacuationParts;

  constructor(parts: EvacuationParts) {
    this.#parts = parts;
  }

  /** Gives no more to the machine, and takes away what can be; may be called again. Nothing happens where there is none. */
  begin(machine: string): Evacuated {
    const { space } = this.#parts;
    const done: Evacuated = { moving: [], restarting: [], staying: [] };
    space.commit((tx) => {
      const record = tx.get("machine", machine);
      if (record && !record.spec.cordoned)
        tx.put<"machine">({ ...record, spec: { ...record.spec, cordoned: true } });
    });
    for (const record of space.all("instance"))
      if (record.status.machine === machine && record.spec.wanted === "running")
        this.#take(record, done);
    return done;
  }

  #take(record: InstanceRecord, done: Evacuated): void {
    const { moves } = this.#parts;
    const { name: instance, status } = record;
    if (status.move) return void done.moving.push({ instance, to: status.move.to });
    try {
      const why = `its machine ${status.machine} is evacuated`;
      const { to } = moves.begin(record, why).status.move!;
      done.moving.push({ instance, to });
    } catch (thrown) {
      if (!(thrown instanceof AwsError)) throw thrown;
      const isRestarted = thrown.awsCode === "UnsupportedOperation" && this.#restart(record);
      if (isRestarted) done.restarting.push(instance);
      else done.staying.push({ instance, why: thrown.message });
    }
  }

  /** Only what loses nothing by that. */
  #restart(record: InstanceRecord): boolean {
    const { space, instances, clock } = this.#parts;
    const portability = portabilityOf(volumesOf(space, record.name));
    if ("stays" in portability || portability.storages.length === 0) return false;
    const reason = "Server.ScheduledStop: Stopped to be started on another machine";
    try {
      const [stopping] = instances.stop([record], {
        reason: { code: "Server.ScheduledStop", message: reason },
      });
      space.commit((tx) => {
        const status = { ...stopping!.status, restartsElsewhere: true as const };
        tx.put<"instance">({ ...stopping!, status });
        decide(tx, record, {
          at: clock.now(),
          action: "move",
          what: "stopped it, to start it on another machine",
          why: [
            `its machine ${record.status.machine} is evacuated`,
            "it cannot be moved while it runs",
          ],
        });
      });
      return true;
    } catch (thrown) {
      if (thrown instanceof AwsError) return false; // it is protected from that
      throw thrown;
    }
  }

  /** Starts what has stopped for that; looks again later where there is no room. */
  turn(): void {
    const { space, instances } = this.#parts;
    for (const record of space.all("instance")) {
      const { restartsElsewhere, state } = record.status;
      if (!restartsElsewhere || state !== "stopped") continue;
      try {
        const [started] = instances.start([record]);
        const { restartsElsewhere: _done, ...kept } = started!.status;
        space.commit((tx) => tx.put<"instance">({ ...started!, status: kept }));
      } catch (thrown) {
        if (!(thrown instanceof AwsError)) throw thrown;
        const waits = `it waits for another machine: ${thrown.message}`;
        if (record.status.waits === waits) continue;
        space.commit((tx) =>
          tx.put<"instance">({ ...record, status: { ...record.status, waits } }),
        );
      }
    }
  }
}
