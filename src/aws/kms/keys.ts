import type {
  CancelKeyDeletionCommandInput,
  CancelKeyDeletionCommandOutput,
  DescribeKeyCommandInput,
  DescribeKeyCommandOutput,
  ListKeysCommandInput,
  ListKeysCommandOutput,
  ScheduleKeyDeletionCommandInput,
  ScheduleKeyDeletionCommandOutput,
  UpdateKeyDescriptionCommandInput,
} from "@aws-sdk/client-kms";
import { AwsError } from "#/model/aws-error.ts";
import { kmsKeyArn } from "#/model/kms.ts";
import type { AwsOperation } from "../call.ts";
import {
  changingKey,
  checkedDescription,
  keyView,
  readingKey,
  requireStaying,
  type OnKey,
} from "./key-in.ts";
import { pageOf } from "./paging.ts";

const dayMs = 24 * 3_600_000;

export const describeKey: AwsOperation<DescribeKeyCommandInput, DescribeKeyCommandOutput> =
  readingKey((record, _input: DescribeKeyCommandInput, context) => ({
    KeyMetadata: keyView(record, context),
    $metadata: {},
  }));

export const listKeys: AwsOperation<ListKeysCommandInput, ListKeysCommandOutput> = {
  asks: () => ({ action: "kms:ListKeys", resource: "*" }),
  run(input, { parts, caller }) {
    const all = [...parts.space.list("kms-key", caller.project)].filter(
      (one) => !parts.kms.isGone(one),
    );
    const { items, ...page } = pageOf(all, ({ spec }) => spec.id, input);
    return {
      Keys: items.map(({ spec }) => ({ KeyId: spec.id, KeyArn: kmsKeyArn(spec, parts.region) })),
      ...page,
    };
  },
};

const enabling = (isEnabled: boolean) =>
  changingKey<OnKey>((record, _input, context) => {
    requireStaying(record, context);
    return { ...record, spec: { ...record.spec, isEnabled } };
  });
export const enableKey = enabling(true);
export const disableKey = enabling(false);

export const updateKeyDescription = changingKey<UpdateKeyDescriptionCommandInput>(
  (record, { Description }, context) => {
    requireStaying(record, context);
    return { ...record, spec: { ...record.spec, description: checkedDescription(Description) } };
  },
);

export const scheduleKeyDeletion = changingKey<
  ScheduleKeyDeletionCommandInput,
  ScheduleKeyDeletionCommandOutput
>(
  (record, { PendingWindowInDays = 30 }, context) => {
    requireStaying(record, context);
    if (PendingWindowInDays < 7 || PendingWindowInDays > 30)
      throw new AwsError(
        "ValidationException",
        400,
        `PendingWindowInDays must be 7 to 30: current value is ${PendingWindowInDays}`,
      );
    const deletionAt = context.parts.clock.now() + PendingWindowInDays * dayMs;
    return { ...record, spec: { ...record.spec, deletionAt } };
  },
  ({ spec }, { PendingWindowInDays = 30 }, { parts }) => ({
    KeyId: kmsKeyArn(spec, parts.region),
    DeletionDate: new Date(spec.deletionAt!),
    KeyState: "PendingDeletion" as const,
    PendingWindowInDays,
    $metadata: {},
  }),
);

/** The key stays, disabled. */
export const cancelKeyDeletion = changingKey<
  CancelKeyDeletionCommandInput,
  CancelKeyDeletionCommandOutput
>(
  (record, _input, { parts }) => {
    const { deletionAt, ...spec } = record.spec;
    if (deletionAt === undefined)
      throw new AwsError(
        "KMSInvalidStateException",
        400,
        `${kmsKeyArn(record.spec, parts.region)} is not pending deletion.`,
      );
    return { ...record, spec: { ...spec, isEnabled: false } };
  },
  ({ spec }, _input, { parts }) => ({ KeyId: kmsKeyArn(spec, parts.region), $metadata: {} }),
);
