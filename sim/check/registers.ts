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
    // One that was not answered need not have been carried out at all: where it does nothing, it was not.
    if (output === undefined) return fits ? input.value : undefined;
    if (output === "conflict") return fits ? undefined : state;
    return fits ? input.value : undefined;
  },
  keyOf: (state) => state ?? "",
};

/** Another record after so many calls: long histories take long to judge. */
const callsMax = 100;

/** Records that all users read and swap, one after the other, and what they were told of them. */
export class Registers {
  #histories: Operation<Input, Output>[][] = [[]];
  #seen: string | null = null;
  #swaps = 0;

  async read(client: Client): Promise<void> {
    const { path, history } = this.#current();
    const calledAt = client.nowMs;
    const reply = await client.once("GET", path);
    if (reply?.status !== 200) return; // a read that was not answered tells nothing
    const value = reply.value as string | null;
    history.push({
      input: { type: "read" },
      output: { value },
      calledAt,
      answeredAt: client.nowMs,
    });
    if (history === this.#current().history) this.#seen = value;
  }

  async swap(client: Client): Promise<void> {
    const { path, history } = this.#current();
    const calledAt = client.nowMs;
    const expected = this.#seen;
    const value = `v${++this.#swaps}`;
    const body = { ...(expected !== null && { expected }), value };
    const reply = await client.once("POST", path, body);
    const output =
      reply?.status === 200 ? { value } : reply?.status === 409 ? ("conflict" as const) : undefined;
    const input = { type: "swap", expected, value } as const;
    history.push({ input, output, calledAt, answeredAt: client.nowMs });
  }

  check(): void {
    for (const history of this.#histories) {
      const verdict = checkLinearizable(model, history);
      if (verdict.linearizable) continue;
      const told = verdict.stuck.map((at) => JSON.stringify(history[at]));
      throw new Violation(`no order of the calls to one record explains: ${told.join(", ")}`);
    }
  }

  #current(): { path: string; history: Operation<Input, Output>[] } {
    if (this.#histories.at(-1)!.length >= callsMax) {
      this.#histories.push([]);
      this.#seen = null;
    }
    const number = this.#histories.length;
    return { path: `/sim/registers/register-${number}`, history: this.#histories.at(-1)! };
  }
}
