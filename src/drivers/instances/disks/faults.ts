import { CanopyError, messageOf } from "#/base/errors.ts";
import { HostingError } from "../hosting-error.ts";

/** What went wrong with the file of a volume, as its owner is told of it. */
export function diskFault(what: string, thrown: unknown): HostingError {
  if (thrown instanceof HostingError) return thrown;
  const more = { cause: thrown };
  const words = `Cannot ${what}: ${messageOf(thrown)}`;
  if (isFull(thrown)) return new HostingError("Server.InsufficientVolumeCapacity", words, more);
  if (thrown instanceof CanopyError && (thrown.code === "damaged" || thrown.code === "not-found"))
    return new HostingError("Client.InvalidSnapshot.NotFound", words, more);
  return new HostingError("Server.InternalError", words, more);
}

function isFull(thrown: unknown): boolean {
  if (thrown instanceof CanopyError) return thrown.code === "no-space";
  const { code } = (thrown ?? {}) as { code?: unknown };
  return code === "ENOSPC" || code === "EDQUOT";
}
