/** An import or a re-export, as it is written. */
export interface Import {
  specifier: string;
  line: number;
  /** `import type`, `export type`: gone when the program runs. */
  typeOnly: boolean;
  /** `import(…)`. */
  dynamic: boolean;
  reexport: boolean;
}

/**
 * The code of a TypeScript source with all comments, and the insides of strings, templates and
 * regular expressions, replaced by spaces (every place keeps its offset), and its imports.
 *
 * It reads tokens only as far as needed to know what is text and what is code. TypeScript 7 has no
 * JavaScript interface, and a whole parser is not needed for this.
 */
export function scan(source: string): { code: string; imports: Import[] } {
  const code = blankText(source);
  return { code, imports: [...findImports(source, code)].toSorted((a, b) => a.line - b.line) };
}

const staticImport =
  /^[ \t]*(import|export)\s+(type\s(?!\s*from\s*["']))?(?:[^"';()=]*?[\s}*]from\s*)?(["'])( *)\3/gm;
const dynamicImport = /\bimport\s*\(\s*(["'])( *)\1/g;

function* findImports(source: string, code: string): Generator<Import> {
  for (const match of code.matchAll(staticImport)) {
    const [text, word, type, quote = "", inside = ""] = match;
    if (word === "export" && !/\bfrom\s*$/.test(text.slice(0, -inside.length - 2 * quote.length)))
      continue;
    yield read(match.index + text.length - 1 - inside.length, inside.length, {
      typeOnly: type !== undefined,
      dynamic: false,
      reexport: word === "export",
    });
  }
  for (const match of code.matchAll(dynamicImport)) {
    const [text, , inside = ""] = match;
    const start = match.index + text.length - 1 - inside.length;
    yield read(start, inside.length, { typeOnly: false, dynamic: true, reexport: false });
  }

  function read(start: number, length: number, more: Omit<Import, "specifier" | "line">): Import {
    const line = source.slice(0, start).split("\n").length;
    return { specifier: source.slice(start, start + length), line, ...more };
  }
}

/** After one of these words or signs a slash begins a regular expression; after anything else it divides. */
const beforeRegex =
  /(?:^|[-+*%=<>!&|^~?:;,([{}]|\b(?:return|typeof|case|in|of|do|else|void|delete|throw|await|yield|new))$/;

export function blankText(source: string): string {
  let code = "";
  let at = 0;
  /** Open brackets of `${…}` within templates: how deep each one stands. */
  const templates: number[] = [];
  let depth = 0;

  const keep = (length: number) => {
    code += source.slice(at, at + length);
    at += length;
  };
  const hide = (until: number) => {
    code += source.slice(at, until).replaceAll(/[^\n]/g, " ");
    at = until;
  };
  /** Where the text that begins here ends: at the first `end` that no backslash guards. */
  const endOf = (end: RegExp) => {
    let place = at;
    while (place < source.length && !end.test(source.slice(place, place + 2)))
      place += source[place] === "\\" ? 2 : 1;
    return Math.min(place, source.length);
  };
  const template = () => {
    hide(endOf(/^(?:`|\$\{)/));
    if (source[at] === "`") return keep(1);
    templates.push(depth++);
    keep(2);
  };

  while (at < source.length) {
    const [sign, next] = [source[at]!, source[at + 1]];
    if (sign === "/" && next === "/") hide(indexOr(source, "\n", at));
    else if (sign === "/" && next === "*") hide(indexOr(source, "*/", at) + 2);
    else if (sign === '"' || sign === "'") {
      keep(1);
      hide(endOf(sign === '"' ? /^["\n]/ : /^['\n]/));
      keep(1);
    } else if (sign === "`") {
      keep(1);
      template();
    } else if (sign === "/" && beforeRegex.test(code.trimEnd().slice(-12))) {
      keep(1);
      hideRegex();
    } else {
      if (sign === "{") depth++;
      if (sign === "}") depth--;
      keep(1);
      if (sign === "}" && templates.at(-1) === depth) {
        templates.pop();
        template();
      }
    }
  }
  return code.slice(0, source.length);

  function hideRegex(): void {
    let inClass = false;
    let place = at;
    for (; place < source.length && source[place] !== "\n"; place++) {
      if (source[place] === "\\") place++;
      else if (source[place] === "[") inClass = true;
      else if (source[place] === "]") inClass = false;
      else if (source[place] === "/" && !inClass) break;
    }
    hide(Math.min(place, source.length));
    keep(1);
  }
}

function indexOr(source: string, text: string, from: number): number {
  const index = source.indexOf(text, from);
  return index < 0 ? source.length : index;
}
