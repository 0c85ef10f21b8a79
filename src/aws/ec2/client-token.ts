import { AwsError } from "#/model/aws-error.ts";

/** As EC2 has it, but of launch templates, whose tokens may be longer. */
const charactersMax = 64;

/** The token by which a call is known when it comes again, if it has one. Throws "InvalidParameterValue" for one that is too long or not ASCII. */
export function clientTokenOf(
  { ClientToken }: { ClientToken?: string | undefined },
  max = charactersMax,
): string | undefined {
  if (ClientToken === undefined || (ClientToken.length <= max && isAscii.test(ClientToken)))
    return ClientToken;
  throw new AwsError(
    "InvalidParameterValue",
    400,
    `Value (${ClientToken.slice(0, max)}) for parameter clientToken is invalid. It must have at most ${max} ASCII characters: it has ${ClientToken.length}.`,
  );
}

const isAscii = /^[\x20-\x7e]*$/;
