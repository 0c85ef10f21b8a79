import { CanopyError } from "#/base/errors.ts";

const names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const everyDay = [1, 2, 3, 4, 5, 6, 7];

/** "mon-fri 09:00-17:00"; "sat,sun 22:00-04:00"; "09:00-17:00" for every day. Throws CanopyError "invalid". */
export function parseHours(text: string): { days: number[]; from: string; to: string } {
  const { days, rest } = splitDays(text);
  const [, from, to] = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(rest) ?? [];
  if (from === undefined || to === undefined)
    throw unreadable("hours", text, "mon-fri 09:00-17:00");
  return { days, from, to };
}

/** "mon-fri 10:00"; "sat 10:00,22:00". Throws CanopyError "invalid". */
export function parseTimes(text: string): { days: number[]; at: string[] } {
  const { days, rest } = splitDays(text);
  const at = rest.split(",");
  if (!at.every((time) => /^\d\d:\d\d$/.test(time)))
    throw unreadable("schedule", text, "mon-fri 10:00");
  return { days, at };
}

/** "mon-fri", "mon,wed", "every day". */
export function daysText(days: readonly number[]): string {
  const sorted = [...days].sort((a, b) => a - b);
  if (sorted.length === 7) return "every day";
  const first = sorted[0]!;
  const last = sorted.at(-1)!;
  if (sorted.length > 2 && last - first === sorted.length - 1)
    return `${names[first - 1]}-${names[last - 1]}`;
  return sorted.map((day) => names[day - 1]).join(",");
}

function splitDays(text: string): { days: number[]; rest: string } {
  const words = text.trim().toLowerCase().split(/\s+/);
  if (words.length === 1) return { days: everyDay, rest: words[0]! };
  if (words.length !== 2) throw unreadable("days", text, "mon-fri 10:00");
  return { days: words[0]!.split(",").flatMap((part) => range(part, text)), rest: words[1]! };
}

function range(part: string, text: string): number[] {
  const [from, to = from] = part.split("-").map((name) => names.indexOf(name.slice(0, 3)) + 1);
  if (!from || !to) throw unreadable("days", text, "mon-fri, or sat,sun");
  const length = ((to - from + 7) % 7) + 1;
  return Array.from({ length }, (_, index) => ((from - 1 + index) % 7) + 1);
}

function unreadable(what: string, text: string, example: string): CanopyError {
  return new CanopyError("invalid", `Cannot read the ${what} '${text}'`, {
    hint: `Write it like: ${example}`,
  });
}
