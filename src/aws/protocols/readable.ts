import type { AwsError } from "#/model/aws-error.ts";
import { Unreadable } from "../schema/scalars.ts";

/** What `read` gives. Throws what `refused` makes of why it cannot be read: each protocol has its own words for that. */
export function readable<T>(read: () => T, refused: (why: string) => AwsError): T {
  try {
    return read();
  } catch (thrown) {
    throw thrown instanceof Unreadable ? refused(thrown.message) : thrown;
  }
}
