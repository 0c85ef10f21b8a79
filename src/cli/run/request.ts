import type { JobRequestInput } from "#/model/job-request.ts";
import type { Client } from "#/sdk/client.ts";
import type { Terminal } from "../terminal.ts";
import type { JobSource } from "./job-source.ts";
import type { RunOptions } from "./options.ts";

/**
 * The job that a source is, with all that it stands on stored. `onSources` is told of files that are read
 * otherwise than through the terminal's world.
 */
export async function requestOf(
  client: Client,
  source: JobSource,
  options: RunOptions,
  terminal: Terminal,
  onSources?: (files: readonly string[]) => void,
): Promise<JobRequestInput> {
  switch (source.type) {
    case "program":
      return (await import("./program-request.ts")).programRequest(
        client,
        source.command,
        options,
        terminal,
      );
    case "module":
      return (await import("./module-request.ts")).moduleRequest(
        client,
        source,
        options,
        terminal,
        onSources,
      );
    case "file":
      return (await import("./file-request.ts")).fileRequest(client, source, options, terminal);
  }
}
