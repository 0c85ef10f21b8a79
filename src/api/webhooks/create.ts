import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import { madeWebhookView } from "#/model/bucket-views.ts";
import { defineCall } from "../call.ts";
import { once } from "../once.ts";
import { inProject } from "../params.ts";
import { webhookViewOf } from "../views/buckets.ts";

export const createWebhook = defineCall({
  summary: "Make a webhook",
  description:
    "An address that can be told of what happens in buckets and to instances. Its messages are signed, as Standard Webhooks has it, with the secret that is told here.",
  tag: "buckets",
  role: "admin",
  query: inProject,
  body: z.strictObject({ name: z.string().min(1).max(64), url: z.string().min(1).max(2000) }),
  answer: madeWebhookView,
  status: 201,
  errors: ["invalid", "conflict", "limited", "no-space"],
  async run(call) {
    const { parts, project, body } = call;
    const full = await once(
      call,
      (tx) => parts.webhooks.create(tx, { ...body, project }, parts.webhooks.newSecret()).name,
    );
    const record = parts.space.get("webhook", full);
    if (!record)
      throw new CanopyError("not-found", "Cannot tell this webhook again as it was removed since");
    return { ...webhookViewOf(record, parts.space), secret: parts.webhooks.secretOf(record) };
  },
});
