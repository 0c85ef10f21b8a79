import type {
  ListVersionsByFunctionCommandInput,
  ListVersionsByFunctionCommandOutput,
} from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { askOfFunction, latest, latestOf, wholeFunctionIn } from "./function-in.ts";
import { listed } from "./listed.ts";
import { configurationView } from "./view.ts";

export const listVersionsByFunction: AwsOperation<
  ListVersionsByFunctionCommandInput,
  ListVersionsByFunctionCommandOutput
> = {
  asks: (input, context) => askOfFunction("ListVersionsByFunction", input, context),
  run(input, context) {
    const found = wholeFunctionIn(input, context);
    const published = context.parts.functions.versionsOf(found).map(({ spec }) => spec);
    const { items, NextMarker } = listed([latestOf(found), ...published], {
      ...input,
      nameOf: ({ version }) => versionOrder(version),
    });
    return {
      Versions: items.map((one) => configurationView(found, one, one.version, context)),
      ...(NextMarker !== undefined && { NextMarker }),
    };
  },
};

/** "$LATEST" comes first, then by number. */
export const versionOrder = (version: string) =>
  version === latest ? "" : version.padStart(9, "0");
