import assert from "node:assert/strict";
import { test } from "node:test";
import { CanopyError } from "./errors.ts";
import { ManualClock } from "./manual-clock.ts";
import { Questions } from "./questions.ts";

const refusals = {
  full: () => new CanopyError("limited", "too many"),
  late: () => new CanopyError("timeout", "too late"),
};

test("each question has one answer, of who was asked alone; of one that left, others are not told", async () => {
  const clock = new ManualClock();
  const questions = new Questions<string>(clock, { openMax: 2, patienceMs: 1000 });
  const numbers: number[] = [];
  const ask = (of: string) => questions.ask(of, refusals, (request) => numbers.push(request));
  const [first, second, other] = [ask("a"), ask("a"), ask("b")];
  await assert.rejects(ask("a"), { code: "limited" });
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  questions.answered("b", numbers[0]!, base64("not asked"));
  questions.answered("a", numbers[0]!, base64("one"));
  questions.answered("a", numbers[0]!, base64("two"));
  assert.equal(String(await first), "one");
  const third = ask("a"); // there is room for another
  questions.answered("a", numbers[3]!, new CanopyError("not-found", "it has none"));
  await assert.rejects(third, { code: "not-found" });
  questions.left("a", new CanopyError("unavailable", "gone"));
  await assert.rejects(second, { code: "unavailable" });
  const late = assert.rejects(other, { code: "timeout" });
  await clock.advance(1000);
  await late;
});
