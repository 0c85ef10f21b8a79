import type {
  CreateKeyPairCommandInput,
  CreateKeyPairCommandOutput,
  DeleteKeyPairCommandInput,
  DeleteKeyPairCommandOutput,
  DescribeKeyPairsCommandInput,
  DescribeKeyPairsCommandOutput,
  ImportKeyPairCommandInput,
  ImportKeyPairCommandOutput,
  KeyPairInfo,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { KeyPairRecord } from "#/model/virtual-network.ts";
import type { Ask, AwsContext, AwsOperation } from "../call.ts";
import { askOfAll, askToMake } from "./asks.ts";
import { tagFacts } from "./filters.ts";
import { listed } from "./listing.ts";
import { ownAll } from "./own.ts";
import { tagList, tagsFor } from "./tag-list.ts";

/** The private half is in the answer, and nowhere else. */
export const createKeyPair: AwsOperation<CreateKeyPairCommandInput, CreateKeyPairCommandOutput> = {
  asks: ({ TagSpecifications }, context) =>
    askToMake("CreateKeyPair", "key-pair", context, TagSpecifications),
  async run({ KeyName = "", KeyType = "rsa", KeyFormat = "pem", TagSpecifications }, context) {
    if (KeyFormat !== "pem")
      throw new AwsError("UnsupportedOperation", 400, "Keys are in the format 'pem' here.");
    if (KeyType !== "rsa" && KeyType !== "ed25519")
      throw new AwsError("InvalidParameterValue", 400, "KeyType must be 'rsa' or 'ed25519'.");
    const { record, privateKey } = await context.parts.networks.keys.create(
      context.caller.project,
      { title: KeyName, type: KeyType, tags: tagsFor("key-pair", TagSpecifications) },
    );
    const { id, title, fingerprint, tags } = record.spec;
    return {
      KeyPairId: id,
      KeyName: title,
      KeyFingerprint: fingerprint,
      KeyMaterial: privateKey,
      Tags: tagList(tags),
    };
  },
};

export const importKeyPair: AwsOperation<ImportKeyPairCommandInput, ImportKeyPairCommandOutput> = {
  asks: ({ TagSpecifications }, context) =>
    askToMake("ImportKeyPair", "key-pair", context, TagSpecifications),
  run({ KeyName = "", PublicKeyMaterial, TagSpecifications }, context) {
    const { spec } = context.parts.networks.keys.add(context.caller.project, {
      title: KeyName,
      publicKey: Buffer.from(PublicKeyMaterial ?? []).toString(),
      tags: tagsFor("key-pair", TagSpecifications),
    });
    const { id, title, fingerprint, tags } = spec;
    return { KeyPairId: id, KeyName: title, KeyFingerprint: fingerprint, Tags: tagList(tags) };
  },
};

/** One that is not there is deleted already, as AWS has it. */
export const deleteKeyPair: AwsOperation<DeleteKeyPairCommandInput, DeleteKeyPairCommandOutput> = {
  asks({ KeyName, KeyPairId }, { parts, caller }): Ask {
    const named = KeyName ?? KeyPairId ?? "*";
    return {
      action: "ec2:DeleteKeyPair",
      resource: `arn:aws:ec2:${parts.region}:${caller.accountId}:key-pair/${named}`,
    };
  },
  run({ KeyName, KeyPairId }, context) {
    if (KeyName === undefined && KeyPairId === undefined)
      throw new AwsError("MissingParameter", 400, "The request must contain the parameter KeyName");
    const found = ownAll("key-pair", context).find(({ spec }) =>
      KeyPairId === undefined ? spec.title === KeyName : spec.id === KeyPairId,
    );
    if (found) context.parts.networks.keys.delete(found);
    return { Return: true, ...(found && { KeyPairId: found.spec.id }) };
  },
};

export const describeKeyPairs: AwsOperation<
  DescribeKeyPairsCommandInput,
  DescribeKeyPairsCommandOutput
> = {
  asks: () => askOfAll("DescribeKeyPairs"),
  run({ KeyNames = [], KeyPairIds = [], Filters, IncludePublicKey = false }, context) {
    const asked = [...KeyNames.map((title) => ({ title })), ...KeyPairIds.map((id) => ({ id }))];
    const { items } = listed(
      { Filters },
      {
        all: () =>
          asked.length > 0 ? asked.map((one) => find(one, context)) : ownAll("key-pair", context),
        find: () => [],
        facts: {
          "key-name": ({ spec }) => spec.title,
          "key-pair-id": ({ spec }) => spec.id,
          fingerprint: ({ spec }) => spec.fingerprint,
          ...tagFacts<KeyPairRecord>(),
        },
        pageMax: Infinity,
      },
    );
    return { KeyPairs: items.map((record) => keyPairView(record, IncludePublicKey)) };
  },
};

function find(asked: { title: string } | { id: string }, { parts, caller }: AwsContext) {
  return parts.networks.keys.find(caller.project, asked);
}

function keyPairView({ spec }: KeyPairRecord, withPublicKey: boolean): KeyPairInfo {
  return {
    KeyPairId: spec.id,
    KeyName: spec.title,
    KeyType: spec.type,
    KeyFingerprint: spec.fingerprint,
    CreateTime: new Date(spec.createdAt),
    ...(withPublicKey && { PublicKey: spec.publicKey }),
    Tags: tagList(spec.tags),
  };
}
