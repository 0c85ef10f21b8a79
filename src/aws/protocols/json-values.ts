import { limits } from "#/base/limits.ts";
import { Unreadable, bytesOfBase64, timeOf, timeText } from "../schema/scalars.ts";
import type { Shape } from "../schema/shape.ts";

/** What a value parsed from JSON says by a shape. Throws Unreadable. Members that no schema knows are passed over, as AWS does. */
export function readJson(shape: Shape, value: unknown, depth = 0): unknown {
  if (depth > limits.jsonDepthMax) throw new Unreadable("it is nested too deeply");
  switch (shape.type) {
    case "structure":
    case "union": {
      const object = objectOf(value);
      const read: Record<string, unknown> = {};
      for (const { name, traits, shape: inner } of shape.members) {
        const key = traits.jsonName ?? name;
        const held = Object.hasOwn(object, key) ? object[key] : undefined;
        if (held !== undefined && held !== null) read[name] = readJson(inner, held, depth + 1);
      }
      return read;
    }
    case "list":
      if (!Array.isArray(value)) throw new Unreadable(`a list is expected, not ${typeName(value)}`);
      return value.map((item) =>
        item === null ? null : readJson(shape.value.shape, item, depth + 1),
      );
    case "map":
      return Object.fromEntries(
        Object.entries(objectOf(value))
          .filter(([, held]) => held !== null)
          .map(([key, held]) => [key, readJson(shape.value.shape, held, depth + 1)]),
      );
    case "document":
      return value;
    case "string":
      if (typeof value !== "string")
        throw new Unreadable(`text is expected, not ${typeName(value)}`);
      return value;
    case "boolean":
      if (typeof value !== "boolean")
        throw new Unreadable(`true or false is expected, not ${typeName(value)}`);
      return value;
    case "number":
      if (typeof value !== "number")
        throw new Unreadable(`a number is expected, not ${typeName(value)}`);
      return value;
    case "integer":
      if (!Number.isSafeInteger(value))
        throw new Unreadable(`a whole number is expected, not ${typeName(value)}`);
      return BigInt(value as number);
    case "timestamp":
      if (typeof value !== "number" && typeof value !== "string")
        throw new Unreadable(`a time is expected, not ${typeName(value)}`);
      return timeOf(String(value));
    case "blob":
      if (typeof value !== "string")
        throw new Unreadable(`base64 is expected, not ${typeName(value)}`);
      return bytesOfBase64(value);
    case "unit":
      return undefined;
  }
}

/** The same as JSON will have it. */
export function writeJson(shape: Shape, value: unknown): unknown {
  if (value === undefined || value === null) return value;
  switch (shape.type) {
    case "structure":
    case "union": {
      const written: Record<string, unknown> = {};
      for (const { name, traits, shape: inner } of shape.members) {
        const held = (value as Record<string, unknown>)[name];
        if (held !== undefined && held !== null)
          written[traits.jsonName ?? name] = writeJson(inner, held);
      }
      return written;
    }
    case "list":
      return [...(value as Iterable<unknown>)].map((item) => writeJson(shape.value.shape, item));
    case "map":
      return Object.fromEntries(
        Object.entries(value).map(([key, held]) => [key, writeJson(shape.value.shape, held)]),
      );
    case "timestamp": {
      const format = shape.timeFormat ?? "epoch-seconds";
      const time = value as Date;
      return format === "epoch-seconds" ? time.getTime() / 1000 : timeText(time, format);
    }
    case "blob":
      return Buffer.from(value as Uint8Array).toString("base64");
    case "integer":
      return Number(value);
    default:
      return value;
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Unreadable(`an object is expected, not ${typeName(value)}`);
  return value as Record<string, unknown>;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
