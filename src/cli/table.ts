import { stripVTControlCharacters } from "node:util";
import type { Cell, Column } from "./result.ts";
import type { Output } from "./terminal.ts";

const gap = "  ";
const flexibleWidthMin = 8;

/**
 * Rows as text: for a person aligned under titles and cut to the width of the terminal, for a pipe one
 * line per row with tabs between, nothing cut and no titles.
 */
export function tableText(
  rows: readonly object[],
  columns: readonly Column[],
  out: Output,
): string {
  const cells = rows.map((row) => columns.map((column) => column.of(row as never)));
  if (!out.isTty) {
    return cells.map((line) => `${line.map(textOf).join("\t")}\n`).join("");
  }
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...cells.map((line) => widthOf(textOf(line[at]!)))),
  );
  narrow(widths, columns, out.columns);
  const lines = cells.map((line) =>
    line.map((cell, at) => laid(cell, columns[at]!, widths[at]!, out)),
  );
  const titles = columns.map((column, at) =>
    out.paint("dim", padded(column.title.toUpperCase(), widths[at]!, column.align)),
  );
  return [titles, ...lines].map((line) => `${line.join(gap).trimEnd()}\n`).join("");
}

/** Takes what does not fit from the flexible columns, the widest first. */
function narrow(widths: number[], columns: readonly Column[], widthMax: number): void {
  let excess =
    widths.reduce((sum, width) => sum + width, 0) + gap.length * (widths.length - 1) - widthMax;
  while (excess > 0) {
    let widest = -1;
    columns.forEach(({ flexible }, at) => {
      if (
        flexible &&
        widths[at]! > flexibleWidthMin &&
        (widest < 0 || widths[at]! > widths[widest]!)
      )
        widest = at;
    });
    if (widest < 0) return;
    widths[widest]!--;
    excess--;
  }
}

function laid(cell: Cell, column: Column, width: number, out: Output): string {
  const text = padded(fitted(textOf(cell), width), width, column.align);
  return typeof cell === "string" ? text : out.paint(cell.tone, text);
}

function textOf(cell: Cell): string {
  return printable(typeof cell === "string" ? cell : cell.text);
}

/** A text that others wrote, on one line and without what would move a terminal's cursor. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return stripVTControlCharacters(text).replaceAll(/[\x00-\x1f\x7f-\x9f]/g, " ");
}

export function padded(text: string, width: number, align?: "right"): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return align === "right" ? space + text : text + space;
}

/** The text, or as much of it as fits with "…" at its end. */
export function fitted(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let cut = "";
  let used = 0;
  for (const character of text) {
    used += widthOf(character);
    if (used > width - 1) break;
    cut += character;
  }
  return `${cut}…`;
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const without = /\p{Mark}|\u200d|[\ufe00-\ufe0f]/u;

/** Columns that a text takes in a terminal. */
export function widthOf(text: string): number {
  // oxlint-disable-next-line no-control-regex
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of stripVTControlCharacters(text)) {
    if (!without.test(character)) width += wide.test(character) ? 2 : 1;
  }
  return width;
}
