import { z } from "zod";

/** What signs requests to the AWS services, without its secret. */
export const accessKeyView = z.object({
  accessKeyId: z.string(),
  project: z.string(),
  title: z.string().optional(),
  /** The user that it acts as; the account of the project when absent. */
  user: z.string().optional(),
  isActive: z.boolean(),
  createdAt: z.iso.datetime(),
});
export type AccessKeyView = z.output<typeof accessKeyView>;

/** The same as it is told when it is made, with where it is used. */
export const madeAccessKeyView = accessKeyView.extend({
  secretAccessKey: z.string(),
  region: z.string(),
  endpoint: z.url(),
});
export type MadeAccessKeyView = z.output<typeof madeAccessKeyView>;
