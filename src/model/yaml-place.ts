import { isMap, isPair, LineCounter, parseDocument, visit, type Document } from "yaml";
import { CanopyError, messageOf, type Place } from "#/base/errors.ts";

/** A fault in a file, by where in its content it is. */
export interface FileFault {
  path: readonly (string | number)[];
  message: string;
  hint: string;
}

/** A YAML (or JSON) text that knows where each of its values stands. */
export class PlacedYaml {
  readonly value: unknown;
  #document: Document;
  #lines = new LineCounter();
  #file: string;

  /** Throws "invalid" with the place when the text is no YAML. */
  constructor(text: string, file: string) {
    this.#file = file;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    const [error] = this.#document.errors;
    if (error) {
      throw new CanopyError("invalid", `Cannot read ${file} as it must be YAML: ${error.message}`, {
        hint: "Mind the indentation; a text with ': ', ' #' or a leading '{', '[', '*', '&' needs quotes",
        place: this.#at(error.pos[0]),
      });
    }
    this.value = this.#resolved();
  }

  /** The values, every alias being what it stands for. */
  #resolved(): unknown {
    visit(this.#document, {
      Alias: (_, alias) => {
        if (alias.resolve(this.#document)) return;
        throw new CanopyError(
          "invalid",
          `Cannot use '*${alias.source}' in ${this.#file} as nothing before it is marked '&${alias.source}'`,
          {
            hint: `Mark what it stands for with '&${alias.source}', or put quotes around it`,
            place: this.#at(alias.range?.[0] ?? 0),
          },
        );
      },
    });
    try {
      return this.#document.toJS();
    } catch (thrown) {
      // Aliases of aliases may stand for more than any memory holds.
      throw new CanopyError("invalid", `Cannot read ${this.#file}: ${messageOf(thrown)}`, {
        hint: "Use fewer aliases",
        place: this.#at(0),
      });
    }
  }

  /** Where the value at `path` begins; of what is missing, where that which lacks it does. */
  place(path: readonly (string | number)[]): Place {
    for (let length = path.length; length > 0; length--) {
      const offset = this.#offsetOf(path.slice(0, length));
      if (offset !== undefined) return this.#at(offset);
    }
    return this.#at(this.#document.contents?.range?.[0] ?? 0);
  }

  /** Where the key at the end of `path` stands, for one that should not be there. */
  keyPlace(path: readonly (string | number)[]): Place {
    const parent = this.#document.getIn(path.slice(0, -1), true);
    const pair = isMap(parent)
      ? parent.items.find((item) => isPair(item) && String(item.key) === String(path.at(-1)))
      : undefined;
    const range = (pair?.key as { range?: [number, number, number] } | undefined)?.range;
    return range ? this.#at(range[0]) : this.place(path);
  }

  /** One error of all faults: the first with its place, the others named behind it. */
  error(faults: readonly (FileFault & { place?: Place })[]): CanopyError {
    const placed = faults.map((fault) => ({
      ...fault,
      place: fault.place ?? this.place(fault.path),
    }));
    placed.sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
    const [first, ...others] = placed;
    const shown = others
      .slice(0, 9)
      .map(({ place, message }) => `\n${placeText(place)}: ${message}`);
    const rest = others.length > 9 ? `\n(and ${others.length - 9} more)` : "";
    return new CanopyError("invalid", first!.message + shown.join("") + rest, {
      hint: first!.hint,
      place: first!.place,
    });
  }

  #offsetOf(path: readonly (string | number)[]): number | undefined {
    const node = this.#document.getIn(path, true);
    return (node as { range?: [number, number, number] } | undefined)?.range?.[0];
  }

  #at(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(1, line), column: Math.max(1, col) };
  }
}

/** "job.yaml:3:7". */
export function placeText({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}
