import { resolve } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { Cli } from "../verb.ts";

/** What `canopy run` was told to run. */
export type JobSource =
  | { type: "program"; command: readonly string[] }
  | { type: "module"; file: string; export: string | undefined; args: readonly string[] }
  | { type: "file"; file: string; shown: string; text: string };

const modulePattern = /^(.+\.[cm]?[jt]s)(?::([\w$]+))?$/;

/** Tells what to run from the words of the command line. Throws CanopyError "invalid" where they mean nothing. */
export async function jobSourceOf(
  { terminal, rest }: Cli,
  words: readonly string[],
): Promise<JobSource> {
  const [first, ...args] = words;
  const { files, folder } = terminal.world;
  if (first === undefined) {
    if (rest !== undefined && rest.length > 0) return { type: "program", command: rest };
    throw new CanopyError("invalid", "Cannot run as nothing to run was named", {
      hint: "A program: canopy run -- echo hi     A module: canopy run job.ts     A job file: canopy run job.yaml",
    });
  }
  const [, module, exported] = modulePattern.exec(first) ?? [];
  const file = resolve(folder, module ?? first);
  const found = await files.stat(file);
  if (!found || found.isFolder) throw notFound(first, file, [...words, ...(rest ?? [])]);
  if (module !== undefined)
    return { type: "module", file, export: exported, args: [...args, ...(rest ?? [])] };
  if (args.length > 0 || rest !== undefined) {
    throw new CanopyError(
      "invalid",
      `Cannot give arguments to ${first} as only a module takes them: they are '${[...args, ...(rest ?? [])].join(" ")}'`,
    );
  }
  return {
    type: "file",
    file,
    shown: first,
    text: Buffer.from((await files.read(file))!).toString(),
  };
}

function notFound(word: string, file: string, words: readonly string[]): CanopyError {
  if (/\.([cm]?[jt]s|ya?ml|json)$/.test(word)) {
    return new CanopyError("not-found", `Cannot run ${word} as there is no such file: ${file}`, {
      hint: "Check the path",
    });
  }
  return new CanopyError(
    "invalid",
    `Cannot run '${word}' as it is neither a module (.ts, .js), a job file (.yaml) nor a recorded workflow (.json)`,
    {
      hint: `To run a program, put it after --: canopy run -- ${words.join(" ")}`,
    },
  );
}
