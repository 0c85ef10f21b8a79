import type { ListFunctionsCommandInput, ListFunctionsCommandOutput } from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { latestOf } from "./function-in.ts";
import { listed } from "./listed.ts";
import { versionOrder } from "./list-versions-by-function.ts";
import { configurationView } from "./view.ts";

export const listFunctions: AwsOperation<ListFunctionsCommandInput, ListFunctionsCommandOutput> = {
  asks: () => ({ action: "lambda:ListFunctions", resource: "*" }),
  run({ FunctionVersion, Marker, MaxItems }, context) {
    const { parts, caller } = context;
    const { functions } = parts;
    const all = functions.list(caller.project).flatMap((found) => {
      const newest = latestOf(found);
      if (FunctionVersion !== "ALL") return [{ found, qualified: newest }];
      const versions = functions.versionsOf(found).map(({ spec }) => spec);
      return [newest, ...versions].map((qualified) => ({ found, qualified }));
    });
    const { items, NextMarker } = listed(all, {
      nameOf: ({ found, qualified }) => `${found.spec.title} ${versionOrder(qualified.version)}`,
      Marker,
      MaxItems,
    });
    return {
      Functions: items.map(({ found, qualified }) =>
        configurationView(
          found,
          qualified,
          FunctionVersion === "ALL" ? qualified.version : undefined,
          context,
        ),
      ),
      ...(NextMarker !== undefined && { NextMarker }),
    };
  },
};
