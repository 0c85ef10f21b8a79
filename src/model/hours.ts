import type { Hours, Schedule } from "./policy.ts";

const minutesOfDay = 24 * 60;

/** Whether an instant is within those hours, by the clocks of that time zone. */
export function isWithinHours(hours: Hours, timeZone: string, at: number): boolean {
  const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone);
  const minute = local.hour * 60 + local.minute;
  const [from, to] = [minuteOf(hours.from), minuteOf(hours.to)];
  if (from < to) return hours.days.includes(local.dayOfWeek) && minute >= from && minute < to;
  // over midnight: the hours after it belong to the day before
  const yesterday = local.dayOfWeek === 1 ? 7 : local.dayOfWeek - 1;
  if (minute >= from) return hours.days.includes(local.dayOfWeek);
  return minute < to && hours.days.includes(yesterday);
}

/**
 * The next `count` instants of a schedule after that one, the soonest first. A time of day that a change
 * of clocks leaves out comes an hour later; one that comes twice is taken once, the first time (RFC 5545's
 * rule, Temporal's "compatible").
 */
export function nextRuns(
  { days, at }: Schedule,
  timeZone: string,
  after: number,
  count: number,
): number[] {
  const found: number[] = [];
  if (days.length === 0 || at.length === 0) return found;
  const start = Temporal.Instant.fromEpochMilliseconds(after).toZonedDateTimeISO(timeZone);
  const times = at.map((text) => minuteOf(text)).sort((a, b) => a - b);
  // a day more on either side: a change of clocks may move an instant over midnight
  for (let day = -1; found.length < count; day++) {
    const date = start.toPlainDate().add({ days: day });
    if (!days.includes(date.dayOfWeek)) continue;
    for (const minute of times) {
      const plainTime = Temporal.PlainTime.from({
        hour: Math.floor(minute / 60),
        minute: minute % 60,
      });
      const instant = date.toZonedDateTime({ timeZone, plainTime }).epochMilliseconds;
      if (instant > after && found.length < count && !found.includes(instant)) found.push(instant);
    }
  }
  return found;
}

/** Whether the time zone is one that is known here. */
export function isTimeZone(timeZone: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(timeZone);
    return true;
  } catch {
    return false;
  }
}

function minuteOf(text: string): number {
  const [hour = 0, minute = 0] = text.split(":").map(Number);
  return (hour * 60 + minute) % minutesOfDay;
}
