import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import { instanceStates, instanceView } from "#/model/instance-views.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import { instanceViewMeans, instanceViewOf } from "../views/instances.ts";

const word = z.string().min(1).max(400);

export const listInstances = defineCall({
  summary: "List instances",
  description:
    "In the order in which they were launched; those of some states, a type, an image, a machine or a tag when asked. What is terminated is told of for an hour.",
  tag: "instances",
  role: "viewer",
  query: pageQuery.extend({
    /** "running", or several with commas. */
    state: z
      .string()
      .max(100)
      .transform((text) => text.split(","))
      .pipe(z.array(z.enum(instanceStates)))
      .optional(),
    type: word.optional(),
    image: word.optional(),
    machine: word.optional(),
    /** "NAME" for those that have it, "NAME=VALUE" for those where it is that. */
    tag: word.optional(),
  }),
  answer: pageOf(instanceView),
  run({ parts, project, query }) {
    const { limit, cursor } = query;
    const after = cursor === undefined ? -1 : serialOf(cursor);
    const found = parts.instances
      .list(project)
      .filter((record) => record.serial > after && isAsked(record, query))
      .sort((a, b) => a.serial - b.serial);
    const items = found.slice(0, limit);
    const means = instanceViewMeans(parts);
    const views = items.map((record) => instanceViewOf(record, means));
    return found.length > limit
      ? { items: views, next: String(items.at(-1)!.serial) }
      : { items: views };
  },
});

interface Asked {
  state?: readonly string[] | undefined;
  type?: string | undefined;
  image?: string | undefined;
  machine?: string | undefined;
  tag?: string | undefined;
}

function isAsked({ spec, status }: InstanceRecord, asked: Asked): boolean {
  const { state, type, image, machine, tag } = asked;
  return (
    (state === undefined || state.includes(status.state)) &&
    (type === undefined || spec.type === type) &&
    (image === undefined || spec.image === image) &&
    (machine === undefined || status.machine === machine) &&
    (tag === undefined || hasTag(spec.tags, tag))
  );
}

/** "NAME" or "NAME=VALUE". */
export function hasTag(tags: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf("=");
  if (equals < 0) return tags[wanted] !== undefined;
  return tags[wanted.slice(0, equals)] === wanted.slice(equals + 1);
}

/** Throws "invalid" for a cursor that no page gave. */
export function serialOf(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new CanopyError("invalid", "Cannot read on from this cursor as it must be one of a page");
}
