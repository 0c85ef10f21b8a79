import type {
  GetAccessKeyInfoCommandInput,
  GetAccessKeyInfoCommandOutput,
} from "@aws-sdk/client-sts";
import type { AwsOperation } from "../call.ts";
import { validationError } from "./session-input.ts";

/** The account of a key that somebody has found. */
export const getAccessKeyInfo: AwsOperation<
  GetAccessKeyInfoCommandInput,
  GetAccessKeyInfoCommandOutput
> = {
  asks: () => [],
  run({ AccessKeyId = "" }, { parts }) {
    const record = parts.space.get("access-key", AccessKeyId);
    if (!record) throw validationError(`Invalid access key id: ${AccessKeyId}`);
    return { Account: parts.identities.accountIdOf(record.project) };
  },
};
