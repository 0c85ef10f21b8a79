import type { Answer, Door } from "./door.ts";
import {
  judgeRecord,
  type Operation,
  type RecordInput,
  type RecordOutput,
  type RecordState,
} from "./linearizability.ts";

/** All calls to one project, of which the revision and the title are looked at, from when it was acknowledged. */
export class RecordHistory {
  readonly initial: RecordState;
  readonly calls: Operation<RecordInput, RecordOutput>[] = [];
  #path: string;

  private constructor(path: string, initial: RecordState) {
    this.#path = path;
    this.initial = initial;
  }

  /** Makes the project. */
  static async make(door: Door, name: string): Promise<RecordHistory> {
    const asked = { body: { name, title: "first" }, idempotencyKey: `project-${name}` };
    const answer = await door.persist<Project>("POST", "/v1/projects", asked);
    return new RecordHistory(`/v1/projects/${name}`, stateOf(answer, 201));
  }

  /** One call, whose answer may stay out. Gives what was answered. */
  async call(door: Door, input: RecordInput): Promise<RecordOutput | undefined> {
    const asked = input.type === "read" ? {} : { body: { title: input.value } };
    const ifMatch = input.type === "swap" ? { ifMatch: `"${input.expected}"` } : {};
    const method = input.type === "read" ? "GET" : "PATCH";
    const calledAt = performance.now();
    const answer = await door.ask<Project>(method, this.#path, { ...asked, ...ifMatch });
    const answeredAt = performance.now();
    const output = answer && (answer.status === 409 ? "conflict" : stateOf(answer));
    this.calls.push({ input, output, calledAt, answeredAt });
    return output;
  }

  /** Reads it once more, until there is an answer, and judges all calls, this one among them. Gives what is wrong. */
  async close(door: Door): Promise<string | undefined> {
    const calledAt = performance.now();
    const output = stateOf(await door.persist<Project>("GET", this.#path));
    this.calls.push({ input: { type: "read" }, output, calledAt, answeredAt: performance.now() });
    const verdict = judgeRecord(this.initial, this.calls);
    if (verdict.linearizable) return undefined;
    const stuck = verdict.stuck.map((at) => JSON.stringify(this.calls[at])).join("; ");
    return `the calls of ${this.#path} are not linearizable: ${verdict.longest.length} of ${this.calls.length} fit, then none of ${stuck}`;
  }
}

interface Project {
  title: string;
}

function stateOf({ status, body, etag }: Answer<Project>, wanted = 200): RecordState {
  if (status !== wanted || !etag)
    throw new Error(`a project was answered with ${status} ${JSON.stringify(body)}, ETag ${etag}`);
  return { revision: Number(etag.replaceAll('"', "")), value: body.title };
}
