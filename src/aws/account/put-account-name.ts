import type {
  PutAccountNameCommandInput,
  PutAccountNameCommandOutput,
} from "@aws-sdk/client-account";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsOperation } from "../call.ts";
import { askOfAccount } from "./own-account.ts";

export const putAccountName: AwsOperation<PutAccountNameCommandInput, PutAccountNameCommandOutput> =
  {
    asks: ({ AccountId }, context) => askOfAccount("PutAccountName", AccountId, context),
    run({ AccountName = "" }, { parts, caller }) {
      if (!/^[ -;=?-~]{1,50}$/.test(AccountName))
        throw new AwsError(
          "ValidationException",
          400,
          "AccountName must have 1 to 50 printable characters without < and >",
        );
      parts.space.commit((tx) => {
        const project = tx.get("project", caller.project)!;
        tx.put<"project">({ ...project, spec: { ...project.spec, title: AccountName } });
      });
      return {};
    },
  };
