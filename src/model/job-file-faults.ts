import type { z } from "zod";
import type { Place } from "#/base/errors.ts";
import { nearestWord } from "./nearest-word.ts";
import type { FileFault, PlacedYaml } from "./yaml-place.ts";

export type Path = (string | number)[];
type Issue = z.core.$ZodIssue;
type PlacedFault = FileFault & { place?: Place };

/** What a schema found in a job file, in words for people, with what to do about each. */
export function faultsOfSchema(
  issues: readonly Issue[],
  yaml: PlacedYaml,
  knownKeys: (path: Path) => string[],
): PlacedFault[] {
  const faults = issues.flatMap((issue) => faultsOfIssue(issue, yaml, knownKeys));
  // A key that is missing because it was mistyped is one fault, not two.
  const mistyped = new Set(faults.map(({ meant }) => meant));
  return faults.filter(({ missing }) => missing === undefined || !mistyped.has(missing));
}

interface Found extends PlacedFault {
  /** The key that was likely meant by an unknown one, with its path; or the one that is missing. */
  meant?: string;
  missing?: string;
}

function faultsOfIssue(
  issue: Issue,
  yaml: PlacedYaml,
  knownKeys: (path: Path) => string[],
): Found[] {
  const path = issue.path as Path;
  const value = valueAt(yaml.value, path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey(key, path, yaml, knownKeys(path)));
  }
  if (value === undefined && path.length > 0) {
    const lacking = nameOf(path.slice(0, -1));
    const message = `Cannot do without '${String(path.at(-1))}' in ${lacking}: it is missing`;
    return [{ path, message, hint: hintFor(path), missing: path.join(".") }];
  }
  if (issue.code === "invalid_union") {
    const branch = likelyBranch(issue.errors);
    if (branch) {
      return branch.flatMap((inner) =>
        faultsOfIssue({ ...inner, path: [...path, ...inner.path] } as Issue, yaml, knownKeys),
      );
    }
    return [
      {
        path,
        message: `Cannot use ${nameOf(path)} as it is ${typeOf(value)}`,
        hint: hintFor(path),
      },
    ];
  }
  if (issue.code === "custom") {
    const { hint } = (issue.params ?? {}) as { hint?: string };
    return [{ path, message: issue.message, hint: hint ?? hintFor(path) }];
  }
  return [
    {
      path,
      message: `Cannot use ${nameOf(path)}: ${lowerFirst(issue.message)}`,
      hint: hintFor(path),
    },
  ];
}

function unknownKey(key: string, path: Path, yaml: PlacedYaml, known: string[]): Found {
  const near = nearestWord(key, known);
  return {
    path: [...path, key],
    place: yaml.keyPlace([...path, key]),
    message: `Cannot use '${key}' in ${nameOf(path)} as there is no such key`,
    hint: near ? `Did you mean '${near}'?` : `Use one of: ${known.join(", ")}`,
    ...(near !== undefined && { meant: [...path, near].join(".") }),
  };
}

/** Of the ways in which a value may be written, the one most likely meant: it got furthest, lacking nothing. */
function likelyBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const depth = (issue: Issue) =>
    issue.path.length + (issue.code === "unrecognized_keys" || issue.code === "custom" ? 1 : 0);
  const score = (issues: readonly Issue[]) => {
    const lacks = issues.some((issue) => issue.code === "unrecognized_keys");
    return Math.min(...issues.map(depth)) - (lacks ? 0.5 : 0);
  };
  const best = branches
    .filter((issues) => issues.length > 0)
    .sort((a, b) => score(b) - score(a))[0];
  return best && score(best) > 0 ? best : undefined;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (part, key) => (part as Record<string, unknown> | null | undefined)?.[key],
    value,
  );
}

function typeOf(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

const forms: Record<string, string> = {
  run: 'Give a program and its arguments, like [echo, "{}"], or one line for the shell',
  each: "Give a list, {lines: file}, or parameters like {size: [1, 2], level: {from: 0, to: 9}}",
  needs: "Write it like {cpus: 2, memory: 512MiB, labels: {disk: fast}}",
  memory: "Write it like 512MiB or 2GiB",
  cpus: "Write a number, like 2 or 0.5",
  after: "Name a step, or a list of steps",
  timeout: "Write it like 90s or 10m",
  retryWait: "Write it like 500ms or 2s",
  inputs: "Write a list of local files, or of {path: …, from: …}",
  from: "Give a local file, {step: …, output: …} or {blob: …}",
  outputs: "Write a list of paths, or of {path: …, optional: true}",
  steps: "Write a list: '- name: …' and 'run: …' for each step",
  name: "Add a name of letters, digits, '_', '.' or '-'",
  onFailure: "Write stop or continue",
  retries: "Write a whole number from 0 to 100",
  priority: "Write a whole number from -100 to 100; a higher one goes first",
  env: "Write it like {LANG: C}",
  labels: "Write it like {disk: fast}",
  reuse: "Write true or false",
  speculate: "Write true or false",
  stdin: "Write true or false",
  path: "Write a path inside the task's folder",
};

/** What may stand at `path`. */
export function hintFor(path: Path): string {
  const key = path.findLast((part) => typeof part === "string" && part in forms);
  return key === undefined
    ? "A job file is 'steps:' and a list of steps with 'name' and 'run'"
    : forms[key]!;
}

/** The place in a job file of what stands at `path` in the request that was made of it. */
export function filePath(path: Path): Path {
  return path.flatMap((part, index): Path => {
    if (part === "source") return ["each"];
    if (index > 2 && path[2] === "source" && (part === "parameters" || part === "inputs"))
      return [];
    if (part === "command") return [];
    const renamed: Record<string, string> = {
      memoryBytes: "memory",
      timeoutMs: "timeout",
      retryMs: "retryWait",
    };
    return [renamed[part] ?? part];
  });
}

/** What stands at `path`, for a sentence: "'needs.memory' of step 3". */
export function nameOf(path: Path): string {
  if (path.length === 0) return "the job file";
  if (path[0] !== "steps" || path.length < 2) return `'${path.join(".")}'`;
  const rest = filePath(path).slice(2);
  return rest.length > 0
    ? `'${rest.join(".")}' of step ${Number(path[1]) + 1}`
    : `step ${Number(path[1]) + 1}`;
}

export function lowerFirst(text: string): string {
  return text[0]!.toLowerCase() + text.slice(1);
}
