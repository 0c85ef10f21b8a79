import { InvalidArgumentError } from "commander";
import { CanopyError } from "#/base/errors.ts";
import { briefSize, parseSize } from "#/model/units.ts";
import type { AmountsView } from "#/model/views.ts";

const example = 'write it like 20cpu, 64GiB or "20cpu, 64GiB", or none';

/** What takes away; commander has no null. */
export const none = "none";

/** Reads "20cpu", "64GiB" or both with a comma, or "none". What it throws, commander tells with the option's name. */
export function amountsOption(word: string): AmountsView | typeof none {
  if (word.trim() === none) return none;
  const amounts: AmountsView = {};
  for (const part of word.split(",")) {
    const [, cpus] = /^\s*(\d+(?:\.\d+)?)\s*cpus?\s*$/i.exec(part) ?? [];
    const name = cpus === undefined ? "memoryBytes" : "cpus";
    if (amounts[name] !== undefined)
      throw new InvalidArgumentError(`It names one resource twice: ${example}.`);
    amounts[name] = cpus === undefined ? memoryOf(part) : Number(cpus);
  }
  return amounts;
}

function memoryOf(part: string): number {
  try {
    return parseSize(part);
  } catch (thrown) {
    if (!(thrown instanceof CanopyError)) throw thrown;
    throw new InvalidArgumentError(`It cannot be read at '${part.trim()}': ${example}.`);
  }
}

/** For reading: "20cpu, 64GiB"; "" when nothing is limited. */
export function briefAmounts({ cpus, memoryBytes }: AmountsView = {}): string {
  const parts = [
    ...(cpus === undefined ? [] : [`${cpus}cpu`]),
    ...(memoryBytes === undefined ? [] : [briefSize(memoryBytes)]),
  ];
  return parts.join(", ");
}
