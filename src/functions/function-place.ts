import type { FunctionRecord } from "#/model/function.ts";
import type { Space } from "#/space/space.ts";
import type { FunctionEvents } from "./events.ts";
import { functionNameOf } from "./functions.ts";
import { functionArn } from "./target.ts";

/** Functions of this cloud, as they are told of what happens: each message is an event of theirs. */
export class FunctionPlace {
  /** They share what a write to disk costs. */
  readonly atOnceMax = 100;
  #parts: { space: Space; events: FunctionEvents; region: string };

  constructor(parts: { space: Space; events: FunctionEvents; region: string }) {
    this.#parts = parts;
  }

  isThere(arn: string, project: string): boolean {
    return this.#find(arn, project) !== undefined;
  }

  async tell(
    arn: string,
    project: string,
    { id, at, body }: { id: string; at: number; body: string },
  ): Promise<void> {
    const found = this.#find(arn, project);
    if (!found) throw new Error("the function is gone");
    const { events, space } = this.#parts;
    const { record, qualifier } = found;
    events.accept(record, { id, at, payload: body, ...(qualifier !== undefined && { qualifier }) });
    await space.durable();
  }

  #find(
    arn: string,
    project: string,
  ): { record: FunctionRecord; qualifier: string | undefined } | undefined {
    const { space, region } = this.#parts;
    const [title = "", qualifier] = arn.split(":").slice(6);
    const record = space.get("function", functionNameOf(project, title));
    if (!record || functionArn(region, record.spec.accountId, title, qualifier) !== arn) return;
    return { record, qualifier };
  }
}
