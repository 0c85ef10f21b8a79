/** What a policy may name in a text: "${aws:username}". Gives the value of a key in lower case, if the request has one. */
export type Variables = (key: string) => string | undefined;

type Part = string | { variable: string; otherwise?: string };

/**
 * Text of a policy in which `*` stands for anything and `?` for one character, and in which variables may stand. Matching
 * takes time in proportion to the lengths multiplied at worst, whatever the pattern: there is no backtracking beyond the last star.
 */
export class Pattern {
  readonly text: string;
  /** Pieces of one character each, when no variable is in it. */
  #plain: string | undefined;
  #parts: readonly Part[] | undefined;
  #ignoresCase: boolean;

  constructor(text: string, asked: { ignoresCase?: boolean; hasVariables?: boolean } = {}) {
    this.text = text;
    this.#ignoresCase = asked.ignoresCase ?? false;
    const cased = this.#ignoresCase ? text.toLowerCase() : text;
    if (asked.hasVariables && text.includes("${")) this.#parts = partsOf(text);
    else this.#plain = cased;
  }

  get isEverything(): boolean {
    return this.#plain === "*";
  }

  /** False where a variable has no value. */
  matches(value: string, variables: Variables): boolean {
    if (this.#plain === "*") return true;
    const pattern = this.#plain ?? filled(this.#parts!, variables);
    if (pattern === undefined) return false;
    return isMatch(pattern, this.#ignoresCase ? value.toLowerCase() : value);
  }

  /** The same for each of the six parts of an ARN. Stars of variables stand for themselves here too. */
  matchesArn(value: string, variables: Variables): boolean {
    const pattern = this.#plain ?? filled(this.#parts!, variables);
    if (pattern === undefined) return false;
    const [parts, given] = [sixParts(pattern), sixParts(value)];
    return (
      parts.length === given.length && parts.every((part, index) => isMatch(part, given[index]!))
    );
  }

  /** With stars standing for themselves; undefined where a variable has no value. */
  literal(variables: Variables): string | undefined {
    if (this.#plain !== undefined) return this.#plain;
    const text = filled(this.#parts!, variables);
    return text?.replaceAll(starMark, "*").replaceAll(oneMark, "?");
  }
}

/** Stand for "*" and "?" that are themselves: characters that no request can have. */
const starMark = "\uE000";
const oneMark = "\uE001";

function filled(parts: readonly Part[], variables: Variables): string | undefined {
  let text = "";
  for (const part of parts) {
    if (typeof part === "string") {
      text += part;
      continue;
    }
    const value = variables(part.variable) ?? part.otherwise;
    if (value === undefined) return undefined;
    text += escaped(value);
  }
  return text;
}

const escaped = (value: string) => value.replaceAll("*", starMark).replaceAll("?", oneMark);

function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const found of text.matchAll(/\$\{([^}]*)\}/g)) {
    if (found.index > at) parts.push(text.slice(at, found.index));
    at = found.index + found[0].length;
    const inside = found[1]!;
    if (inside === "*" || inside === "?" || inside === "$") {
      parts.push(escaped(inside));
      continue;
    }
    const [, name, otherwise] = /^\s*([^,]*?)\s*(?:,\s*'(.*)'\s*)?$/s.exec(inside) ?? [];
    parts.push({
      variable: (name ?? inside).toLowerCase(),
      ...(otherwise !== undefined && { otherwise }),
    });
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}

/** The six parts of an ARN; the last may have colons. */
function sixParts(arn: string): string[] {
  const parts = arn.split(":");
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(":")];
}

/** Whether all of `value` is what the pattern says. */
function isMatch(pattern: string, value: string): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let starFrom = 0;
  while (from < value.length) {
    const wanted = pattern[at];
    if (wanted === "*") {
      star = at++;
      starFrom = from;
      continue;
    }
    if (wanted !== undefined && isSameCharacter(wanted, value[from]!)) {
      at++;
      from++;
      continue;
    }
    if (star < 0) return false;
    at = star + 1;
    from = ++starFrom;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}

function isSameCharacter(wanted: string, got: string): boolean {
  if (wanted === "?" || wanted === got) return true;
  return (wanted === starMark && got === "*") || (wanted === oneMark && got === "?");
}
