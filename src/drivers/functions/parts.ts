import type { Host } from "#/base/host.ts";
import type { Cages } from "#/base/processes.ts";
import type { BlobAccess } from "../driver.ts";

/** What functions are run with. */
export interface FunctionParts extends Pick<
  Host,
  "clock" | "files" | "processes" | "network" | "log"
> {
  /** For unpacked code and programs of sandboxes; emptied when they are opened. */
  folder: string;
  blobs: Pick<BlobAccess, "fetch">;
  /** Undefined where the kernel does not let us: then no function runs here. */
  cages: Cages | undefined;
  /** In the environment of what is started outside of sandboxes. */
  mark: Readonly<Record<string, string>>;
}
