import { createHash } from "node:crypto";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { AnyRecord } from "#/model/record.ts";
import { unfinishedTasks, type StepRecord } from "#/model/step.ts";
import { hasTaskEnded, stepOfTask } from "#/model/task.ts";
import type { Objects } from "#/objects/objects.ts";
import { goodUnless, type Finding } from "./finding.ts";

/** Objects, of which one can be moved to where nobody finds it: gives where that is. */
export interface SetAside extends Objects {
  setAside(project: string, key: string): Promise<string>;
}

/** Gathers what records say of each other, and of objects, as they go by. */
export class Contents {
  records = 0;
  #steps = new Map<string, StepRecord>();
  #unfinished = new Map<string, number>();
  /** Objects that records name: project and key. */
  #named = new Map<string, Set<string>>();

  see(record: AnyRecord, isLive: boolean): void {
    this.records++;
    if (record.kind === "step") this.#steps.set(record.name, record);
    if (record.kind === "task" && isLive && !hasTaskEnded(record)) {
      const step = stepOfTask(record.name);
      this.#unfinished.set(step, (this.#unfinished.get(step) ?? 0) + 1);
    }
    for (const key of objectsOf(record)) {
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

  /** Every object has the content that its name says, and those that records name are there. */
  async objectFindings(objects: SetAside, repair: boolean): Promise<Finding[]> {
    const findings: Finding[] = [];
    let count = 0;
    for (const project of await objects.projects()) {
      for await (const { key } of objects.list(project)) {
        count++;
        this.#named.get(project)?.delete(key);
        const fault = await faultOfObject(objects, project, key);
        if (fault === undefined) continue;
        const detail = `The object ${key} of ${project} ${fault}`;
        findings.push({
          check: "objects",
          state: repair ? "repaired" : "fault",
          detail: repair
            ? `${detail}, and is now in ${await objects.setAside(project, key)}`
            : detail,
          remedy: "Send it again, or restore a backup; results made of it run again",
        });
      }
    }
    for (const [project, keys] of this.#named) {
      for (const key of keys) {
        if (await objects.stat(project, key)) continue; // put while others were listed
        findings.push({
          check: "objects",
          state: "fault",
          detail: `The object ${key} of ${project} is named by a record and missing`,
          remedy: "Send it again, or restore a backup",
        });
      }
    }
    return goodUnless("objects", `${count} objects are as their names say`, findings).slice(
      0,
      limits.doctorFindingsMax,
    );
  }
}

/** What is wrong with an object; undefined when nothing is, or it was removed meanwhile. */
async function faultOfObject(
  objects: Objects,
  project: string,
  key: string,
): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    const found = await objects.get(project, key);
    if (!found) return undefined;
    for await (const piece of found.content) hash.update(piece);
  } catch (thrown) {
    if ((thrown as { code?: string }).code === "unavailable") throw thrown;
    const isThere = (await objects.stat(project, key)) !== undefined;
    return isThere ? `cannot be read to its end: ${messageOf(thrown)}` : undefined;
  }
  return hash.digest("hex") === key ? undefined : "has another content";
}

/** Keys of the objects that a record cannot do without. */
function objectsOf(record: AnyRecord): string[] {
  if (record.kind === "task") {
    const { inputObject } = record.spec;
    const { resultObject, outputs = {} } = record.status;
    return [inputObject, resultObject, ...Object.values(outputs)].filter(
      (key) => key !== undefined,
    );
  }
  if (record.kind !== "step") return [];
  const { template, source } = record.spec;
  const keys = template.inputs.flatMap(({ from }) => ("object" in from ? [from.object] : []));
  if (template.run.driver === "runner") keys.push(template.run.module);
  if (source.type === "lines") keys.push(source.object);
  return keys;
}
