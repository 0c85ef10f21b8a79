import { AwsError } from "#/model/aws-error.ts";

/** What is given with a message, to delete it by: which message, and which receiving of it. */
export function handleOf(id: string, receive: number): string {
  return Buffer.from(`${id} ${receive}`).toString("base64");
}

/** Throws "ReceiptHandleIsInvalid". */
export function messageOfHandle(handle: string): { id: string; receive: number } {
  const found = /^([0-9a-f-]{36}) (\d{1,15})$/.exec(
    Buffer.from(handle, "base64").toString("latin1"),
  );
  if (!found)
    throw new AwsError(
      "ReceiptHandleIsInvalid",
      400,
      `The input receipt handle "${handle.slice(0, 100)}" is not a valid receipt handle.`,
    );
  return { id: found[1]!, receive: Number(found[2]) };
}
