import type { InvokeCommandInput, InvokeCommandOutput } from "@aws-sdk/client-lambda";
import { limits } from "#/base/limits.ts";
import { uuid } from "#/base/uuid.ts";
import { targetOf } from "#/functions/target.ts";
import type { AwsOperation } from "../call.ts";
import { lambdaError } from "./errors.ts";
import { askOfFunction, functionIn, noFunction } from "./function-in.ts";

/** Runs a function and answers with what it gave; an event is taken, and run on later. */
export const invoke: AwsOperation<InvokeCommandInput, InvokeCommandOutput> = {
  asks: (input, context) => askOfFunction("InvokeFunction", input, context),
  async run(input, context) {
    const { parts } = context;
    const { place, found } = functionIn(input, context);
    const target = targetOf(parts, found, place.qualifier);
    if (!target) throw noFunction(place);
    const { InvocationType = "RequestResponse", ClientContext: clientContext } = input;
    const payload = payloadOf(input.Payload as Uint8Array | undefined);
    if (InvocationType === "DryRun") return { StatusCode: 204 };
    const requestId = uuid(parts.random);
    context.response.setHeader("x-amzn-requestid", requestId);
    if (InvocationType === "Event") {
      const { qualifier } = place;
      parts.functionEvents.accept(found, {
        id: requestId,
        at: parts.clock.now(),
        payload,
        ...(qualifier !== undefined && { qualifier }),
        ...(clientContext !== undefined && { clientContext }),
      });
      return { StatusCode: 202 };
    }
    const wantsTail = input.LogType === "Tail";
    const asked = { requestId, payload, clientContext, wantsTail };
    const answer = await parts.invoker.invoke(target, asked);
    return {
      StatusCode: 200,
      ExecutedVersion: target.version,
      ...(answer.error !== undefined && { FunctionError: answer.error }),
      ...(answer.tail !== undefined && { LogResult: Buffer.from(answer.tail).toString("base64") }),
      Payload: Buffer.from(answer.payload) as never,
    };
  },
};

/** What a handler is given; without any, an empty object. Throws "InvalidRequestContentException", "RequestTooLargeException". */
function payloadOf(payload: Uint8Array | undefined): string {
  if (!payload || payload.length === 0) return "{}";
  if (payload.length > limits.functionPayloadBytesMax)
    throw lambdaError(
      "RequestTooLargeException",
      413,
      `Request must be smaller than ${limits.functionPayloadBytesMax} bytes for the InvokeFunction operation`,
    );
  const text = Buffer.from(payload).toString();
  try {
    JSON.parse(text);
  } catch (thrown) {
    throw lambdaError(
      "InvalidRequestContentException",
      400,
      `Could not parse request body into json: ${thrown instanceof Error ? thrown.message : ""}`,
    );
  }
  return text;
}
