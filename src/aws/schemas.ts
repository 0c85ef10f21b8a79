import { httpRouteOf, type HttpRoute } from "./http-routes.ts";
import type { ErrorAbout, OperationShapes, Protocol, ProtocolName } from "./protocols/protocol.ts";
import { awsJson1_0, awsJson1_1, restJson } from "./protocols/json.ts";
import { awsQuery, ec2Query } from "./protocols/query.ts";
import { restXml } from "./protocols/rest-xml.ts";
import { shapeOf } from "./schema/shape.ts";
import type { Service } from "./service.ts";

export const protocols: Record<ProtocolName, Protocol> = {
  restXml,
  restJson,
  awsQuery,
  ec2Query,
  awsJson1_0,
  awsJson1_1,
};

/** What the SDK's package of a service says of it. */
export interface Schemas {
  operation(name: string): OperationShapes | undefined;
  error(name: string): ErrorAbout | undefined;
  /** Where its operations are found, by method; of REST protocols. */
  routes(method: string): readonly HttpRoute[];
}

const loaded = new WeakMap<Service, Promise<Schemas>>();
const known = new WeakMap<Service, Schemas>();

/** Those that were read before: busy callers need not wait for a promise each time. */
export const schemasNow = (service: Service): Schemas | undefined => known.get(service);

/** Read once, when the service is first asked for something: some packages take a quarter of a second. */
export function schemasOf(service: Service): Promise<Schemas> {
  let schemas = loaded.get(service);
  if (!schemas) {
    schemas = service.schemas().then((exports) => {
      const made = new PackageSchemas(exports);
      known.set(service, made);
      return made;
    });
    loaded.set(service, schemas);
    // What could not be loaded now is tried again.
    schemas.catch(() => loaded.delete(service));
  }
  return schemas;
}

/** As the SDK writes them down: [kind, namespace, name, traits, …]. */
type Raw = readonly unknown[];
const operationKind = 9;
const errorKind = -3;

class PackageSchemas implements Schemas {
  #exports: Record<string, unknown>;
  #operations = new Map<string, OperationShapes | undefined>();
  #routes: Map<string, HttpRoute[]> | undefined;

  constructor(exports: object) {
    this.#exports = exports as Record<string, unknown>;
  }

  operation(name: string): OperationShapes | undefined {
    if (this.#operations.has(name)) return this.#operations.get(name);
    const raw = this.#raw(name, operationKind);
    if (!raw) return undefined; // not kept: strangers choose these names
    const shapes: OperationShapes = {
      name,
      input: shapeOf(raw[4]),
      output: shapeOf(raw[5]),
      status: httpOf(raw)?.[2] ?? 200,
    };
    this.#operations.set(name, shapes);
    return shapes;
  }

  error(name: string): ErrorAbout | undefined {
    const raw = this.#raw(name, errorKind);
    if (!raw) return undefined;
    const { awsQueryError } = (raw[3] || {}) as { awsQueryError?: [string, number] };
    return {
      fullName: `${String(raw[1])}#${name}`,
      ...(awsQueryError && { queryCode: awsQueryError[0], queryStatus: awsQueryError[1] }),
    };
  }

  routes(method: string): readonly HttpRoute[] {
    this.#routes ??= this.#allRoutes();
    return this.#routes.get(method) ?? [];
  }

  #allRoutes(): Map<string, HttpRoute[]> {
    const routes = new Map<string, HttpRoute[]>();
    for (const [exported, raw] of Object.entries(this.#exports)) {
      const http = isRaw(raw) && raw[0] === operationKind ? httpOf(raw) : undefined;
      const shapes = http && this.operation(exported.slice(0, -1));
      if (!http || !shapes) continue;
      const route = httpRouteOf(shapes, http[0], http[1]);
      const known = routes.get(route.method);
      if (known) known.push(route);
      else routes.set(route.method, [route]);
    }
    return routes;
  }

  #raw(name: string, kind: number): Raw | undefined {
    const exported = `${name}$`;
    const raw = Object.hasOwn(this.#exports, exported) ? this.#exports[exported] : undefined;
    return isRaw(raw) && raw[0] === kind ? raw : undefined;
  }
}

const isRaw = (value: unknown): value is Raw => Array.isArray(value) && value.length > 4;

function httpOf(raw: Raw): [method: string, address: string, status: number] | undefined {
  const traits = raw[3] as { http?: [string, string, number] } | number;
  return typeof traits === "object" ? traits.http : undefined;
}
