import { createHash } from "node:crypto";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { AnyRecord } from "#/model/record.ts";
import { unfinishedTasks, type StepRecord } from "#/model/step.ts";
import { hasTaskEnded, stepOfTask } from "#/model/task.ts";
import type { Blobs } from "#/blobs/blobs.ts";
import { goodUnless, type Finding } from "./finding.ts";

/** Blobs, of which one can be moved to where nobody finds it: gives where that is. */
export interface SetAside extends Blobs {
  setAside(project: string, key: string): Promise<string>;
}

/** Gathers what records say of each other, and of blobs, as they go by. */
export class Contents {
  records = 0;
  #steps = new Map<string, StepRecord>();
  #unfinished = new Map<string, number>();
  /** Blobs that records name: project and key. */
  #named = new Map<string, Set<string>>();

  see(record: AnyRecord, isLive: boolean): void {
    this.records++;
    if (record.kind === "step") this.#steps.set(record.name, record);
    if (record.kind === "task" && isLive && !hasTaskEnded(record)) {
      const step = stepOfTask(record.name);
      this.#unfinished.set(step, (this.#unfinished.get(step) ?? 0) + 1);
    }
    for (const key of blobsOf(record)) {
      const known = this.#named.get(record.project) ?? new Set();
      this.#named.set(record.project, known.add(key));
    }
  }

  /** What steps count must be what there is of their tasks. */
  stepFindings(): Finding[] {
    const findings: Finding[] = [];
    for (const [name, step] of this.#steps) {
      const { phase } = step.status;
      const counted = unfinishedTasks(step);
      const found = this.#unfinished.get(name) ?? 0;
      if (phase === "running" && counted !== found) {
        findings.push({
          check: "steps",
          state: "fault",
          detail: `The step ${name} counts ${counted} tasks that have not ended: there are ${found}`,
          remedy: `Cancel its job when it does not end by itself: canopy cancel ${name.split("/")[0]}`,
        });
      }
    }
    for (const name of this.#unfinished.keys()) {
      if (this.#steps.has(name)) continue;
      findings.push({
        check: "steps",
        state: "fault",
        detail: `Tasks of ${name} are there without their step`,
      });
    }
    return goodUnless("steps", `${this.#steps.size} steps agree with their tasks`, findings).slice(
      0,
      limits.doctorFindingsMax,
    );
  }

  /** Every blob has the content that its name says, and those that records name are there. */
  async blobFindings(blobs: SetAside, repair: boolean): Promise<Finding[]> {
    const findings: Finding[] = [];
    let count = 0;
    for (const project of await blobs.projects()) {
      for await (const { key } of blobs.list(project)) {
        count++;
        this.#named.get(project)?.delete(key);
        const fault = await faultOfBlob(blobs, project, key);
        if (fault === undefined) continue;
        const detail = `The blob ${key} of ${project} ${fault}`;
        findings.push({
          check: "blobs",
          state: repair ? "repaired" : "fault",
          detail: repair
            ? `${detail}, and is now in ${await blobs.setAside(project, key)}`
            : detail,
          remedy: "Send it again, or restore a backup; results made of it run again",
        });
      }
    }
    for (const [project, keys] of this.#named) {
      for (const key of keys) {
        if (await blobs.stat(project, key)) continue; // put while others were listed
        findings.push({
          check: "blobs",
          state: "fault",
          detail: `The blob ${key} of ${project} is named by a record and missing`,
          remedy: "Send it again, or restore a backup",
        });
      }
    }
    return goodUnless("blobs", `${count} blobs are as their names say`, findings).slice(
      0,
      limits.doctorFindingsMax,
    );
  }
}

/** What is wrong with a blob; undefined when nothing is, or it was removed meanwhile. */
async function faultOfBlob(
  blobs: Blobs,
  project: string,
  key: string,
): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    const found = await blobs.get(project, key);
    if (!found) return undefined;
    for await (const piece of found.content) hash.update(piece);
  } catch (thrown) {
    if ((thrown as { code?: string }).code === "unavailable") throw thrown;
    const isThere = (await blobs.stat(project, key)) !== undefined;
    return isThere ? `cannot be read to its end: ${messageOf(thrown)}` : undefined;
  }
  return hash.digest("hex") === key ? undefined : "has another content";
}

/** Keys of the blobs that a record cannot do without. */
function blobsOf(record: AnyRecord): string[] {
  if (record.kind === "task") {
    const { inputBlob } = record.spec;
    const { resultBlob, outputs = {} } = record.status;
    return [inputBlob, resultBlob, ...Object.values(outputs)].filter((key) => key !== undefined);
  }
  if (record.kind !== "step") return [];
  const { template, source } = record.spec;
  const keys = template.inputs.flatMap(({ from }) => ("blob" in from ? [from.blob] : []));
  if (template.run.driver === "runner") keys.push(template.run.module);
  if (source.type === "lines") keys.push(source.blob);
  return keys;
}
