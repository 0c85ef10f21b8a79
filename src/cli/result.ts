import type { Output, Tone } from "./terminal.ts";

/** What a command gives back. One renderer prints it, for a person, for a pipe, or as JSON. */
export type Result =
  | {
      type: "table";
      rows: readonly object[];
      columns: readonly Column[];
      empty: string;
      note?: string | undefined;
    }
  | { type: "record"; value: object; fields: readonly Field[] }
  /** `value` is what --json gives; `text` what people read. */
  | { type: "text"; value: object; text: (out: Output) => string; note?: string | undefined }
  /** Something was done: `message` is a note, and a pipe gets nothing. */
  | { type: "done"; value: object; message: string };

export interface Column {
  title: string;
  /** What stands there, and how it is painted for a person. */
  of: (row: never) => Cell;
  align?: "right";
  /** May be cut where the terminal is narrow. */
  flexible?: boolean;
}

export type Cell = string | { text: string; tone: Tone };

export interface Field {
  title: string;
  value: Cell | undefined;
}

/** A column of rows of one type. */
export function column<Row>(
  title: string,
  of: (row: Row) => Cell,
  more: Pick<Column, "align" | "flexible"> = {},
): Column {
  return { title, of: of as Column["of"], ...more };
}
