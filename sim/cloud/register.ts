import { z } from "zod";
import { defineCall, type AnyDefinition } from "#/api/call.ts";
import { CanopyError } from "#/base/errors.ts";

const params = z.object({ name: z.string() });

const read = defineCall({
  summary: "Read a record",
  tag: "simulation",
  role: "root",
  isForAny: true,
  params,
  answer: z.string().nullable(),
  async run({ parts, params: { name } }) {
    return parts.space.get("project", name)?.spec.title ?? null;
  },
});

const swap = defineCall({
  summary: "Put a value in the place of another",
  tag: "simulation",
  role: "root",
  params,
  body: z.object({ expected: z.string().optional(), value: z.string() }),
  answer: z.string(),
  async run({ parts: { space }, params: { name }, body: { expected, value } }) {
    const { durable } = space.commit((tx) => {
      const title = tx.get("project", name)?.spec.title;
      if (title !== expected)
        throw new CanopyError("conflict", `Cannot swap as the value is ${title}`);
      const spec = { title: value, weight: 1, createdAt: 0 };
      tx.put<"project">({ kind: "project", project: name, name, spec, status: {} });
    });
    await durable;
    return value;
  },
});

/** Records that clients read and swap: titles of projects. */
export const registerRoutes: Record<string, AnyDefinition> = {
  "GET /sim/registers/:name": read,
  "POST /sim/registers/:name": swap,
};
