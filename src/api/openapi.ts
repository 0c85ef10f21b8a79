import { fastifySwagger } from "@fastify/swagger";
import type { FastifyInstance, FastifySchema } from "fastify";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { z } from "zod";
import { errorCodes, type ErrorCode } from "#/base/errors.ts";
import { jobRequest, stepRequest } from "#/model/job-request.ts";
import {
  bucketView,
  madeWebhookView,
  notificationView,
  webhookView,
} from "#/model/bucket-views.ts";
import { accessKeyView, madeAccessKeyView } from "#/model/access-key-views.ts";
import * as instances from "#/model/instance-views.ts";
import * as chaos from "#/model/chaos-views.ts";
import * as sites from "#/model/site-views.ts";
import * as forecast from "#/model/forecast-views.ts";
import * as views from "#/model/views.ts";
import type { AnyDefinition } from "./call.ts";

/** Things that have a name in the document, so that one is written once. */
const named: Record<string, z.ZodType> = {
  JobRequest: jobRequest,
  StepRequest: stepRequest,
  Usage: views.usageView,
  TaskCounts: views.countsView,
  Explanation: views.explanationView,
  Kind: views.kindView,
  Job: views.jobView,
  JobDetail: views.jobDetail,
  JobResult: views.jobResult,
  Cost: views.costView,
  Why: views.whyView,
  Step: views.stepView,
  Task: views.taskView,
  TaskDetail: views.taskDetail,
  TaskError: views.taskErrorView,
  Machine: views.machineView,
  Project: views.projectView,
  Key: views.keyView,
  MadeKey: views.madeKeyView,
  AccessKey: accessKeyView,
  Bucket: bucketView,
  Notification: notificationView,
  Webhook: webhookView,
  MadeWebhook: madeWebhookView,
  MadeAccessKey: madeAccessKeyView,
  MadeJoinToken: views.madeJoinTokenView,
  Blob: views.blobView,
  Status: views.statusView,
  ChaosPolicy: chaos.chaosPolicyView,
  GameDay: chaos.gameDayView,
  GameDayReport: chaos.gameDayReport,
  Hit: chaos.hitView,
  Instance: instances.instanceView,
  InstanceType: instances.instanceTypeView,
  KeyPair: instances.keyPairView,
  MadeKeyPair: instances.madeKeyPairView,
  EventSubscription: instances.eventSubscriptionView,
  Volume: instances.volumeView,
  Snapshot: instances.snapshotView,
  Site: sites.siteView,
  SiteDetail: sites.siteDetail,
  Offer: sites.offerView,
  JobForecast: forecast.jobForecastView,
  Forecast: forecast.forecastView,
  Problem: views.problemView,
};

const everyCall: ErrorCode[] = [
  "invalid",
  "unauthenticated",
  "forbidden",
  "limited",
  "internal",
  "unavailable",
];

/** Serves the contract of every route registered after this, as OpenAPI 3.1, made when it is first asked for. */
export function serveOpenApi(server: FastifyInstance, version: string): void {
  for (const [id, schema] of Object.entries(named))
    if (!z.globalRegistry.has(schema)) z.globalRegistry.add(schema, { id });
  server.register(fastifySwagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Canopy",
        version,
        description: "One self-managing cloud over every machine you have.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      components: { securitySchemes: { key: { type: "http", scheme: "bearer" } } },
      security: [{ key: [] }],
    },
    transform: (input) =>
      withDocument(
        jsonSchemaTransform(input as never) as Transformed,
        input.schema as Documented | undefined,
      ),
    transformObject: jsonSchemaTransformObject as never,
  });
}

/** What cannot be said by a schema of the framework: streams as bodies, answers that are no JSON, errors. */
interface Document {
  bodies?: Record<string, object>;
  headers?: object;
  /** Of the answer when it is no refusal. */
  told?: Record<string, object>;
  answers: Record<string, object>;
}
type Documented = FastifySchema & { document?: Document };
interface Transformed {
  schema: Record<string, unknown>;
  url: string;
}

function withDocument(transformed: Transformed, asked: Documented | undefined): Transformed {
  if (!asked?.document) return transformed;
  const { document: _document, ...schema } = transformed.schema;
  const { bodies, headers, told, answers } = asked.document;
  const said = (schema["response"] ?? {}) as Record<string, object>;
  if (told)
    for (const [status, answer] of Object.entries(said))
      said[status] = { ...answer, headers: told };
  return {
    url: transformed.url,
    schema: {
      ...schema,
      ...(headers && { headers }),
      ...(bodies && { body: { content: bodies } }),
      response: { ...said, ...answers },
    },
  };
}

/** The part of a route's schema that only the document reads. */
export function documentOf(definition: AnyDefinition): Document {
  const { answerType, streams, body, status = 200, role, revision } = definition;
  const answers: Record<string, object> = {};
  if (answerType) {
    const schema =
      answerType.type === "application/octet-stream"
        ? { type: "string", format: "binary" }
        : { type: "string" };
    answers["200"] = {
      description: answerType.description,
      content: { [answerType.type]: { schema } },
    };
  } else if (status === 204) {
    answers["204"] = { type: "null", description: "Done" };
  }
  for (const [code, sentence] of problemsOf(definition)) {
    answers[code] = {
      description: sentence,
      content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    };
  }
  const revisions = {
    ...(revision === "expected" && { headers: ifMatch }),
    ...(revision !== undefined && { told: etag }),
  };
  if (!streams) return { answers, ...revisions };
  const bodies: Record<string, object> = {};
  for (const type of streams)
    bodies[type] = {
      schema: { type: "string", ...(type === "application/octet-stream" && { format: "binary" }) },
    };
  if (body && role !== "anyone" && !(body instanceof z.ZodNever)) {
    const { $schema: _schema, ...json } = z.toJSONSchema(body, { io: "input" });
    bodies["application/json"] = { schema: json };
  }
  return { answers, bodies, ...revisions };
}

const etag = { ETag: { type: "string", description: "The revision told of, in quotes" } };
const ifMatch = {
  type: "object",
  properties: {
    "if-match": {
      type: "string",
      description:
        "The ETag of an earlier answer. When the record has changed since, nothing is done and the answer is a conflict (409)",
    },
  },
};

/** Statuses that the call may answer with instead, and by which codes. */
function problemsOf({ errors = [], role, revision }: AnyDefinition): [string, string][] {
  const more: ErrorCode[] = revision === "expected" ? [...errors, "conflict"] : errors;
  const codes = [...new Set([...everyCall, ...more])].filter(
    (code) => role !== "anyone" || code !== "forbidden",
  );
  const byStatus = new Map<number, string[]>();
  for (const code of codes) {
    const { status } = errorCodes[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return [...byStatus].map(([status, list]) => [String(status), `Refused: ${list.join(", ")}`]);
}

/**
 * The document as text. "Any JSON", the one schema that refers to itself, comes out of zod with
 * definitions beside it that no reference from within a document reaches: it is written as the empty
 * schema instead, which says the same.
 */
export function openApiText(server: FastifyInstance): string {
  return JSON.stringify(server.swagger(), (key, value: unknown) => {
    if (key === "$defs" || key === "__shared") return undefined;
    const ref = (value as { $ref?: unknown } | null)?.$ref;
    return typeof ref === "string" && ref.includes("$defs/") ? {} : value;
  });
}
