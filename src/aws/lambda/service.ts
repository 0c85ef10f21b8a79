import { limits } from "#/base/limits.ts";
import type { Service } from "../service.ts";
import type { Target } from "../target.ts";

/** Functions. */
export const lambda: Service = {
  name: "lambda",
  version: "2015-03-31",
  xmlNamespace: "",
  protocols: ["restJson"],
  documentBytesMax: (target) =>
    bringsCode(target) ? limits.functionRequestBytesMax : limits.functionPayloadBytesMax,
  async schemas() {
    const [exports, { getFunctionCodeSchema }] = await Promise.all([
      import("@aws-sdk/client-lambda"),
      import("./get-function-code.ts"),
    ]);
    return { ...exports, GetFunctionCode$: getFunctionCodeSchema(exports.GetFunctionRequest$) };
  },
  operations: {
    AddPermission: async () => (await import("./add-permission.ts")).addPermission,
    CreateAlias: async () => (await import("./create-alias.ts")).createAlias,
    CreateFunction: async () => (await import("./create-function.ts")).createFunction,
    DeleteAlias: async () => (await import("./delete-alias.ts")).deleteAlias,
    DeleteFunction: async () => (await import("./delete-function.ts")).deleteFunction,
    DeleteFunctionConcurrency: async () =>
      (await import("./delete-function-concurrency.ts")).deleteFunctionConcurrency,
    DeleteFunctionEventInvokeConfig: async () =>
      (await import("./delete-function-event-invoke-config.ts")).deleteFunctionEventInvokeConfig,
    GetAccountSettings: async () => (await import("./get-account-settings.ts")).getAccountSettings,
    GetAlias: async () => (await import("./get-alias.ts")).getAlias,
    GetFunction: async () => (await import("./get-function.ts")).getFunction,
    GetFunctionCode: async () => (await import("./get-function-code.ts")).getFunctionCode,
    GetFunctionConcurrency: async () =>
      (await import("./get-function-concurrency.ts")).getFunctionConcurrency,
    GetFunctionConfiguration: async () =>
      (await import("./get-function-configuration.ts")).getFunctionConfiguration,
    GetFunctionEventInvokeConfig: async () =>
      (await import("./get-function-event-invoke-config.ts")).getFunctionEventInvokeConfig,
    GetPolicy: async () => (await import("./get-policy.ts")).getPolicy,
    Invoke: async () => (await import("./invoke.ts")).invoke,
    ListAliases: async () => (await import("./list-aliases.ts")).listAliases,
    ListFunctionEventInvokeConfigs: async () =>
      (await import("./list-function-event-invoke-configs.ts")).listFunctionEventInvokeConfigs,
    ListFunctions: async () => (await import("./list-functions.ts")).listFunctions,
    ListTags: async () => (await import("./list-tags.ts")).listTags,
    ListVersionsByFunction: async () =>
      (await import("./list-versions-by-function.ts")).listVersionsByFunction,
    PublishVersion: async () => (await import("./publish-version.ts")).publishVersion,
    PutFunctionConcurrency: async () =>
      (await import("./put-function-concurrency.ts")).putFunctionConcurrency,
    PutFunctionEventInvokeConfig: async () =>
      (await import("./put-function-event-invoke-config.ts")).putFunctionEventInvokeConfig,
    RemovePermission: async () => (await import("./remove-permission.ts")).removePermission,
    TagResource: async () => (await import("./tag-resource.ts")).tagResource,
    UntagResource: async () => (await import("./untag-resource.ts")).untagResource,
    UpdateAlias: async () => (await import("./update-alias.ts")).updateAlias,
    UpdateFunctionCode: async () => (await import("./update-function-code.ts")).updateFunctionCode,
    UpdateFunctionConfiguration: async () =>
      (await import("./update-function-configuration.ts")).updateFunctionConfiguration,
    UpdateFunctionEventInvokeConfig: async () =>
      (await import("./update-function-event-invoke-config.ts")).updateFunctionEventInvokeConfig,
  },
};

/** CreateFunction and UpdateFunctionCode. */
const bringsCode = ({ method, path }: Target) =>
  (method === "POST" && /\/functions\/?$/.test(path)) ||
  (method === "PUT" && path.endsWith("/code"));
