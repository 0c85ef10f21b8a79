import { z } from "zod";
import { limits } from "#/base/limits.ts";
import { blobKey } from "#/model/job-request.ts";

/** Parts of paths and queries that many calls share. */
const word = z.string().min(1).max(100);
const number = z.coerce.number().int().min(0);

export const jobParams = z.object({ job: word });
export const stepParams = jobParams.extend({ step: number });
export const taskParams = stepParams.extend({ index: number });
export const instanceParams = z.object({ instance: word });
export const instanceTypeParams = z.object({ type: word });
export const keyPairParams = z.object({ keyPair: z.string().min(1).max(255) });
export const savingParams = z.object({ saving: word });
export const volumeParams = z.object({ volume: word });
export const snapshotParams = z.object({ snapshot: word });
export const machineParams = z.object({ machine: word });
export const projectParams = z.object({ name: word });
export const gameDayParams = z.object({ gameDay: word });
/** A site's name is the name of a folder, too. */
export const siteParams = z.object({
  site: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, "must be of a-z, 0-9 and -, 40 at most"),
});
export const orderParams = z.object({ order: word });
export const carbonZoneParams = z.object({
  zone: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$/,
      "must be of letters, digits, _ . and -, 40 at most",
    ),
});
export const planParams = z.object({ plan: word });
export const bucketParams = z.object({ bucket: word });
export const notificationParams = bucketParams.extend({ notification: z.string().min(1).max(255) });
export const webhookParams = z.object({ webhook: word });
export const eventSubscriptionParams = z.object({ subscription: word });
export const imageParams = z.object({ image: word });
export const keyParams = z.object({ key: word });
export const blobParams = z.object({ key: blobKey });

/** Root and agents choose the project by it; others may name their own. */
export const inProject = z.object({ project: word.optional() });

/** A page of a list: how many, and from where on. */
export const pageQuery = inProject.extend({
  limit: z.coerce.number().int().min(1).max(limits.pageMax).default(limits.pageDefault),
  cursor: z.string().max(200).optional(),
});

/** "true" and "false", as queries write them. */
export const flag = z
  .enum(["true", "false"])
  .default("false")
  .transform((text) => text === "true");
