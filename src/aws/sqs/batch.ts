import type { BatchResultErrorEntry } from "@aws-sdk/client-sqs";
import { limits } from "#/base/limits.ts";
import { CanopyError } from "#/base/errors.ts";
import { AwsError } from "#/model/aws-error.ts";
import { invalid } from "./messages.ts";

/** Does the same to each entry; what fails is told of that entry alone. Throws what is wrong with the batch as such. */
export function eachOf<Entry extends { Id?: string | undefined }, Done>(
  entries: readonly Entry[],
  action: (entry: Entry, id: string) => Done,
): { Successful: Done[]; Failed: BatchResultErrorEntry[] } {
  checkBatch(entries);
  const Successful: Done[] = [];
  const Failed: BatchResultErrorEntry[] = [];
  for (const entry of entries) {
    try {
      Successful.push(action(entry, entry.Id!));
    } catch (thrown) {
      if (!(thrown instanceof CanopyError)) throw thrown;
      const Code = thrown instanceof AwsError ? thrown.awsCode : "InternalError";
      Failed.push({ Id: entry.Id!, Code, Message: thrown.message, SenderFault: true });
    }
  }
  return { Successful, Failed };
}

function checkBatch(entries: readonly { Id?: string | undefined }[]): void {
  if (entries.length === 0)
    throw invalid(
      "EmptyBatchRequest",
      "There should be at least one SendMessageBatchRequestEntry in the request.",
    );
  if (entries.length > limits.queueBatchMax)
    throw invalid(
      "TooManyEntriesInBatchRequest",
      `Maximum number of entries per request are ${limits.queueBatchMax}. You have sent ${entries.length}.`,
    );
  for (const { Id } of entries)
    if (Id === undefined || !/^[\w-]{1,80}$/.test(Id))
      throw invalid(
        "InvalidBatchEntryId",
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
      );
  const ids = entries.map(({ Id }) => Id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw invalid("BatchEntryIdsNotDistinct", `Id ${twice} repeated.`);
}
