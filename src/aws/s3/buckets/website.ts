import type { GetBucketWebsiteOutput, RoutingRule, WebsiteConfiguration } from "@aws-sdk/client-s3";
import { limits } from "#/base/limits.ts";
import type { Website, WebsiteRule } from "#/model/bucket-website.ts";
import { invalidArgument, invalidRequest, malformedXml } from "./errors.ts";

/** Throws "MalformedXML", "InvalidArgument" and "InvalidRequest", as S3 does. */
export function readWebsite(asked: WebsiteConfiguration | undefined): Website {
  if (!asked) throw malformedXml();
  const { RedirectAllRequestsTo: all, IndexDocument, ErrorDocument, RoutingRules } = asked;
  if (all) {
    if (IndexDocument || ErrorDocument || RoutingRules)
      throw invalidRequest(
        "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
      );
    if (!all.HostName) throw malformedXml();
    return { redirectAll: { host: all.HostName, protocol: readProtocol(all.Protocol) } };
  }
  const suffix = IndexDocument?.Suffix;
  if (suffix === undefined)
    throw invalidArgument(
      "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
      "IndexDocument",
    );
  if (suffix === "" || suffix.includes("/"))
    throw invalidArgument("The IndexDocument Suffix is not well formed", "IndexDocument", suffix);
  if (ErrorDocument && !ErrorDocument.Key)
    throw invalidArgument("The ErrorDocument Key is not well formed", "ErrorDocument", "");
  const rules = RoutingRules ?? [];
  if (rules.length > limits.websiteRulesMax)
    throw invalidRequest(
      `${rules.length} routing rules provided, the number of routing rules in a website configuration is limited to ${limits.websiteRulesMax}.`,
    );
  return {
    indexDocument: suffix,
    errorDocument: ErrorDocument?.Key,
    ...(rules.length > 0 && { rules: rules.map(readRule) }),
  };
}

function readRule({ Condition, Redirect }: RoutingRule): WebsiteRule {
  if (!Redirect) throw malformedXml();
  const { HostName, HttpRedirectCode, Protocol, ReplaceKeyPrefixWith, ReplaceKeyWith } = Redirect;
  if (Condition && !Condition.KeyPrefixEquals && !Condition.HttpErrorCodeReturnedEquals)
    throw invalidRequest(
      "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.",
    );
  if (ReplaceKeyPrefixWith !== undefined && ReplaceKeyWith !== undefined)
    throw invalidRequest("You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
  if (HttpRedirectCode !== undefined && !/^30[1-8]$/.test(HttpRedirectCode))
    throw invalidRequest(
      `The provided HTTP redirect code (${HttpRedirectCode}) is not valid. Valid codes are 3XX except 300.`,
    );
  const status = Condition?.HttpErrorCodeReturnedEquals;
  if (status !== undefined && !/^[45]\d\d$/.test(status))
    throw invalidRequest(
      `The provided HTTP error code (${status}) is not valid. Valid codes are 4XX or 5XX.`,
    );
  return {
    when: Condition && { keyPrefix: Condition.KeyPrefixEquals, status },
    redirect: {
      host: HostName,
      protocol: readProtocol(Protocol),
      status: HttpRedirectCode,
      keyPrefix: ReplaceKeyPrefixWith,
      key: ReplaceKeyWith,
    },
  };
}

function readProtocol(protocol: string | undefined): "http" | "https" | undefined {
  if (protocol === undefined || protocol === "http" || protocol === "https") return protocol;
  throw invalidRequest(
    "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.",
  );
}

export function writeWebsite(website: Website): GetBucketWebsiteOutput {
  const { indexDocument, errorDocument, redirectAll, rules } = website;
  return {
    RedirectAllRequestsTo: redirectAll && {
      HostName: redirectAll.host,
      Protocol: redirectAll.protocol,
    },
    IndexDocument: indexDocument === undefined ? undefined : { Suffix: indexDocument },
    ErrorDocument: errorDocument === undefined ? undefined : { Key: errorDocument },
    RoutingRules: rules?.map(({ when, redirect }) => ({
      Condition: when && {
        KeyPrefixEquals: when.keyPrefix,
        HttpErrorCodeReturnedEquals: when.status,
      },
      Redirect: {
        HostName: redirect.host,
        Protocol: redirect.protocol,
        HttpRedirectCode: redirect.status,
        ReplaceKeyPrefixWith: redirect.keyPrefix,
        ReplaceKeyWith: redirect.key,
      },
    })),
  };
}
