import type { FastifyInstance } from "fastify";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { openApiText } from "./openapi.ts";
import { problemOf } from "./problems.ts";
import type { DoorParts } from "./parts.ts";
import { loadOf } from "./status/read.ts";

/** The calls that ask for no key: for process supervisors, load balancers, Prometheus and generators of clients. */
export function serveOperators(server: FastifyInstance, parts: DoorParts): void {
  const metrics = measure(server, parts);
  const hidden = { schema: { hide: true } };
  server.get("/livez", hidden, (_request, reply) => reply.type("text/plain").send("ok\n"));
  server.get("/readyz", hidden, async (_request, reply) => {
    const refusal = whyNotReady(parts);
    return reply
      .type("text/plain")
      .code(refusal ? 503 : 200)
      .send(refusal ? `${refusal}\n` : "ok\n");
  });
  server.get("/metrics", hidden, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.metrics()),
  );
  let document: string | undefined;
  server.get("/openapi.json", hidden, (_request, reply) => {
    document ??= openApiText(server);
    return reply.type("application/json").send(document);
  });
}

/** A follower is ready while it knows a leader and reads the log; of a leader, an empty commit says whether a real one would be taken. */
function whyNotReady({ space, standing }: DoorParts): string | undefined {
  if (!standing.isLeading) {
    if (!standing.leader) return "Cannot answer as no control plane leads at this moment";
    if (standing.behindMs < limits.leaderSilentMs) return undefined;
    return `Cannot answer as the log was not reached for ${Math.round(standing.behindMs)} ms`;
  }
  try {
    space.commit(() => undefined);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof CanopyError) return thrown.message;
    return problemOf(thrown).detail;
  }
}

const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5, 10];

function measure(server: FastifyInstance, parts: DoorParts): Registry {
  const { space, watchers, version } = parts;
  const registers = [new Registry()];
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  new Gauge({
    name: "canopy_info",
    help: "The version that runs",
    labelNames: ["version"],
    registers,
  }).set({ version }, 1);
  gauge("canopy_space_sequence", "The newest durable batch of changes", () => space.sequence);
  const { standing } = parts;
  gauge("canopy_leading", "1 when this control plane leads", () => Number(standing.isLeading));
  gauge("canopy_leader_epoch", "Grows with each leader", () => standing.leader?.epoch ?? 0);
  gauge(
    "canopy_behind_seconds",
    "Since this control plane last knew all that the log holds",
    () => standing.behindMs / 1000,
  );
  gauge("canopy_streams_open", "Event and result streams open", () => watchers.count);
  gauge("canopy_memory_bytes", "Memory that the process holds", () => process.memoryUsage.rss());
  const load = memo(parts.clock, () => loadOf(parts));
  gauge("canopy_jobs_running", "Jobs that have not ended", () => load().jobsRunning);
  gauge("canopy_tasks_unfinished", "Tasks that have not ended", () => load().tasksUnfinished);
  gauge("canopy_tasks_running", "Tasks leased to machines", () => load().tasksRunning);
  gauge("canopy_machines", "Machines that have joined", () => load().machines);
  gauge("canopy_machines_connected", "Machines that are connected", () => load().machinesConnected);
  gauge(
    "canopy_capacity_cpus",
    "CPUs of connected machines",
    () => load().capacity.milliCpus / 1000,
  );

  const ended = new Counter({
    name: "canopy_tasks_ended_total",
    help: "Tasks that have durably ended",
    labelNames: ["phase"],
    registers,
  });
  const batches = new Counter({
    name: "canopy_space_batches_total",
    help: "Group commits",
    registers,
  });
  const changes = new Counter({
    name: "canopy_space_changes_total",
    help: "Changes in them",
    registers,
  });
  const stop = space.onDurable((batch) => {
    batches.inc();
    changes.inc(batch.changes.length);
    const phases = new Map<string, number>();
    for (const { op, record } of batch.changes) {
      if (op === "archive" && record.kind === "task")
        phases.set(record.status.phase, (phases.get(record.status.phase) ?? 0) + 1);
    }
    for (const [phase, count] of phases) ended.inc({ phase }, count);
  });
  server.addHook("onClose", async () => stop());

  const requests = new Histogram({
    name: "canopy_http_request_seconds",
    help: "Time to answer, by call and status; streams are not counted",
    labelNames: ["call", "status"],
    buckets: requestSeconds,
    registers,
  });
  server.addHook("onResponse", async (request, reply) => {
    if (request.routeOptions.url === undefined || reply.raw.statusCode === 101) return;
    requests.observe(
      { call: `${request.method} ${request.routeOptions.url}`, status: reply.statusCode },
      reply.elapsedTime / 1000,
    );
  });
  return registers[0]!;
}

/** The same value for all who ask within a moment: one scrape looks once. */
function memo<T>(clock: DoorParts["clock"], read: () => T): () => T {
  let value: T | undefined;
  let atMs = -Infinity;
  return () => {
    if (value === undefined || clock.monotonicMs() - atMs > 100) {
      value = read();
      atMs = clock.monotonicMs();
    }
    return value;
  };
}
