import { HostingError } from "./hosting-error.ts";

/** A layer that is none, or breaks a rule. */
export function damaged(why: string): HostingError {
  return new HostingError("Client.InvalidImage", `Cannot unpack a layer of the image as ${why}`);
}
