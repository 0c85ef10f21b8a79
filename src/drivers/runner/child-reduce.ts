import { appendFileSync, readFileSync, rmSync } from "node:fs";
import { limits } from "#/base/limits.ts";
import { decodeValue, encodeValue } from "#/model/value.ts";
import { Groups, hashOf, isThenable, keyOf, textOf } from "./child-groups.ts";
import type { Definition } from "./child-module.ts";

/** Files that a partition too large for memory is split into. */
const splits = 16;

/**
 * Gathers one partition and reduces it key by key. Past its limit it divides the keys
 * over files by another hash, then reduces file after file: each holds all values of its keys.
 */
export class Reduction {
  #groups = new Groups();
  #held = 0;
  #files: string[] | undefined;
  #fault: Error | undefined;
  #name: string;

  #bytesMax: number;

  /** `name` begins the paths of its files. */
  constructor(name: string, bytesMax: number = limits.reduceBytesMax) {
    this.#name = name;
    this.#bytesMax = bytesMax;
  }

  /** Takes a line of a segment. Keeps what is wrong with it for `run` to throw. */
  feed(line: string): void {
    if (this.#fault) return;
    try {
      this.#add(line);
      this.#held += line.length;
      if (this.#held > this.#bytesMax) this.#split();
    } catch (thrown) {
      this.#fault = thrown as Error;
    }
  }

  /** Gives [key, result] pairs in the order of their keys' texts. */
  async run(reduce: NonNullable<Definition["reduce"]>): Promise<[unknown, unknown][]> {
    if (this.#fault) throw this.#fault;
    const pairs: { text: string; pair: [unknown, unknown] }[] = [];
    if (this.#files) this.#split();
    for (const file of this.#files ?? [undefined]) {
      if (file)
        for (const line of readFileSync(file, "utf8").split("\n")) if (line) this.#add(line);
      for (const [id, values] of this.#groups.values) {
        const key = keyOf(id);
        const reduced = reduce(key, values);
        const value = isThenable(reduced) ? await reduced : reduced;
        pairs.push({ text: textOf(id), pair: [key, value] });
      }
      this.#groups.clear();
    }
    this.drop();
    return pairs.sort((a, b) => (a.text < b.text ? -1 : 1)).map(({ pair }) => pair);
  }

  drop(): void {
    for (const file of this.#files ?? []) rmSync(file, { force: true });
    this.#files = undefined;
  }

  #add(line: string): void {
    const parts = decodeValue(line) as unknown[];
    for (let at = 0; at < parts.length; at += 2) {
      const group = this.#groups.of(parts[at]);
      for (const value of parts[at + 1] as unknown[]) group.push(value);
    }
  }

  #split(): void {
    this.#files ??= Array.from({ length: splits }, (_, split) => {
      const file = `${this.#name}-${split}.ndjson`;
      appendFileSync(file, "");
      return file;
    });
    const open = this.#files.map(() => [] as unknown[]);
    for (const [id, values] of this.#groups.values) {
      // Keys of one partition agree in part of their hash, so it is mixed again.
      const split = Math.imul(hashOf(textOf(id)), 0x9e3779b1) >>> 28;
      open[split]!.push(keyOf(id), values);
    }
    open.forEach((parts, split) => {
      if (parts.length > 0) appendFileSync(this.#files![split]!, `${encodeValue(parts)}\n`);
    });
    this.#groups.clear();
    this.#held = 0;
  }
}
