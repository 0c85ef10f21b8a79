import { NormalizedSchema } from "@smithy/core/schema";

export type ShapeType =
  | "structure"
  | "union"
  | "list"
  | "map"
  | "string"
  | "boolean"
  | "number"
  | "integer"
  | "timestamp"
  | "blob"
  | "document"
  | "unit";

/** How a moment is written, where the schema says it. */
export type TimeFormat = "date-time" | "http-date" | "epoch-seconds";

/** What the schemas say beside types. */
export interface Traits {
  httpHeader?: string;
  httpQuery?: string;
  httpPrefixHeaders?: string;
  httpQueryParams?: 1;
  httpLabel?: 1;
  httpPayload?: 1;
  httpResponseCode?: 1;
  http?: [method: string, path: string, status: number];
  xmlName?: string;
  xmlFlattened?: 1;
  xmlAttribute?: 1;
  xmlNamespace?: [prefix: string, uri: string];
  jsonName?: string;
  ec2QueryName?: string;
  idempotencyToken?: 1;
  streaming?: 1;
  mediaType?: string;
  awsQueryError?: [code: string, status: number];
  httpError?: number;
  error?: "client" | "server";
}

/** A member of a structure, or what lists and maps hold. */
export interface Member {
  name: string;
  shape: Shape;
  /** What is said of the member alone. */
  own: Traits;
  /** That, and what is said of its shape. */
  traits: Traits;
  isRequired: boolean;
}

/** A schema of the SDK, read once. Shapes may be recursive: what they hold is read when it is first asked for. */
export class Shape {
  readonly name: string;
  readonly type: ShapeType;
  readonly traits: Traits;
  readonly timeFormat: TimeFormat | undefined;
  readonly isStreaming: boolean;
  #schema: NormalizedSchema;
  #members: Member[] | undefined;
  #byName: Map<string, Member> | undefined;
  #key: Member | undefined;
  #value: Member | undefined;

  constructor(schema: NormalizedSchema) {
    this.#schema = schema;
    this.name = schema.getName() ?? "";
    this.type = typeOf(schema);
    this.traits = traitsOf(schema.getOwnTraits());
    this.timeFormat = timeFormats[Number(schema.getSchema())];
    this.isStreaming = schema.isStreaming();
  }

  get members(): readonly Member[] {
    return (this.#members ??= membersOf(this.#schema));
  }

  member(name: string): Member | undefined {
    this.#byName ??= new Map(this.members.map((member) => [member.name, member]));
    return this.#byName.get(name);
  }

  /** Of a map. */
  get key(): Member {
    return (this.#key ??= memberOf("key", this.#schema.getKeySchema(), true));
  }

  /** Of a list or a map. */
  get value(): Member {
    return (this.#value ??= memberOf("member", this.#schema.getValueSchema(), true));
  }
}

/** By what the SDK calls the schema itself, so that a shape is read once however often it is met. */
const shapes = new WeakMap<object, Shape>();
const simple = new Map<unknown, Shape>();

/** The shape of a schema that the SDK exports, or of a part of one. */
export function shapeOf(schema: unknown): Shape {
  const normalized = NormalizedSchema.of(schema as never);
  const under = normalized.getSchema();
  const known = typeof under === "object" ? shapes.get(under) : simple.get(keyOfSimple(normalized));
  if (known) return known;
  const shape = new Shape(normalized);
  if (typeof under === "object") shapes.set(under, shape);
  else simple.set(keyOfSimple(normalized), shape);
  return shape;
}

function keyOfSimple(schema: NormalizedSchema): string {
  return `${String(schema.getSchema())} ${schema.isStreaming() ? "streams" : ""} ${JSON.stringify(schema.getOwnTraits())}`;
}

function membersOf(schema: NormalizedSchema): Member[] {
  if (schema.isUnitSchema()) return [];
  const raw = schema.getSchema() as unknown as readonly unknown[];
  const requiredCount = typeof raw[6] === "number" ? raw[6] : 0;
  return [...schema.structIterator()].map(([name, member], index) =>
    memberOf(name, member, index < requiredCount),
  );
}

function memberOf(name: string, schema: NormalizedSchema, isRequired: boolean): Member {
  return {
    name,
    shape: shapeOf(schema),
    own: traitsOf(schema.getMemberTraits()),
    traits: traitsOf(schema.getMergedTraits()),
    isRequired,
  };
}

const traitsOf = (traits: object): Traits => traits as Traits;

/** By the numbers that the SDK gives them. */
const timeFormats: Record<number, TimeFormat> = {
  5: "date-time",
  6: "http-date",
  7: "epoch-seconds",
};

function typeOf(schema: NormalizedSchema): ShapeType {
  if (schema.isUnitSchema()) return "unit";
  if (schema.isUnionSchema()) return "union";
  if (schema.isStructSchema()) return "structure";
  if (schema.isListSchema()) return "list";
  if (schema.isMapSchema()) return "map";
  if (schema.isBlobSchema()) return "blob";
  if (schema.isBooleanSchema()) return "boolean";
  if (schema.isTimestampSchema()) return "timestamp";
  if (schema.isDocumentSchema()) return "document";
  if (schema.isBigIntegerSchema()) return "integer";
  if (schema.isNumericSchema() || schema.isBigDecimalSchema()) return "number";
  return "string";
}
