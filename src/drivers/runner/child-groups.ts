import { encodeValue } from "#/model/value.ts";

/** A key that is no string: one object for all that are equal. */
export interface OtherKey {
  key: unknown;
  text: string;
}

/** Values by key. Keys of any kind that can cross between processes; equal when their texts are. */
export class Groups {
  readonly values = new Map<string | OtherKey, unknown[]>();
  #others = new Map<string, OtherKey>();

  /** The values of a key so far, for more to be added. */
  of(key: unknown): unknown[] {
    const id = typeof key === "string" ? key : this.#idOf(key);
    let group = this.values.get(id);
    if (!group) this.values.set(id, (group = []));
    return group;
  }

  clear(): void {
    this.values.clear();
    this.#others.clear();
  }

  #idOf(key: unknown): OtherKey {
    const text = encodeValue(key);
    let id = this.#others.get(text);
    if (!id) this.#others.set(text, (id = { key, text }));
    return id;
  }
}

export const keyOf = (id: string | OtherKey): unknown => (typeof id === "string" ? id : id.key);
export const textOf = (id: string | OtherKey): string => (typeof id === "string" ? id : id.text);

/** FNV-1a over UTF-16 units: the same for equal text on every machine. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}
