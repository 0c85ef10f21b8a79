import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { routes } from "./routes.ts";
import { startWorld, type World } from "./testing/world.ts";

let world: World;
before(async () => void (world = await startWorld()));
after(() => world.stop());

interface Operation {
  summary?: string;
  tags?: string[];
  operationId?: string;
  requestBody?: { content: Record<string, unknown> };
  parameters?: { name: string; in: string }[];
  responses: Record<string, { content?: Record<string, unknown>; headers?: object }>;
}

interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
}

describe("GET /openapi.json", () => {
  it("is a valid document of OpenAPI 3.1", async () => {
    const answer = await world.call("GET", "/openapi.json", { key: "" });
    const document = answer.json<OpenApi>();
    assert.equal(document.openapi, "3.1.0");
    const { valid, errors } = await new Validator().validate(document as never);
    assert.equal(valid, true, JSON.stringify(errors)?.slice(0, 2000));
  });

  it("describes every call: what it does, what it answers, and how it refuses", async () => {
    const { paths } = (await world.call("GET", "/openapi.json", { key: "" })).json<OpenApi>();
    const ids = new Set<string>();
    for (const route of Object.keys(routes)) {
      const [method = "", url = ""] = route.split(/ +/);
      const path = url.replaceAll(/:(\w+)/g, "{$1}").replace("/*", "/{*}");
      const operation = paths[path]?.[method.toLowerCase()];
      assert.ok(operation, route);
      assert.ok(operation.summary && operation.tags?.length === 1, route);
      ids.add(operation.operationId!);
      const statuses = Object.keys(operation.responses);
      assert.ok(
        statuses.some((status) => status.startsWith("2")),
        route,
      );
      for (const status of ["400", "401", "500"]) {
        assert.ok(
          operation.responses[status]?.content?.["application/problem+json"],
          `${route} ${status}`,
        );
      }
    }
    assert.equal(ids.size, Object.keys(routes).length);
  });

  it("refers only to schemas that it has", async () => {
    const { body } = await world.call("GET", "/openapi.json", { key: "" });
    const { components } = JSON.parse(body) as OpenApi;
    const referred = new Set([...body.matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref!));
    for (const ref of referred) {
      const name = /^#\/components\/schemas\/(\w+)$/.exec(ref)?.[1];
      assert.ok(name !== undefined && name in components.schemas, ref);
    }
    assert.ok(referred.size > 10);
  });

  it("says which calls tell a revision and take one", async () => {
    const { paths } = (await world.call("GET", "/openapi.json", { key: "" })).json<OpenApi>();
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, { parameters = [], responses }] of Object.entries(operations)) {
        const takes = parameters.some((one) => one.in === "header" && one.name === "if-match");
        const tells = "ETag" in (responses["200"]?.headers ?? responses["201"]?.headers ?? {});
        const name = `${method} ${path}`;
        const isRecord =
          /^\/v1\/((projects|machines|sites|carbon-zones)\/\{\w+\}|chaos\/policy|policy)$/.test(
            path,
          );
        assert.equal(takes, isRecord && /patch|put|delete/.test(method), name);
        assert.equal(
          tells,
          name === "post /v1/projects" || (isRecord && /get|patch|put/.test(method)),
          name,
        );
        if (takes) assert.ok("409" in responses, name);
      }
    }
  });

  it("says which bodies a call takes", async () => {
    const { paths } = (await world.call("GET", "/openapi.json", { key: "" })).json<OpenApi>();
    const types = (path: string) => Object.keys(paths[path]!["post"]!.requestBody!.content).sort();
    assert.deepEqual(types("/v1/jobs/{job}/steps/{step}/tasks"), [
      "application/json",
      "application/x-ndjson",
    ]);
    assert.deepEqual(types("/v1/blobs"), ["application/octet-stream"]);
    assert.deepEqual(types("/v1/jobs"), ["application/json"]);
  });
});
