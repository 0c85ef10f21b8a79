import type { BucketRecord, BucketSpec } from "#/model/bucket.ts";
import type { Answer, AwsContext, AwsOperation } from "../../call.ts";
import { askOf } from "./asking.ts";
import { checkExpectedOwner } from "./expected-owner.ts";
import { actionOf } from "./actions.ts";

/** A call about one bucket, which is there and may be called so. */
export interface BucketCall {
  bucket: BucketRecord;
  context: AwsContext;
  /** Gives the bucket another spec; durable when it resolves. */
  change(change: (spec: BucketSpec) => BucketSpec): Promise<BucketRecord>;
}

/** An operation on a bucket: finds it, asks by the operation's action, and then `run`s. */
export function onBucket<
  Input extends { Bucket: string | undefined; ExpectedBucketOwner?: string | undefined },
  Output extends object,
>(
  run: (input: Input, call: BucketCall) => Promise<Answer<Output>> | Answer<Output>,
): AwsOperation<Input, Output> {
  const bucketOf = ({ Bucket = "" }: Input, { parts }: AwsContext) => parts.buckets.get(Bucket);
  return {
    asks(input, context) {
      const bucket = bucketOf(input, context);
      checkExpectedOwner(input.ExpectedBucketOwner, bucket);
      return askOf({ bucket, action: actionOf(context.operation) }, context);
    },
    run(input, context) {
      const bucket = bucketOf(input, context);
      const change: BucketCall["change"] = (one) => context.parts.buckets.change(bucket, one);
      return run(input, { bucket, context, change });
    },
  };
}
