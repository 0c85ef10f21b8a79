import type { AwsError } from "#/model/aws-error.ts";
import type { Member, Shape } from "../schema/shape.ts";

/** Throws what `missing` makes of the first member that the schema asks for and the input has not. */
export function requireMembers(
  input: Shape,
  read: Record<string, unknown>,
  missing: (member: Member) => AwsError,
): void {
  for (const member of input.members)
    if (member.isRequired && read[member.name] === undefined && !member.shape.isStreaming)
      throw missing(member);
}
