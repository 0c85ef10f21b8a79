import type { Shape, TimeFormat } from "./shape.ts";

/** What is written where the schema asks for something else; each protocol has its own error for it. */
export class Unreadable extends Error {}

/** A moment as `format` writes it. */
export function timeText(time: Date, format: TimeFormat): string {
  switch (format) {
    case "http-date":
      return time.toUTCString();
    case "epoch-seconds":
      return String(time.getTime() / 1000);
    case "date-time":
      return time.toISOString();
  }
}

const dateTime = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d\d:?\d\d)?$/;
const day = /^\d{4}-\d\d-\d\d$/;
const httpDate =
  /^[A-Za-z]{3,9}, \d\d?[ -][A-Za-z]{3}[ -]\d{2,4} \d\d:\d\d:\d\d (?:GMT|UTC|\+0000)$/;
const epoch = /^-?\d{1,12}(?:\.\d{1,9})?(?:[eE]\+?\d{1,2})?$/;

/** A moment in any of the formats: clients of old write others than the schema asks for. Throws Unreadable. */
export function timeOf(text: string): Date {
  const trimmed = text.trim();
  let time: Date | undefined;
  if (dateTime.test(trimmed)) time = new Date(withZone(trimmed));
  else if (day.test(trimmed) || httpDate.test(trimmed)) time = new Date(trimmed);
  else if (epoch.test(trimmed)) time = new Date(Math.round(Number(trimmed) * 1000));
  if (!time || Number.isNaN(time.getTime())) throw new Unreadable(`'${shown(text)}' is no time`);
  return time;
}

/** What has no zone is UTC. */
function withZone(text: string): string {
  const upper = text.toUpperCase().replace(",", ".");
  return /(?:Z|[+-]\d\d:?\d\d)$/.test(upper) ? upper : `${upper}Z`;
}

const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const notBase64 = /[^A-Za-z0-9+/\-_\s=]/;
const padding = /^(?:=\s*){1,2}$/;

/** A single value from its text: in XML, a query, a header or a label. Throws Unreadable. */
export function scalarOf(shape: Shape, text: string): unknown {
  switch (shape.type) {
    case "string":
      return text;
    case "number": {
      const trimmed = text.trim();
      if (!number.test(trimmed)) throw new Unreadable(`'${shown(text)}' is no number`);
      return Number(trimmed);
    }
    case "integer":
      if (!/^[+-]?\d{1,40}$/.test(text.trim()))
        throw new Unreadable(`'${shown(text)}' is no whole number`);
      return BigInt(text.trim());
    case "boolean": {
      const word = text.trim().toLowerCase();
      if (word === "true" || word === "1") return true;
      if (word === "false" || word === "0") return false;
      throw new Unreadable(`'${shown(text)}' is neither true nor false`);
    }
    case "timestamp":
      return timeOf(text);
    case "blob":
      return bytesOfBase64(text);
    default:
      throw new Unreadable(`'${shown(text)}' is no ${shape.type}`);
  }
}

export function bytesOfBase64(text: string): Uint8Array {
  // Two looks, as one pattern for both takes the square of the length of what is long and wrong.
  const end = text.indexOf("=");
  if (notBase64.test(text) || (end >= 0 && !padding.test(text.slice(end))))
    throw new Unreadable("what stands there is no base64");
  const bytes = Buffer.from(text, "base64");
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The text of a single value; moments in `format` unless the schema says another one. */
export function scalarText(shape: Shape, value: unknown, format: TimeFormat): string {
  if (value instanceof Date) return timeText(value, shape.timeFormat ?? format);
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  return String(value);
}

/** Never the whole of what a stranger sent. */
function shown(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
