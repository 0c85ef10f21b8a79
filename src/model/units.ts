import { CanopyError } from "#/base/errors.ts";

export const hourMs = 3_600_000;

/**
 * Quantities as people write them: durations "90s", "10m", "1h30m", "500ms"; sizes "512MiB", "2GB";
 * money "1.50 USD". `format…` is exact: what it gives parses back to the same number. `brief…` is for
 * reading: rounded, and never parsed again.
 */
const durationUnits = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;

const sizeUnits: Record<string, number> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};

const durationExample = "write it like 90s, 10m, 1h30m or 500ms";
const sizeExample = "write it like 512MiB, 2GiB or 1000B";
const moneyExample = "write it like 1.50 USD";

/** Milliseconds, rounded to a whole number. Throws "invalid" for what is no duration, a bare number among it. */
export function parseDuration(text: string): number {
  const units = new Map<string, number>(durationUnits);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  const written = parts.map(([part]) => part).join("");
  if (parts.length === 0 || written !== text.trim())
    throw unreadable("duration", text, durationExample);
  const order = parts.map(([, , unit]) => units.get(unit!)!);
  if (order.some((unit, index) => index > 0 && unit >= order[index - 1]!)) {
    throw unreadable(
      "duration",
      text,
      `${durationExample}, the larger unit first and each one once`,
    );
  }
  return Math.round(
    parts.reduce((sum, [, count], index) => sum + Number(count) * order[index]!, 0),
  );
}

/** A whole number of milliseconds, exactly: 5400000 is "1h30m", 1500 is "1.5s". */
export function formatDuration(durationMs: number): string {
  let left = Math.round(durationMs);
  if (left < 1000) return `${left}ms`;
  let text = "";
  for (const [unit, unitMs] of durationUnits.slice(0, 3)) {
    const count = Math.floor(left / unitMs);
    if (count > 0) text += `${count}${unit}`;
    left -= count * unitMs;
  }
  return left > 0 ? `${text}${left / 1000}s` : text;
}

/** For reading: "31 %". */
export function briefPercent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** For reading: "0.4ms", "320ms", "4.2s", "1m12s", "3h05m", "2d04h". What is over is "0ms". */
export function briefDuration(ms: number): string {
  const durationMs = Math.max(0, ms);
  if (durationMs < 10) return `${Number(durationMs.toFixed(1))}ms`;
  if (durationMs < 999.5) return `${Math.round(durationMs)}ms`;
  if (durationMs < 9_950) return `${(durationMs / 1000).toFixed(1)}s`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 60) return `${seconds}s`;
  const two = (count: number) => String(count).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${two(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h${two(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d${two(hours % 24)}h`;
}

/** "1 machine", "2 machines". */
export const counted = (count: number, one: string): string =>
  `${count} ${one}${count === 1 ? "" : "s"}`;

/** Bytes, rounded to a whole number: "512MiB" (1024 based), "2GB" (1000 based), "17B". Throws "invalid". */
export function parseSize(text: string): number {
  const [, count, unit] = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*$/.exec(text) ?? [];
  const known = Object.keys(sizeUnits).find((name) => name.toLowerCase() === unit?.toLowerCase());
  if (count === undefined || known === undefined) throw unreadable("size", text, sizeExample);
  return Math.round(Number(count) * sizeUnits[known]!);
}

/** A whole number of bytes, exactly: in the largest unit of which it is a whole number of quarters. */
export function formatSize(bytes: number): string {
  for (const unit of ["TiB", "GiB", "MiB", "KiB"]) {
    const count = bytes / sizeUnits[unit]!;
    if (count >= 1 && Number.isInteger(count * 4)) return `${count}${unit}`;
  }
  return `${bytes}B`;
}

/** For reading, in three digits: "1.46GiB", "512MiB", "17B". */
export function briefSize(bytes: number): string {
  for (const unit of ["TiB", "GiB", "MiB", "KiB"]) {
    const count = bytes / sizeUnits[unit]!;
    if (count >= 0.9995)
      return `${count >= 999.5 ? Math.round(count) : Number(count.toPrecision(3))}${unit}`;
  }
  return `${Math.round(bytes)}B`;
}

/** An amount in millionths of a currency named by ISO 4217. */
export interface Money {
  micros: number;
  currency: string;
}

/** Reads "1.50 USD"; at most six decimals. Throws "invalid". */
export function parseMoney(text: string): Money {
  const [, whole, decimals = "", currency] =
    /^\s*(\d+)(?:\.(\d{1,6}))?\s*([A-Za-z]{3})\s*$/.exec(text) ?? [];
  if (whole === undefined || currency === undefined)
    throw unreadable("sum of money", text, moneyExample);
  const micros = Number(whole) * 1e6 + Number(decimals.padEnd(6, "0"));
  return { micros, currency: currency.toUpperCase() };
}

/** The decimal text of millionths, to the nearest, with two decimals at least: "1.50", "0.000017". */
export function formatMicros(micros: number): string {
  const rounded = Math.round(micros);
  const whole = Math.floor(rounded / 1e6);
  const decimals = String(rounded - whole * 1e6).padStart(6, "0");
  return `${whole}.${decimals.replace(/0{1,4}$/, "")}`;
}

/** "1.50 USD". */
export function formatMoney({ micros, currency }: Money): string {
  return `${formatMicros(micros)} ${currency}`;
}

/** For reading: "3.43mWh", "0.892Wh", "1.25kWh". */
export function briefEnergy(joules: number): string {
  const wattHours = joules / 3600;
  if (wattHours >= 1000) return `${brief3(wattHours / 1000)}kWh`;
  return wattHours >= 0.1 || wattHours === 0
    ? `${brief3(wattHours)}Wh`
    : `${brief3(wattHours * 1000)}mWh`;
}

/** For reading: "12.5mg", "3.2g", "1.25kg". */
export function briefGrams(grams: number): string {
  if (grams >= 1000) return `${brief3(grams / 1000)}kg`;
  return grams >= 0.1 || grams === 0 ? `${brief3(grams)}g` : `${brief3(grams * 1000)}mg`;
}

function brief3(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function unreadable(what: string, text: string, example: string): CanopyError {
  return new CanopyError("invalid", `Cannot read the ${what} '${text}'`, {
    hint: example[0]!.toUpperCase() + example.slice(1),
  });
}
