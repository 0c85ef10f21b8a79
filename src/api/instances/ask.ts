import { CanopyError } from "#/base/errors.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { HostQuestion } from "#/model/hosting.ts";
import type { DoorParts } from "../parts.ts";

/** What the machine of an instance knows alone. Throws "conflict" for one that is on no machine, and what the machine says against it. */
export async function askOfInstance(
  { hosting }: Pick<DoorParts, "hosting">,
  record: InstanceRecord,
  type: HostQuestion["type"],
): Promise<Buffer> {
  const machine = machineOf(record, type);
  return hosting.ask(machine, { type, instance: record.name, fence: record.status.fence });
}

/** The machine that an instance is on. Throws "conflict" for one that is on none; `what` of it was asked for. */
export function machineOf({ name, status }: InstanceRecord, what: string): string {
  if (status.machine !== undefined) return status.machine;
  throw new CanopyError(
    "conflict",
    `Cannot get the ${what} of ${name} as it must be on a machine: it is ${status.state}`,
    { hint: `canopy why ${name}` },
  );
}
