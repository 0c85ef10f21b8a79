import type {
  EnableKeyRotationCommandInput,
  GetKeyRotationStatusCommandInput,
  GetKeyRotationStatusCommandOutput,
  ListKeyRotationsCommandInput,
  ListKeyRotationsCommandOutput,
  RotateKeyOnDemandCommandInput,
  RotateKeyOnDemandCommandOutput,
} from "@aws-sdk/client-kms";
import { AwsError } from "#/model/aws-error.ts";
import { kmsKeyArn } from "#/model/kms.ts";
import type { AwsOperation } from "../call.ts";
import { changingKey, readingKey, requireStaying, type OnKey } from "./key-in.ts";
import { pageOf } from "./paging.ts";

const everyDaysDefault = 365;
const onDemandMax = 25;

export const enableKeyRotation = changingKey<EnableKeyRotationCommandInput>(
  (record, { RotationPeriodInDays: everyDays = everyDaysDefault }, context) => {
    requireStaying(record, context);
    context.parts.kms.requireUsable(record, context.parts.region);
    if (everyDays < 90 || everyDays > 2560)
      throw new AwsError(
        "ValidationException",
        400,
        `RotationPeriodInDays must be 90 to 2560: current value is ${everyDays}`,
      );
    const since = record.spec.rotation?.since ?? context.parts.clock.now();
    return { ...record, spec: { ...record.spec, rotation: { everyDays, since } } };
  },
);

export const disableKeyRotation = changingKey<OnKey>((record, _input, context) => {
  requireStaying(record, context);
  const { rotation: _none, ...spec } = record.spec;
  return { ...record, spec };
});

export const getKeyRotationStatus: AwsOperation<
  GetKeyRotationStatusCommandInput,
  GetKeyRotationStatusCommandOutput
> = readingKey((record, _input: GetKeyRotationStatusCommandInput, { parts }) => {
  const next = parts.kms.nextRotation(record);
  return {
    KeyRotationEnabled: next !== undefined,
    KeyId: kmsKeyArn(record.spec, parts.region),
    ...(next !== undefined && {
      RotationPeriodInDays: record.spec.rotation!.everyDays,
      NextRotationDate: new Date(next),
    }),
    $metadata: {},
  };
});

export const rotateKeyOnDemand = changingKey<
  RotateKeyOnDemandCommandInput,
  RotateKeyOnDemandCommandOutput
>(
  (record, _input, { parts }) => {
    parts.kms.requireUsable(record, parts.region);
    if (record.status.materials.filter((one) => one.isOnDemand).length >= onDemandMax)
      throw new AwsError(
        "LimitExceededException",
        400,
        `A key is rotated on demand ${onDemandMax} times at most`,
      );
    return parts.kms.rotated(record, true);
  },
  ({ spec }, _input, { parts }) => ({ KeyId: kmsKeyArn(spec, parts.region), $metadata: {} }),
);

export const listKeyRotations: AwsOperation<
  ListKeyRotationsCommandInput,
  ListKeyRotationsCommandOutput
> = readingKey(({ spec, status }, input: ListKeyRotationsCommandInput, { parts }) => {
  const made = status.materials
    .slice(1)
    .map((one, at) => ({ one, key: String(at).padStart(6, "0") }));
  const { items, ...page } = pageOf(made, ({ key }) => key, input);
  return {
    Rotations: items.map(({ one }) => ({
      KeyId: kmsKeyArn(spec, parts.region),
      RotationDate: new Date(one.createdAt),
      RotationType: one.isOnDemand ? ("ON_DEMAND" as const) : ("AUTOMATIC" as const),
    })),
    ...page,
    $metadata: {},
  };
});
