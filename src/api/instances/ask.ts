import { CanopyError } from "#/base/errors.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { HostQuestion } from "#/model/hosting.ts";
import type { DoorParts } from "../parts.ts";

/** What the machine of an instance knows alone. Throws "conflict" for one that is on no machine, and what the machine says against it. */
export async function askOfInstance(
  { hosting }: Pick<DoorParts, "hosting">,
  { name, status }: InstanceRecord,
  type: HostQuestion["type"],
): Promise<Buffer> {
  const { machine, fence } = status;
  if (machine === undefined)
    throw new CanopyError(
      "conflict",
      `Cannot get the ${type} of ${name} as it must be on a machine: it is ${status.state}`,
      { hint: `canopy why ${name}` },
    );
  return hosting.ask(machine, { type, instance: name, fence });
}
