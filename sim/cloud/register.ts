import { z } from "zod";
import { defineCall, type AnyDefinition } from "#/api/call.ts";
import { CanopyError } from "#/base/errors.ts";

const name = "register";

const read = defineCall({
  summary: "Read a record",
  tag: "simulation",
  role: "root",
  isForAny: true,
  answer: z.string().nullable(),
  async run({ parts }) {
    return parts.space.get("project", name)?.spec.title ?? null;
  },
});

const swap = defineCall({
  summary: "Put a value in the place of another",
  tag: "simulation",
  role: "root",
  body: z.object({ expected: z.string().optional(), value: z.string() }),
  answer: z.string(),
  async run({ parts: { space }, body: { expected, value } }) {
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

/** A record that clients read and swap: the title of a project of its own. */
export const registerRoutes: Record<string, AnyDefinition> = {
  "GET /sim/register": read,
  "POST /sim/register": swap,
};
