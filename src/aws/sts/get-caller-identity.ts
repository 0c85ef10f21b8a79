import type {
  GetCallerIdentityCommandInput,
  GetCallerIdentityCommandOutput,
} from "@aws-sdk/client-sts";
import type { AwsOperation } from "../call.ts";

/** Everyone may ask who they are, whatever their policies say. */
export const getCallerIdentity: AwsOperation<
  GetCallerIdentityCommandInput,
  GetCallerIdentityCommandOutput
> = {
  asks: () => [],
  run: (_input, { caller }) => ({
    UserId: caller.userId,
    Account: caller.accountId,
    Arn: caller.arn,
  }),
};
