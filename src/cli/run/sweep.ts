import { CanopyError } from "#/base/errors.ts";

type Values = (string | number | boolean)[] | { from: number; to: number; by?: number };

const range = /^(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)(?:\.\.(\d+(?:\.\d+)?))?$/;

/**
 * Reads parameters of a sweep: "n=1..10", "rate=0..1..0.25" (by), "method=euler,heun".
 * Throws CanopyError "invalid".
 */
export function sweepOf(words: readonly string[]): Record<string, Values> {
  const parameters: Record<string, Values> = {};
  for (const word of words) {
    const [, name, values] = /^([A-Za-z_]\w*)=(.+)$/.exec(word) ?? [];
    if (name === undefined || values === undefined) {
      throw new CanopyError(
        "invalid",
        `Cannot sweep over '${word}' as it must be name=from..to, name=from..to..by or name=a,b,c`,
        {
          hint: "For example: canopy run --sweep n=1..10 -- ./sim {n}",
        },
      );
    }
    parameters[name] = valuesOf(values, word);
  }
  return parameters;
}

function valuesOf(text: string, word: string): Values {
  const match = range.exec(text);
  if (!match && /^-?\d[\d.]*\.\.[^,/]*$/.test(text)) {
    throw new CanopyError(
      "invalid",
      `Cannot sweep over '${word}' as a range goes from a number to a number: it has '${text}'`,
      { hint: "Write it like n=1..10, or with a step like n=0..1..0.25" },
    );
  }
  if (!match) return text.split(",").map(scalarOf);
  const [from = NaN, to = NaN, by] = match
    .slice(1)
    .map((part) => (part === undefined ? undefined : Number(part)));
  if (
    !Number.isFinite(from) ||
    !Number.isFinite(to) ||
    from > to ||
    (by !== undefined && !(by > 0))
  ) {
    throw new CanopyError(
      "invalid",
      `Cannot sweep over '${word}' as it must go up from a number to a number`,
    );
  }
  return by === undefined ? { from, to } : { from, to, by };
}

function scalarOf(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return text.trim() !== "" && String(number) === text ? number : text;
}
