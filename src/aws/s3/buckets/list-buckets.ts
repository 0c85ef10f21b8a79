import type { ListBucketsCommandInput, ListBucketsCommandOutput } from "@aws-sdk/client-s3";
import { limits } from "#/base/limits.ts";
import { canonicalUserIdOf } from "#/model/account.ts";
import type { AwsOperation } from "../../call.ts";
import { openToken, sealToken } from "../objects/pages.ts";
import { invalidArgument } from "./errors.ts";

export const listBuckets: AwsOperation<ListBucketsCommandInput, ListBucketsCommandOutput> = {
  asks: () => ({ action: "s3:ListAllMyBuckets", resource: "*" }),
  run(input, { caller, parts }) {
    const { MaxBuckets: max = limits.bucketsMax, Prefix: prefix, BucketRegion: region } = input;
    if (!Number.isInteger(max) || max < 1 || max > limits.bucketsMax)
      throw invalidArgument(
        `Argument max-buckets must be an integer between 1 and ${limits.bucketsMax}`,
        "max-buckets",
        String(max),
      );
    const after = input.ContinuationToken ? openToken(input.ContinuationToken) : "";
    const found = parts.buckets
      .list(caller.project)
      .filter(
        ({ name, spec }) =>
          name > after &&
          name.startsWith(prefix ?? "") &&
          (region === undefined || spec.region === region),
      );
    const page = found.slice(0, max);
    return {
      Buckets: page.map(({ name, spec }) => ({
        Name: name,
        CreationDate: new Date(spec.createdAt),
        BucketRegion: spec.region,
        BucketArn: `arn:aws:s3:::${name}`,
      })),
      Owner: { ID: canonicalUserIdOf(caller.accountId) },
      Prefix: prefix,
      ContinuationToken: found.length > page.length ? sealToken(page.at(-1)!.name) : undefined,
    };
  },
};
