/**
 * The same answer, come to in another way, to check the first one by: raw bytes in place of parsed
 * JSON, a hand-written reader in place of regular expressions, a trie and a counting sort in place
 * of maps and merges, and the statistic by entropies in place of expected counts. It shares no code
 * with what it checks, and runs on one processor without Canopy.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What is checked. Mails are numbered in the order of their folders' and files' names. */
export interface Answer {
  spamMails: number;
  hamMails: number;
  /** Every word with the mails that hold it, both ascending. */
  index: [word: string, mails: number[]][];
  /** The words that tell most, of each kind, the most telling first. */
  spamWords: Telling[];
  hamWords: Telling[];
}

export interface Telling {
  word: string;
  spam: number;
  ham: number;
  g2: number;
}

const shortest = 3;
const longest = 20;
const encodedLine = 60;

/** Throws, naming the first difference, unless `answer` is exactly what this computes of the mails in `folder`. */
export function check(answer: Answer, folder: string): { words: number; postings: number } {
  const trie = new Trie();
  const isSpam: boolean[] = [];
  for (const group of readdirSync(folder).toSorted()) {
    if (group.includes(".")) continue;
    for (const file of readdirSync(join(folder, group)).toSorted()) {
      if (!file.endsWith(".txt")) continue;
      read(readFileSync(join(folder, group, file)), trie, isSpam.length);
      isSpam.push(group.startsWith("spam"));
    }
  }
  const spamMails = isSpam.filter(Boolean).length;
  same("the number of spam mails", answer.spamMails, spamMails);
  same("the number of ham mails", answer.hamMails, isSpam.length - spamMails);

  const lists = trie.postings();
  const telling: Telling[] = [];
  let place = 0;
  for (const [word, node] of trie.words()) {
    const mails = lists(node);
    const [itsWord, itsMails] = answer.index[place++] ?? ["nothing", []];
    same(`word ${place}`, itsWord, word);
    same(`the mails of '${word}'`, itsMails.join(" "), mails.join(" "));
    const spam = mails.reduce((sum, mail) => sum + (isSpam[mail] ? 1 : 0), 0);
    const ham = mails.length - spam;
    telling.push({
      word,
      spam,
      ham,
      g2: byEntropies(spam, ham, spamMails, isSpam.length - spamMails),
    });
  }
  same("the number of words", answer.index.length, place);

  const hamMails = isSpam.length - spamMails;
  const leans = ({ spam, ham }: Telling) => spam * hamMails - ham * spamMails;
  ranked(
    "spam",
    answer.spamWords,
    telling.filter((one) => leans(one) > 0),
  );
  ranked(
    "ham",
    answer.hamWords,
    telling.filter((one) => leans(one) < 0),
  );
  return { words: place, postings: trie.postingCount };
}

/** Takes apart one mail. Its words go into the trie. */
function read(mail: Uint8Array, trie: Trie, number: number): void {
  const body = bodyOf(mail);
  for (let at = 0; at < body.length;) {
    if (body[at] === 0x3c && startsTag(body[at + 1])) {
      const end = body.indexOf(0x3e, at + 2);
      if (end >= 0) {
        at = end + 1;
        continue;
      }
    }
    const start = at;
    while (letter(body[at]) >= 0) at++;
    const length = at - start;
    if (length >= shortest && length <= longest) trie.add(body, start, at, number);
    if (length === 0) at++;
  }
}

/** What follows the first empty line, without lines of encoded data. */
function bodyOf(mail: Uint8Array): Uint8Array {
  const kept = new Uint8Array(mail.length + 1);
  let length = 0;
  let inBody = false;
  for (let start = 0; start < mail.length;) {
    const newline = mail.indexOf(0x0a, start);
    const end = newline < 0 ? mail.length : newline;
    const bare = end > start && mail[end - 1] === 0x0d ? end - 1 : end;
    if (!inBody) inBody = bare === start;
    else if (!isEncoded(mail, start, bare)) {
      kept.set(mail.subarray(start, end), length);
      length += end - start;
      kept[length++] = 0x0a;
    }
    start = end + 1;
  }
  return kept.subarray(0, length);
}

function isEncoded(mail: Uint8Array, start: number, end: number): boolean {
  if (end - start < encodedLine) return false;
  for (let at = start; at < end; at++) {
    const byte = mail[at]!;
    const isDigit = byte >= 0x30 && byte <= 0x39;
    if (letter(byte) < 0 && !isDigit && byte !== 0x2b && byte !== 0x2f && byte !== 0x3d)
      return false;
  }
  return true;
}

function startsTag(byte: number | undefined): boolean {
  return byte === 0x2f || byte === 0x21 || letter(byte) >= 0;
}

/** 0 to 25 for a letter of either case, else -1. */
function letter(byte: number | undefined): number {
  const lower = (byte ?? 0) | 0x20;
  return byte !== undefined && byte >= 0x41 && lower >= 0x61 && lower <= 0x7a ? lower - 0x61 : -1;
}

/** Words as paths of letters. Every word is one node; its mails are kept aside as pairs and sorted at the end. */
class Trie {
  #next = new Int32Array(26 << 16);
  #nodes = 1;
  /** By node: the last mail that was noted, plus one. */
  #seen = new Int32Array(1 << 16);
  #pairs = new Int32Array(1 << 16);
  postingCount = 0;

  add(bytes: Uint8Array, start: number, end: number, mail: number): void {
    let node = 0;
    for (let at = start; at < end; at++) {
      const edge = node * 26 + letter(bytes[at]);
      node = this.#next[edge]! || this.#grow(edge);
    }
    if (this.#seen[node] === mail + 1) return;
    this.#seen[node] = mail + 1;
    if (2 * this.postingCount === this.#pairs.length) this.#pairs = twice(this.#pairs);
    this.#pairs[2 * this.postingCount] = node;
    this.#pairs[2 * this.postingCount++ + 1] = mail;
  }

  #grow(edge: number): number {
    if (this.#nodes === this.#seen.length) {
      this.#next = twice(this.#next);
      this.#seen = twice(this.#seen);
    }
    return (this.#next[edge] = this.#nodes++);
  }

  /** A counting sort of all pairs by node; mails came in ascending order and stay so. */
  postings(): (node: number) => number[] {
    const starts = new Int32Array(this.#nodes + 1);
    for (let pair = 0; pair < this.postingCount; pair++) starts[this.#pairs[2 * pair]! + 1]!++;
    for (let node = 0; node < this.#nodes; node++) starts[node + 1]! += starts[node]!;
    const places = starts.slice();
    const mails = new Int32Array(this.postingCount);
    for (let pair = 0; pair < this.postingCount; pair++) {
      mails[places[this.#pairs[2 * pair]!]!++] = this.#pairs[2 * pair + 1]!;
    }
    return (node) => [...mails.subarray(starts[node], starts[node + 1])];
  }

  /** Every word with its node, by the alphabet. */
  *words(node = 0, path = ""): Generator<[word: string, node: number]> {
    if (this.#seen[node]! > 0) yield [path, node];
    for (let sign = 0; sign < 26; sign++) {
      const next = this.#next[node * 26 + sign]!;
      if (next > 0) yield* this.words(next, path + String.fromCharCode(0x61 + sign));
    }
  }
}

function twice(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(array.length * 2);
  grown.set(array);
  return grown;
}

/** G² as twice the mutual information in nats, times the number of mails: 2 (Σ k ln k - Σ rows - Σ columns + n ln n). */
function byEntropies(spam: number, ham: number, spamMails: number, hamMails: number): number {
  const h = (count: number) => (count === 0 ? 0 : count * Math.log(count));
  const cells = h(spam) + h(ham) + h(spamMails - spam) + h(hamMails - ham);
  const columns = h(spamMails) + h(hamMails);
  const rows = h(spam + ham) + h(spamMails + hamMails - spam - ham);
  return 2 * (cells - columns - rows + h(spamMails + hamMails));
}

/** Equal counts have equal statistics; between those the alphabet decides. */
function ranked(kind: string, given: Telling[], all: Telling[]): void {
  const wanted = all.toSorted((a, b) =>
    close(a.g2, b.g2) ? (a.word < b.word ? -1 : 1) : b.g2 - a.g2,
  );
  for (const [place, one] of given.entries()) {
    const right = wanted[place];
    same(
      `${kind} word ${place + 1}`,
      `${one.word} ${one.spam} ${one.ham}`,
      `${right?.word} ${right?.spam} ${right?.ham}`,
    );
    if (!close(one.g2, right!.g2)) same(`the statistic of '${one.word}'`, one.g2, right!.g2);
  }
}

/** The two formulas round differently; values of unequal counts lie further apart than this. */
function close(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
}

function same(what: string, given: unknown, wanted: unknown): void {
  if (given !== wanted)
    throw new Error(`${what} must be ${String(wanted)}: current value is ${String(given)}`);
}
