import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import { placeOf } from "#/buckets/places.ts";
import { accountIdOf } from "#/model/account.ts";
import { region } from "#/model/region.ts";
import { webhookArn } from "#/model/webhook.ts";
import type { DoorParts } from "../parts.ts";

const name = z.string().min(1).max(80).optional();

/** By what a call names a place that is to be told: one of them. */
export const placeAsked = { webhook: name, queue: name };

/** The ARN of a project's place. Throws "invalid" unless one is named, and "not-found" where it is not there. */
export function placeToTell(
  { space, places }: Pick<DoorParts, "space" | "places">,
  project: string,
  { webhook, queue }: { webhook?: string; queue?: string },
): string {
  if ((webhook === undefined) === (queue === undefined))
    throw new CanopyError(
      "invalid",
      "Cannot tell anybody as one webhook or one queue must be named",
      { hint: "canopy webhook list" },
    );
  const accountId = accountIdOf(space.get("project", project)!);
  const arn =
    webhook === undefined
      ? `arn:aws:sqs:${region}:${accountId}:${queue}`
      : webhookArn(region, accountId, webhook);
  if (placeOf(places, arn)?.isThere(arn, project)) return arn;
  throw new CanopyError("not-found", `Cannot tell '${arn}' as there is no such place`, {
    hint: "canopy webhook list",
  });
}
