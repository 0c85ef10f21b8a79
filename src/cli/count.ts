import { InvalidArgumentError } from "commander";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { parseDuration, parseSize } from "#/model/units.ts";

/** Readers of options' words; what they throw, commander tells with the option's name. */
export function parseCount(word: string): number {
  const count = Number(word);
  if (!Number.isInteger(count) || count < 1)
    throw new InvalidArgumentError("It must be a whole number from 1 on.");
  return count;
}

export function parsePort(word: string): number {
  const port = Number(word);
  if (!/^\d+$/.test(word) || port > 65_535)
    throw new InvalidArgumentError("It must be a whole number from 0 to 65535.");
  return port;
}

export function parseNumber(word: string): number {
  const number = Number(word);
  if (word.trim() === "" || !Number.isFinite(number))
    throw new InvalidArgumentError("It must be a number.");
  return number;
}

export function parseAmount(word: string): number {
  const amount = parseNumber(word);
  if (amount <= 0) throw new InvalidArgumentError("It must be above 0.");
  return amount;
}

export function durationOption(word: string): number {
  return reading(() => parseDuration(word));
}

export function sizeOption(word: string): number {
  return reading(() => parseSize(word));
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    const hint =
      thrown instanceof CanopyError && thrown.hint !== undefined ? `: ${thrown.hint}` : "";
    throw new InvalidArgumentError(`${messageOf(thrown)}${hint}.`);
  }
}
