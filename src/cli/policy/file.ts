import { CanopyError, messageOf } from "#/base/errors.ts";
import { nearestWord } from "#/model/nearest-word.ts";
import { clashOf, contradictionOf } from "#/model/policy-clash.ts";
import { autonomicPolicyInput, type AutonomicPolicyInput } from "#/model/policy-views.ts";
import { parseDuration, parseSize } from "#/model/units.ts";
import { PlacedYaml } from "#/model/yaml-place.ts";
import { parseHours } from "../chaos/days.ts";

/** Statements of a policy file, and what the API calls them. */
const names: Record<string, keyof AutonomicPolicyInput> = {
  objective: "objective",
  deadline: "deadlineMs",
  deadlineMax: "deadlineMsMax",
  budget: "budget",
  budgetMax: "budgetMax",
  sites: "sites",
  sitesNever: "sitesNever",
  markets: "markets",
  needs: "needs",
  where: "where",
  data: "data",
  quiet: "quiet",
  timeZone: "timeZone",
  autonomy: "autonomy",
  savings: "savings",
  fleet: "fleet",
};
type FleetInput = NonNullable<AutonomicPolicyInput["fleet"]>;
const fleetNames: Record<string, keyof FleetInput> = {
  waitMax: "waitMsMax",
  machinesMin: "machinesMin",
  machinesMax: "machinesMax",
  budgetPerHour: "budgetPerHour",
  idleFor: "idleMs",
};
const needsNames: Record<string, keyof NonNullable<AutonomicPolicyInput["needs"]>> = {
  cpus: "cpus",
  memory: "memoryBytes",
  labels: "labels",
};
/** Statements that are statements themselves. */
const parts = { fleet: fleetNames, needs: needsNames };
const durations = new Set(["deadline", "deadlineMax", "waitMax", "idleFor"]);

/**
 * Reads a policy as people write it: durations like 8h, hours like "mon-fri 22:00-06:00". Throws "invalid"
 * with the line of what cannot be read, and with both lines of what contradicts each other.
 */
export async function policyOfFile(text: string, file: string): Promise<AutonomicPolicyInput> {
  const yaml = new PlacedYaml(text, file);
  const { value } = yaml;
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new CanopyError("invalid", `Cannot read ${file} as a policy must be names with values`, {
      hint: "For example: deadline: 8h",
      place: yaml.place([]),
    });
  const policy: Record<string, unknown> = statementsOf(yaml, file, [], value, names);
  for (const [name, known] of Object.entries(parts)) {
    const part = policy[name];
    if (typeof part === "object" && part !== null && !Array.isArray(part))
      policy[name] = statementsOf(yaml, file, [name], part, known);
  }
  requireShape(policy, yaml, file);
  const clash = await clashOf(policy).catch((thrown: unknown) => {
    throw unreadable(yaml, file, ["where"], thrown);
  });
  if (!clash) return policy;
  const places = clash.paths.map((path) => yaml.place(path.map(written)));
  throw new CanopyError(
    "invalid",
    `Cannot set the policy as ${contradictionOf(places.map(({ line }) => `${file}:${line}`))}: ${clash.sentence}`,
    { hint: "Change one of them", place: places[0]! },
  );
}

/** What stands under `path`, by the API's names. */
function statementsOf(
  yaml: PlacedYaml,
  file: string,
  path: readonly string[],
  said: object,
  known: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(said)) {
    const target = known[name];
    if (!target) throw unknown(yaml, file, [...path, name], known);
    found[target] = read(yaml, file, [...path, name], value);
  }
  return found;
}

function read(yaml: PlacedYaml, file: string, path: readonly string[], said: unknown): unknown {
  const name = path.at(-1)!;
  try {
    if (durations.has(name)) return parseDuration(String(said));
    if (name === "memory") return parseSize(String(said));
    return name === "quiet" && typeof said === "string" ? parseHours(said) : said;
  } catch (thrown) {
    throw unreadable(yaml, file, path, thrown);
  }
}

/** What was thrown over a statement, with its place. */
function unreadable(
  yaml: PlacedYaml,
  file: string,
  path: readonly string[],
  thrown: unknown,
): CanopyError {
  const hint = thrown instanceof CanopyError ? thrown.hint : undefined;
  const what = `Cannot read '${path.join(".")}' in ${file}: ${messageOf(thrown)}`;
  return new CanopyError("invalid", what, {
    ...(hint !== undefined && { hint }),
    place: yaml.place(path),
  });
}

/** Every statement that is not of the shape that it must have, with its line. */
function requireShape(policy: unknown, yaml: PlacedYaml, file: string): void {
  const { error } = autonomicPolicyInput.safeParse(policy);
  if (!error) return;
  throw yaml.error(
    error.issues.map((issue) => {
      const path = issue.path.map((part) => written(typeof part === "symbol" ? "" : part));
      return {
        path,
        message: `Cannot read '${path.join(".")}' in ${file}: ${issue.message}`,
        hint: "See what a policy may say: canopy policy set --help",
      };
    }),
  );
}

function unknown(
  yaml: PlacedYaml,
  file: string,
  path: readonly string[],
  known: Readonly<Record<string, string>>,
): CanopyError {
  const all = Object.keys(known);
  const near = nearestWord(path.at(-1)!, all);
  const what = `Cannot read ${file} as a policy has no '${path.join(".")}'`;
  return new CanopyError("invalid", what, {
    hint: near === undefined ? `It has ${all.join(", ")}` : `Did you mean '${near}'?`,
    place: yaml.place(path),
  });
}

/** The name in the file of what the API calls so. */
function written(part: string | number): string | number {
  const all = [names, ...Object.values(parts)].flatMap((known) => Object.entries(known));
  return all.find(([, target]) => target === part)?.[0] ?? part;
}
