import { createHash } from "node:crypto";
import { comesAfter, knownTasks } from "#/model/job-check.ts";
import type { StepRequest } from "#/model/job-request.ts";
import { newStepStatus, type Source, type StepRecord, type StepStatus } from "#/model/step.ts";
import type { TaskTemplate } from "#/model/task.ts";
import type { Draft } from "#/space/space.ts";

/** The record of a step as it was asked for; `nameOf` gives the full name of one that the request names. */
export function draftStep(
  request: StepRequest,
  where: { name: string; project: string; nameOf: (step: string) => string; partitions: number },
): Draft<StepRecord> {
  const { name, project, nameOf, partitions } = where;
  const { shuffle } = request;
  const source = sourceOf(request, partitions);
  const total = shuffle?.role === "reduce" ? partitions : knownTasks(request);
  return {
    kind: "step",
    project,
    name,
    spec: {
      name: request.name,
      title: request.title ?? request.name,
      after: comesAfter(request).map(nameOf),
      template: templateOf(request, nameOf),
      source,
      ...(shuffle && {
        shuffle: shuffle.role === "map" ? shuffle : { ...shuffle, from: nameOf(shuffle.from) },
      }),
      ...(request.gang && { gang: request.gang === true ? {} : request.gang }),
      onFailure: request.onFailure,
      fingerprint: fingerprintOf(request),
      ...(request.recorded !== undefined && { recorded: request.recorded }),
    },
    status:
      request.recorded !== undefined
        ? recordedStatus
        : { ...newStepStatus, ...(total !== undefined && source.type !== "list" && { total }) },
  };
}

/** Equal for equal requests; what the caller gave goes first, as it may know better what makes two calls the same. */
export function fingerprintOf(request: StepRequest): string {
  if (request.fingerprint !== undefined) return request.fingerprint;
  return createHash("sha256").update(JSON.stringify(request)).digest("base64url").slice(0, 22);
}

/** A step that only keeps a value has ended from the start. */
const recordedStatus: StepStatus = { ...newStepStatus, phase: "succeeded", closed: true };

/** A reduce step has one task per partition, which learns its number from its own name. */
function sourceOf({ source, shuffle }: StepRequest, partitions: number): Source {
  if (shuffle?.role === "reduce")
    return { type: "inputs", inputs: Array<string>(partitions).fill("null") };
  if (source.type !== "inputs") return source;
  return { type: "inputs", inputs: source.inputs.map((input) => JSON.stringify(input)) };
}

function templateOf(request: StepRequest, nameOf: (step: string) => string): TaskTemplate {
  const { needs, timeoutMs, retries, retryMs, outputs, reuse, speculate, run } = request;
  return {
    run,
    needs: {
      milliCpus: Math.round(needs.cpus * 1000),
      memoryBytes: needs.memoryBytes,
      labels: needs.labels,
      ...(needs.sites && { sites: needs.sites }),
      ...(needs.confinedBy && { confinedBy: needs.confinedBy }),
      ...(needs.ownSites && { ownSites: needs.ownSites }),
    },
    ...(timeoutMs !== undefined && { timeoutMs }),
    retries,
    retryMs,
    inputs: request.inputs.map(({ path, from, executable }) => ({
      path,
      from: "step" in from ? { ...from, step: nameOf(from.step) } : from,
      ...(executable !== undefined && { executable }),
    })),
    outputs,
    reuse,
    ...(!speculate && { speculate }),
  };
}
