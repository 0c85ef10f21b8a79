import type { GetFunctionCommandInput } from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { notFound } from "./errors.ts";
import { askOfFunction, functionIn, qualifiedIn } from "./function-in.ts";

interface FunctionCodeOutput {
  ContentType: string;
  ContentLength: number;
  Code: AsyncIterable<Uint8Array>;
  $metadata: object;
}

/** What stands at the address that GetFunction gives: no operation of Lambda's, whose code is in a bucket of its own. */
export const getFunctionCode: AwsOperation<GetFunctionCommandInput, FunctionCodeOutput> = {
  asks: (input, context) => askOfFunction("GetFunction", input, context),
  async run(input, context) {
    const { place, found } = functionIn(input, context);
    const { config } = qualifiedIn(place, found, context);
    const code = await context.parts.functions.code(found.project, config.code);
    if (!code) throw notFound(`The code of the function is not there: ${place.arn}`);
    return { ContentType: "application/zip", ContentLength: code.sizeBytes, Code: code.content };
  },
};

const [structureKind, textSchema, numberSchema, blobSchema, operationKind] = [3, 0, 1, 21, 9];
const namespace = "com.canopy.lambda";

/** Its schema, as the SDK writes down those of others. */
export const getFunctionCodeSchema = (input: unknown) => [
  operationKind,
  namespace,
  "GetFunctionCode",
  { http: ["GET", "/2015-03-31/functions/{FunctionName}/code", 200] },
  input,
  [
    structureKind,
    namespace,
    "GetFunctionCodeResponse",
    0,
    ["ContentType", "ContentLength", "Code"],
    [
      [textSchema, { httpHeader: "content-type" }],
      [numberSchema, { httpHeader: "content-length" }],
      [blobSchema, { httpPayload: 1 }],
    ],
  ],
];
