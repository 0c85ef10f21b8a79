import { topologicalOrder } from "./graph.ts";
import type { StepRequest } from "./job-request.ts";
import type { RecordOf } from "./record.ts";

/** Data that may not leave some sites: only their machines may run what reads it. */
export interface DataRule {
  /** A path under which tasks read it, all paths below one that ends with "/", or a blob's key; "*" is anything. */
  readonly blobs: string;
  readonly sites: readonly string[];
}

/**
 * A blob that was read under a rule, or made by what reads such: named after project, key and rule. Where it may
 * go is what the policy says of that rule at the time. It goes straight to the log.
 */
export type ConfinedRecord = RecordOf<
  "confined",
  { readonly key: string; readonly rule: string },
  object
>;

/** The record that says that a blob is under a rule. */
export function confinedRecord(
  project: string,
  key: string,
  rule: string,
): Omit<ConfinedRecord, "serial" | "revision"> {
  const name = confinedName(project, key, rule);
  return { kind: "confined", project, name, spec: { key, rule }, status: {} };
}

export function confinedName(project: string, key: string, rule: string): string {
  return `${project}/${key}/${encodeURIComponent(rule)}`;
}

/** Sites that all of these rules allow; undefined where none of them holds. */
export function sitesOf(
  rules: readonly DataRule[],
  names: ReadonlySet<string>,
): readonly string[] | undefined {
  return rules
    .filter(({ blobs }) => names.has(blobs))
    .reduce<readonly string[] | undefined>(
      (before, { sites }) => before?.filter((site) => sites.includes(site)) ?? sites,
      undefined,
    );
}

/** Whether a rule speaks of what is read under that path, or of the blob of that key. */
export function isRuled({ blobs }: DataRule, name: string): boolean {
  if (blobs.endsWith("/") && !blobs.includes("*")) return name.startsWith(blobs);
  const parts = blobs.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}${blobs.endsWith("/") ? ".*" : ""}$`).test(name);
}

/** What of a step decides whether it is bound. */
export type Confinable = Pick<
  StepRequest,
  "name" | "run" | "after" | "needs" | "inputs" | "source" | "shuffle"
>;

/** Blobs that steps read. */
export function blobsOf(steps: readonly Confinable[]): Set<string> {
  return new Set(
    steps.flatMap(({ inputs, source }) => [
      ...inputs.flatMap(({ from }) => ("blob" in from ? [from.blob] : [])),
      ...(source.type === "lines" ? [source.blob] : []),
    ]),
  );
}

/** What of a request the rules of a project bound. */
export interface Confinement<Step extends Confinable> {
  /** The steps; each that is bound needs the sites that it may run at. */
  readonly steps: readonly Step[];
  /** Blobs that are read under rules, which they did not know of before. */
  readonly marks: ReadonlyMap<string, readonly string[]>;
  /** A step for which no site is left. */
  readonly clash?: { readonly step: string; readonly rules: readonly string[] };
}

/**
 * Which steps of a request may run only at some sites: those that read what a rule speaks of, or a blob that
 * is `marked`, and those that come after such. `before` says by what rules steps are bound that the request
 * names and does not hold, as when one is added to a job, and `inherited` what binds all of them.
 */
export function confine<Step extends Confinable>(
  request: { readonly main?: string | undefined; readonly steps: readonly Step[] },
  rules: readonly DataRule[],
  marked: ReadonlyMap<string, readonly string[]>,
  before: ReadonlyMap<string, readonly string[]> = new Map(),
  inherited: readonly string[] = [],
): Confinement<Step> {
  const bound = new Map<string, ReadonlySet<string>>();
  const marks = new Map<string, readonly string[]>();
  const byName = new Map(request.steps.map((step) => [step.name, step]));
  const main = request.main === undefined ? undefined : byName.get(request.main);
  const order = topologicalOrder(
    new Map(
      request.steps.map((step) => [step.name, earlierOf(step).filter((name) => byName.has(name))]),
    ),
  );
  for (const name of order) {
    const step = byName.get(name)!;
    const own = rulesOn(step, rules, marked, marks);
    for (const rule of inherited) own.add(rule);
    for (const earlier of earlierOf(step))
      for (const rule of bound.get(earlier) ?? before.get(earlier) ?? []) own.add(rule);
    if (own.size > 0) bound.set(name, own);
  }
  // What a job's own code reads of its tasks it may hand to others.
  const all = new Set([...bound.values()].flatMap((one) => [...one]));
  if (main && isCode(main) && all.size > 0)
    for (const { name } of request.steps) bound.set(name, all);
  const steps = request.steps.map((step) => needing(step, rules, bound.get(step.name)));
  const clash = steps.find(({ needs }) => needs.sites?.length === 0);
  return {
    steps,
    marks,
    ...(clash && { clash: { step: clash.name, rules: clash.needs.confinedBy ?? [] } }),
  };
}

export function isCode({ run }: Pick<StepRequest, "run">): boolean {
  return run.driver === "runner" && run.role === "job";
}

/** Steps whose results or files a step may see. */
function earlierOf({ after, inputs, shuffle }: Confinable): string[] {
  return [
    ...after,
    ...inputs.flatMap(({ from }) => ("step" in from ? [from.step] : [])),
    ...(shuffle?.role === "reduce" ? [shuffle.from] : []),
  ];
}

/** Rules on what a step reads itself; blobs that it reads under them are added to `marks`. */
function rulesOn(
  { inputs, source }: Confinable,
  rules: readonly DataRule[],
  marked: ReadonlyMap<string, readonly string[]>,
  marks: Map<string, readonly string[]>,
): Set<string> {
  const found = new Set<string>();
  const reads = inputs.map(({ path, from }) => ({
    path,
    key: "blob" in from ? from.blob : undefined,
  }));
  if (source.type === "lines") reads.push({ path: source.blob, key: source.blob });
  for (const { path, key } of reads) {
    const ruled = rules
      .filter((rule) => isRuled(rule, path) || (key !== undefined && isRuled(rule, key)))
      .map(({ blobs }) => blobs);
    const known = (key !== undefined && marked.get(key)) || [];
    for (const rule of [...ruled, ...known]) found.add(rule);
    if (key !== undefined && ruled.some((rule) => !known.includes(rule)))
      marks.set(key, [...new Set([...known, ...ruled, ...(marks.get(key) ?? [])])]);
  }
  return found;
}

function needing<Step extends Confinable>(
  step: Step,
  rules: readonly DataRule[],
  names: ReadonlySet<string> | undefined,
): Step {
  const { confinedBy: _, ownSites: __, ...needs } = step.needs;
  const sites = names && sitesOf(rules, names);
  if (!sites) return { ...step, needs };
  const own = needs.sites;
  const left = own?.filter((site) => sites.includes(site)) ?? sites;
  const bound = { sites: [...left], confinedBy: [...names].sort(), ...(own && { ownSites: own }) };
  return { ...step, needs: { ...needs, ...bound } };
}
