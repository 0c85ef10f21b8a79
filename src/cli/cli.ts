import type { Command } from "commander";
import { tellError } from "./errors.ts";
import type { Programs } from "./programs.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Runs one command; gives its exit code: 0 ok, 1 failed, 2 usage, 3 not found, 4 not allowed, 5 conflict,
 * 6 infeasible, 7 unavailable or timed out, 10 the plan has changes, 130 interrupted, or the code of the job that it followed.
 */
export async function runCli(
  argv: readonly string[],
  programs: Programs,
  given?: Terminal,
): Promise<number> {
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
    // Before anything is loaded, even what writes.
    if (given) given.out.write(`canopy ${programs.version}\n`);
    else console.log(`canopy ${programs.version}`);
    return 0;
  }
  const terminal = given ?? (await import("./terminal.ts")).thisTerminal();
  if (argv[0] === "complete") {
    const { complete } = await import("./complete.ts");
    return await complete(argv.slice(1), terminal);
  }
  const { own, rest } = splitAtDashes(argv);
  let code = 0;
  try {
    const { buildProgram } = await import("./program.ts");
    const program: Command = await buildProgram(own, {
      terminal,
      programs,
      rest,
      onExit: (exitCode) => (code = exitCode),
    });
    if (own.length === 0) program.outputHelp();
    else await program.parseAsync(own, { from: "user" });
    return code;
  } catch (thrown) {
    return tellError(thrown, terminal, own);
  }
}

/** What stands after "--" is for the program that is run. A bare --json asks for all fields. */
function splitAtDashes(argv: readonly string[]): { own: string[]; rest: string[] | undefined } {
  const dashes = argv.indexOf("--");
  const own = (dashes < 0 ? argv : argv.slice(0, dashes)).map((word) =>
    word === "--json" ? "--json=*" : word,
  );
  return { own, rest: dashes < 0 ? undefined : argv.slice(dashes + 1) };
}
