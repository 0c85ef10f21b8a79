import type { AwsCall } from "./aws-call.ts";
import type { Ask, AwsOperation } from "./call.ts";
import type { OperationShapes, ProtocolName } from "./protocols/protocol.ts";
import { protocols } from "./schemas.ts";
import { send } from "./send.ts";
import { settled } from "./settled.ts";

/** Throws what the protocol says to who may not do all that an operation asks for. */
export function authorizeAll(call: AwsCall, asks: Ask | readonly Ask[]): void {
  if (Array.isArray(asks)) for (const ask of asks as readonly Ask[]) call.authorize(ask);
  else call.authorize(asks as Ask);
}

/** An operation whose input was read and allowed, to the end of its answer. */
export async function runOperation(
  call: AwsCall,
  protocol: ProtocolName,
  operation: AwsOperation<object, object>,
  shapes: OperationShapes,
  input: object,
): Promise<void> {
  const { service, requestId, response, request } = call;
  const output = await operation.run(input, call);
  if (response.headersSent) return;
  await settled(call.parts);
  const outgoing = protocols[protocol].write(shapes, output ?? {}, { service, requestId });
  await send(response, outgoing, request.method === "HEAD");
}
