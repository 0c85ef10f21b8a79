import type { ListAliasesCommandInput, ListAliasesCommandOutput } from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { aliasView, requireVersion } from "./aliases.ts";
import { askOfFunction, wholeFunctionIn } from "./function-in.ts";
import { listed } from "./listed.ts";

export const listAliases: AwsOperation<ListAliasesCommandInput, ListAliasesCommandOutput> = {
  asks: (input, context) => askOfFunction("ListAliases", input, context),
  run(input, context) {
    const found = wholeFunctionIn(input, context);
    const { FunctionVersion: version } = input;
    requireVersion(version, found, context);
    const leading = context.parts.functions
      .aliasesOf(found)
      .filter(({ spec }) => version === undefined || spec.version === version);
    const { items, NextMarker } = listed(leading, { ...input, nameOf: ({ spec }) => spec.title });
    return {
      Aliases: items.map((alias) => aliasView(found, alias, context)),
      ...(NextMarker !== undefined && { NextMarker }),
    };
  },
};
