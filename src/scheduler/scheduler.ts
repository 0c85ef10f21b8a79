import type { Clock } from "#/base/clock.ts";
import type { Log } from "#/base/log.ts";
import type { Needs } from "#/model/needs.ts";
import type { TaskClaim } from "#/model/wire.ts";
import type { Space } from "#/space/space.ts";
import type { Explanation, Misfit } from "./explanation.ts";
import type { AgentLink, LeaseView, MachineView, Meter, Session } from "./session.ts";

export interface SchedulerParts {
  space: Space;
  clock: Clock;
  log: Log;
  meter: Meter;
}

/** What may run where, and why not. */
export class Scheduler {
  constructor(_parts: SchedulerParts) {}

  start(): void {
    throw new Error("being written");
  }

  stop(): void {
    throw new Error("being written");
  }

  /** Takes the place of an older session of that machine. Throws "not-found" when there is no such machine record. */
  connect(
    _machine: string,
    _holds: readonly TaskClaim[],
    _agent: AgentLink,
    _jobKeyOf: (job: string) => string,
  ): Session {
    throw new Error("being written");
  }

  /** Tasks under way, of one job or of all. */
  leases(_job?: string): LeaseView[] {
    throw new Error("being written");
  }

  machines(): MachineView[] {
    throw new Error("being written");
  }

  explainJob(_job: string): Explanation[] {
    throw new Error("being written");
  }

  explainTask(_name: string, _options?: { not?: string }): Promise<Explanation[]> {
    throw new Error("being written");
  }

  /** Undefined when some machine could run it, or none has joined yet. */
  fit(_needs: Needs, _driver: string): Misfit | undefined {
    throw new Error("being written");
  }
}
