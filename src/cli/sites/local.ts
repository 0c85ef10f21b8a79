import type { Command } from "commander";
import { durationOption } from "../count.ts";
import type { Does } from "../verb.ts";
import { addSite } from "./add.ts";
import { sizedConfigOf, sizedOptions, type SizedFlags } from "./sized.ts";

interface LocalFlags extends SizedFlags {
  bootDelay?: number;
}

/** `canopy sites add local`. */
export function defineLocal(add: Command, does: Does): void {
  const command = add
    .command("local")
    .description("More agents on the computer of the control plane")
    .option("--boot-delay <duration>", "before its agent starts, as in 10s", durationOption);
  sizedOptions(command, "local").action(
    does((cli) => {
      const flags = cli.options as unknown as LocalFlags;
      const { name, bootDelay } = flags;
      return addSite(cli, name, {
        config: {
          type: "local",
          ...sizedConfigOf(flags),
          ...(bootDelay !== undefined && { bootDelayMs: bootDelay }),
        },
      });
    }),
  );
}
