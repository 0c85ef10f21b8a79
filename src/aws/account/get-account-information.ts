import type {
  GetAccountInformationCommandInput,
  GetAccountInformationCommandOutput,
} from "@aws-sdk/client-account";
import type { AwsOperation } from "../call.ts";
import { askOfAccount } from "./own-account.ts";

/** A project is an account: its title is the account's name. */
export const getAccountInformation: AwsOperation<
  GetAccountInformationCommandInput,
  GetAccountInformationCommandOutput
> = {
  asks: ({ AccountId }, context) => askOfAccount("GetAccountInformation", AccountId, context),
  run(_input, { parts, caller }) {
    const { title, createdAt } = parts.space.get("project", caller.project)!.spec;
    return {
      AccountId: caller.accountId,
      AccountName: title,
      AccountCreatedDate: new Date(createdAt),
      AccountState: "ACTIVE",
    };
  },
};
