import { Argument } from "commander";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .addArgument(
        new Argument("<shell>", "the shell").choices(["bash", "zsh", "fish", "powershell"]),
      )
      .addHelpText("after", "\nFor example, in ~/.bashrc:\n  source <(canopy completion bash)")
      .action(
        does(async (cli, shell: string) => {
          const { completionScript } = await import("../complete.ts");
          cli.terminal.out.write(await completionScript(shell));
        }),
      );
  },
};
