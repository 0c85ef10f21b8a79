import { checkLinearizable, type Model, type Operation } from "../../chaos/linearizability.ts";
import type { Client } from "../load/client.ts";
import { Violation } from "./violation.ts";

type Input = { type: "read" } | { type: "swap"; expected: string | null; value: string };
/** What is there afterwards, or that a swap was refused. */
type Output = { value: string | null } | "conflict";

const model: Model<string | null, Input, Output> = {
  initial: null,
  step(state, input, output) {
    if (input.type === "read")
      return output === undefined || (output !== "conflict" && output.value === state)
        ? state
        : undefined;
    const fits = state === input.expected;
    if (output === undefined) return fits ? input.value : state;
    if (output === "conflict") return fits ? undefined : state;
    return fits ? input.value : undefined;
  },
  keyOf: (state) => state ?? "",
};

const path = "/sim/register";

/** One record that all users read and swap, and what they were told of it. */
export class Registers {
  #history: Operation<Input, Output>[] = [];
  #seen: string | null = null;

  get operations(): number {
    return this.#history.length;
  }

  async read(client: Client): Promise<void> {
    const calledAt = client.nowMs;
    const reply = await client.once("GET", path);
    if (reply?.status !== 200) return; // a read that was not answered tells nothing
    this.#seen = reply.value as string | null;
    this.#note({ type: "read" }, calledAt, client.nowMs, { value: this.#seen });
  }

  async swap(client: Client, value: string): Promise<void> {
    const calledAt = client.nowMs;
    const expected = this.#seen;
    const body = { ...(expected !== null && { expected }), value };
    const reply = await client.once("POST", path, body);
    const output =
      reply?.status === 200 ? { value } : reply?.status === 409 ? ("conflict" as const) : undefined;
    this.#note({ type: "swap", expected, value }, calledAt, client.nowMs, output);
  }

  #note(input: Input, calledAt: number, answeredAt: number, output: Output | undefined): void {
    this.#history.push({ input, output, calledAt, answeredAt });
  }

  check(): void {
    const verdict = checkLinearizable(model, this.#history);
    if (verdict.linearizable) return;
    const told = verdict.stuck.map((at) => JSON.stringify(this.#history[at]));
    throw new Violation(`no order of the calls to one record explains: ${told.join(", ")}`);
  }
}
