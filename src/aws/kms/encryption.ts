import type {
  DecryptCommandInput,
  DecryptCommandOutput,
  EncryptCommandInput,
  EncryptCommandOutput,
  GenerateDataKeyCommandInput,
  GenerateDataKeyCommandOutput,
  GenerateDataKeyWithoutPlaintextCommandInput,
  GenerateDataKeyWithoutPlaintextCommandOutput,
  GenerateRandomCommandInput,
  GenerateRandomCommandOutput,
  ReEncryptCommandInput,
  ReEncryptCommandOutput,
} from "@aws-sdk/client-kms";
import { AwsError } from "#/model/aws-error.ts";
import { kmsKeyArn, type KmsKeyRecord } from "#/model/kms.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { contextConditions } from "./context-conditions.ts";
import { askOfKey, keyIn, notAmong } from "./key-in.ts";

const plainBytesMax = 4096;
const randomBytesMax = 1024;
const algorithm = "SYMMETRIC_DEFAULT" as const;

type Context = Record<string, string> | undefined;

/** What one could have done, had it not been asked as a trial; keys here know one algorithm. */
interface Use {
  DryRun?: boolean | undefined;
  algorithms?: readonly (string | undefined)[];
}

/** Throws "InvalidKeyUsageException" and, for a trial of what would go well, "DryRunOperationException". */
function requireMeant({ DryRun, algorithms = [] }: Use): void {
  for (const one of algorithms)
    if (one !== undefined && one !== algorithm)
      throw new AwsError(
        "InvalidKeyUsageException",
        400,
        `Keys of KeySpec SYMMETRIC_DEFAULT know EncryptionAlgorithm ${algorithm} only: asked for was ${one}`,
      );
  if (DryRun)
    throw new AwsError(
      "DryRunOperationException",
      400,
      "The request would have succeeded, but the DryRun option is set.",
    );
}

const askToUse = (
  record: KmsKeyRecord,
  context: AwsContext,
  encryptionContext: Context,
  action?: string,
) =>
  askOfKey(record, context, {
    conditions: {
      "kms:EncryptionAlgorithm": algorithm,
      ...contextConditions(encryptionContext ?? {}),
    },
    ...(action !== undefined && { action }),
  });

export const encrypt: AwsOperation<EncryptCommandInput, EncryptCommandOutput> = {
  asks: (input, context) => askToUse(keyIn(input, context), context, input.EncryptionContext),
  async run(input, context) {
    const { kms, region } = context.parts;
    const { Plaintext: plain = new Uint8Array(), EncryptionContext = {} } = input;
    if (plain.length < 1 || plain.length > plainBytesMax)
      throw new AwsError(
        "ValidationException",
        400,
        `1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length between 1 and ${plainBytesMax}`,
      );
    const record = keyIn(input, context);
    kms.requireUsable(record, region);
    requireMeant({ DryRun: input.DryRun, algorithms: [input.EncryptionAlgorithm] });
    return {
      CiphertextBlob: await kms.encrypt(record, plain, EncryptionContext),
      KeyId: kmsKeyArn(record.spec, region),
      EncryptionAlgorithm: algorithm,
    };
  },
};

export const decrypt: AwsOperation<DecryptCommandInput, DecryptCommandOutput> = {
  asks: (input, context) =>
    askToUse(keyFor(input.CiphertextBlob, input.KeyId, context), context, input.EncryptionContext),
  run(input, context) {
    const { kms, region } = context.parts;
    const { CiphertextBlob: blob = new Uint8Array(), EncryptionContext = {} } = input;
    const record = keyFor(blob, input.KeyId, context);
    kms.requireUsable(record, region);
    const plain = kms.decrypt(record, blob, EncryptionContext);
    requireMeant({ DryRun: input.DryRun, algorithms: [input.EncryptionAlgorithm] });
    return {
      Plaintext: plain,
      KeyId: kmsKeyArn(record.spec, region),
      EncryptionAlgorithm: algorithm,
    };
  },
};

/** The plain text is seen by nobody on the way. */
export const reEncrypt: AwsOperation<ReEncryptCommandInput, ReEncryptCommandOutput> = {
  asks: (input, context) => [
    askToUse(
      keyFor(input.CiphertextBlob, input.SourceKeyId, context),
      context,
      input.SourceEncryptionContext,
      "kms:ReEncryptFrom",
    ),
    askToUse(
      keyIn({ KeyId: input.DestinationKeyId }, context),
      context,
      input.DestinationEncryptionContext,
      "kms:ReEncryptTo",
    ),
  ],
  async run(input, context) {
    const { kms, region } = context.parts;
    const blob = input.CiphertextBlob ?? new Uint8Array();
    const source = keyFor(blob, input.SourceKeyId, context);
    const destination = keyIn({ KeyId: input.DestinationKeyId }, context);
    kms.requireUsable(source, region);
    kms.requireUsable(destination, region);
    const plain = kms.decrypt(source, blob, input.SourceEncryptionContext ?? {});
    const { DestinationEncryptionContext = {}, DryRun } = input;
    requireMeant({
      DryRun,
      algorithms: [input.SourceEncryptionAlgorithm, input.DestinationEncryptionAlgorithm],
    });
    return {
      CiphertextBlob: await kms.encrypt(destination, plain, DestinationEncryptionContext),
      SourceKeyId: kmsKeyArn(source.spec, region),
      KeyId: kmsKeyArn(destination.spec, region),
      SourceEncryptionAlgorithm: algorithm,
      DestinationEncryptionAlgorithm: algorithm,
    };
  },
};

export const generateDataKey: AwsOperation<
  GenerateDataKeyCommandInput,
  GenerateDataKeyCommandOutput
> = {
  asks: (input, context) => askToUse(keyIn(input, context), context, input.EncryptionContext),
  run: (input, context) => dataKey(input, context),
};

export const generateDataKeyWithoutPlaintext: AwsOperation<
  GenerateDataKeyWithoutPlaintextCommandInput,
  GenerateDataKeyWithoutPlaintextCommandOutput
> = {
  asks: (input, context) => askToUse(keyIn(input, context), context, input.EncryptionContext),
  async run(input, context) {
    const { Plaintext: _unseen, ...answer } = await dataKey(input, context);
    return answer;
  },
};

export const generateRandom: AwsOperation<GenerateRandomCommandInput, GenerateRandomCommandOutput> =
  {
    asks: () => ({ action: "kms:GenerateRandom", resource: "*" }),
    run: ({ NumberOfBytes = 0 }, { parts }) => ({
      Plaintext: parts.random.bytes(checkedBytes(NumberOfBytes)),
    }),
  };

async function dataKey(input: GenerateDataKeyCommandInput, context: AwsContext) {
  const { kms, region, random } = context.parts;
  const { KeySpec, NumberOfBytes, EncryptionContext = {} } = input;
  if ((KeySpec === undefined) === (NumberOfBytes === undefined))
    throw new AwsError(
      "ValidationException",
      400,
      "Please specify either number of bytes or key spec.",
    );
  const count = KeySpec === undefined ? checkedBytes(NumberOfBytes!) : bytesOfSpec(KeySpec);
  const record = keyIn(input, context);
  kms.requireUsable(record, region);
  requireMeant(input);
  const plain = random.bytes(count);
  return {
    CiphertextBlob: await kms.encrypt(record, plain, EncryptionContext),
    Plaintext: plain,
    KeyId: kmsKeyArn(record.spec, region),
  };
}

function bytesOfSpec(spec: string): number {
  if (spec === "AES_256") return 32;
  if (spec === "AES_128") return 16;
  throw notAmong("keySpec", spec, ["AES_256", "AES_128"]);
}

function checkedBytes(count: number): number {
  if (Number.isInteger(count) && count >= 1 && count <= randomBytesMax) return count;
  throw new AwsError(
    "ValidationException",
    400,
    `NumberOfBytes must be 1 to ${randomBytesMax}: current value is ${count}`,
  );
}

/** The key of a cipher text, which must be the one that is named, where one is. */
function keyFor(
  blob: Uint8Array | undefined,
  named: string | undefined,
  context: AwsContext,
): KmsKeyRecord {
  const record = context.parts.kms.keyOf(blob ?? new Uint8Array());
  if (named === undefined || keyIn({ KeyId: named }, context).name === record.name) return record;
  throw new AwsError(
    "IncorrectKeyException",
    400,
    "The key ID in the request does not identify a CMK that can perform this operation.",
  );
}
