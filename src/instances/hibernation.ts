import { AwsError } from "#/model/aws-error.ts";
import type { InstanceKind } from "#/model/instance-type.ts";
import type { InstanceRecord } from "#/model/instance.ts";

/** A guest's memory can be taken from it; processes of the machine's own kernel cannot be put back as they were. */
const canHibernate = (kind: InstanceKind) => kind === "vm" || kind === "microvm";

/** Throws "UnsupportedHibernationConfiguration" for a kind that can never hibernate. */
export function requireHibernationKind(type: { name: string; kind: InstanceKind }): void {
  if (canHibernate(type.kind)) return;
  throw unsupported(
    `An instance of type ${type.name} is a ${type.kind}, and cannot hibernate: take a type that is a vm or a microvm.`,
  );
}

/** Throws "UnsupportedHibernationConfiguration" for an instance that was not launched to hibernate. */
export function requireHibernation({ name, spec }: InstanceRecord): void {
  if (spec.mayHibernate) return;
  throw unsupported(
    `The instance '${name}' is not enabled for hibernation, which is said when it is launched. Stop it without.`,
  );
}

/**
 * What was taken from a running instance is given back to the same one: its memory would ruin disks that something else has
 * written to. Throws "IncorrectInstanceState".
 */
export function requireAwake({ name, spec, status }: InstanceRecord, done: string): void {
  if (!spec.hibernates) return;
  throw new AwsError(
    "IncorrectInstanceState",
    400,
    `The instance '${name}' is ${status.state} and hibernates: ${done} when it was started again.`,
  );
}

const unsupported = (message: string) =>
  new AwsError("UnsupportedHibernationConfiguration", 400, message);
