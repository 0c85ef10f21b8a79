import { createRequire } from "node:module";
import { messageOf } from "#/base/errors.ts";
import { AwsError } from "#/model/aws-error.ts";

type Cel = typeof import("@bufbuild/cel");

/** An expression over `machine` and `instance`, ready to be asked; an Error where it cannot be told. */
export type Expression = (facts: PlaceFacts) => unknown;

/** What expressions speak of; what nobody knows is absent: has(machine.perHour) tells. */
export interface PlaceFacts {
  machine: Readonly<Record<string, unknown>>;
  instance: Readonly<Record<string, unknown>>;
}

/** Loops in loops would let a short text take for ever, and everybody waits while places are taken. */
const loopsMax = 1;

const keptMax = 1000;
const kept = new Map<string, Expression>();
let cel: Cel | undefined;

/**
 * Reads CEL, the Common Expression Language (https://cel.dev): loaded where somebody uses it, and at once, as places are taken in
 * one turn. Throws "InvalidParameterValue" for what is none.
 */
export function expressionOf(text: string): Expression {
  const known = kept.get(text);
  if (known) return known;
  cel ??= createRequire(import.meta.url)("@bufbuild/cel") as Cel;
  const expression = read(cel, text);
  if (kept.size >= keptMax) kept.clear();
  kept.set(text, expression);
  return expression;
}

function read({ celEnv, parse, plan }: Cel, text: string): Expression {
  try {
    const parsed = parse(text);
    if (loopsIn(parsed.expr) > loopsMax) throw new Error(`it may go over ${loopsMax} list at most`);
    const program = plan(celEnv(), parsed);
    return (facts) => {
      const found: unknown = program(facts as never);
      return typeof found === "bigint" ? Number(found) : found;
    };
  } catch (thrown) {
    throw new AwsError(
      "InvalidParameterValue",
      400,
      `Cannot read '${text.slice(0, 200)}' as CEL: ${messageOf(thrown)}`,
      { hint: `Write it as in: machine.labels.disk == "ssd" && machine.freeCpus > 2.0` },
    );
  }
}

/** How many of `all`, `exists`, `map` and `filter` are in it. */
function loopsIn(part: unknown): number {
  if (typeof part !== "object" || part === null) return 0;
  const isLoop = (part as { case?: unknown }).case === "comprehensionExpr";
  return Object.values(part).reduce<number>((sum, child) => sum + loopsIn(child), isLoop ? 1 : 0);
}
