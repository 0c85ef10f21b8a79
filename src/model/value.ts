import { CanopyError } from "#/base/errors.ts";

/**
 * Values that cross between processes, as JSON text. Beside what JSON has, it keeps undefined, NaN and
 * the infinities, bigint, Date, Map, Set and Uint8Array: each is written as an object with the one
 * member "$canopy". Plain data, which nearly all values are, is written by JSON.stringify alone.
 */
const tag = "$canopy";

/** Throws CanopyError "invalid", naming the place, for what cannot cross: functions, symbols, classes, cycles. */
export function encodeValue(value: unknown): string {
  if (isPlain(value, 0)) return JSON.stringify(value);
  return JSON.stringify(toTagged(value, "value", []));
}

export function decodeValue(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return text.includes(tag) ? fromTagged(value) : value;
}

/** True when a text of many values may hold one that JSON alone cannot, so that `reviveValue` has to see each. */
export function hasTagged(text: string): boolean {
  return text.includes(tag);
}

/** What `decodeValue` makes of a text that was parsed already. */
export function reviveValue(parsed: unknown): unknown {
  return fromTagged(parsed);
}

const depthMax = 100;

/** True when JSON.stringify loses nothing of it. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value);
    case "object": {
      if (value === null) return true;
      if (depth > depthMax) return false;
      if (Array.isArray(value)) {
        for (let index = 0; index < value.length; index++)
          if (!isPlain(value[index], depth + 1)) return false;
        return true;
      }
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== null) return false;
      if ("toJSON" in value || tag in value) return false;
      for (const key in value)
        if (!isPlain((value as Record<string, unknown>)[key], depth + 1)) return false;
      return true;
    }
    default:
      return false;
  }
}

function toTagged(value: unknown, place: string, above: object[]): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : { [tag]: ["number", String(value)] };
    case "undefined":
      return { [tag]: ["undefined"] };
    case "bigint":
      return { [tag]: ["bigint", String(value)] };
    case "object":
      return value === null ? null : objectToTagged(value, place, above);
    default:
      throw new CanopyError(
        "invalid",
        `Cannot send ${place} to another process as it is a ${typeof value}`,
      );
  }
}

function objectToTagged(value: object, place: string, above: object[]): unknown {
  if (above.includes(value)) {
    throw new CanopyError(
      "invalid",
      `Cannot send ${place} to another process as it contains itself`,
    );
  }
  const within = [...above, value];
  const item = (part: unknown, where: string) => toTagged(part, `${place}${where}`, within);
  if (Array.isArray(value)) return Array.from(value, (part, index) => item(part, `[${index}]`));
  if (value instanceof Date) return { [tag]: ["date", value.getTime()] };
  if (value instanceof Map) {
    const entries = [...value].map(([key, part], index) => [
      item(key, `.keys()[${index}]`),
      item(part, `.values()[${index}]`),
    ]);
    return { [tag]: ["map", ...entries] };
  }
  if (value instanceof Set)
    return { [tag]: ["set", ...[...value].map((part) => item(part, ".member"))] };
  if (value instanceof Uint8Array)
    return { [tag]: ["bytes", Buffer.from(value).toString("base64")] };
  if (value instanceof Error) return { [tag]: ["error", value.name, value.message] };
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const name = (value.constructor as { name?: string } | undefined)?.name ?? "class";
    throw new CanopyError(
      "invalid",
      `Cannot send ${place} to another process as it is an instance of ${name}`,
      {
        hint: "Return plain data, or give it in a form that can be built again from plain data",
      },
    );
  }
  const plain = Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, item(part, `.${key}`)]),
  );
  return tag in plain ? { [tag]: ["object", ...Object.entries(plain)] } : plain;
}

function fromTagged(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(fromTagged);
  const tagged = (value as Record<string, unknown>)[tag];
  if (Array.isArray(tagged)) return untag(tagged as [string, ...unknown[]]);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, fromTagged(part)]));
}

function untag([type, ...parts]: [string, ...unknown[]]): unknown {
  switch (type) {
    case "undefined":
      return undefined;
    case "number":
      return Number(parts[0]);
    case "bigint":
      return BigInt(parts[0] as string);
    case "date":
      return new Date((parts[0] as number | null) ?? Number.NaN); // an invalid date was written as null
    case "map":
      return new Map(
        (parts as [unknown, unknown][]).map(([key, part]) => [fromTagged(key), fromTagged(part)]),
      );
    case "set":
      return new Set(parts.map(fromTagged));
    case "bytes":
      return new Uint8Array(Buffer.from(parts[0] as string, "base64"));
    case "error": {
      const error = new Error(parts[1] as string);
      error.name = parts[0] as string;
      return error;
    }
    case "object":
      return Object.fromEntries(
        (parts as [string, unknown][]).map(([key, part]) => [key, fromTagged(part)]),
      );
    default:
      throw new CanopyError(
        "invalid",
        `Cannot read a value of type '${type}' as this version does not know it`,
      );
  }
}
