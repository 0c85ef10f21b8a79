import { selectFields } from "./fields.ts";
import type { Result } from "./result.ts";
import { padded, tableText } from "./table.ts";
import type { Output, Terminal } from "./terminal.ts";

/**
 * Prints what a command gave: the one place where results become text. `json` is what --json asked
 * for: undefined for none, "*" for all, else names of fields.
 */
export function render(result: Result, { out, err }: Terminal, json: string | undefined): void {
  if (json !== undefined) {
    out.write(`${jsonText(result.type === "table" ? result.rows : result.value, json, out)}\n`);
    return;
  }
  switch (result.type) {
    case "table":
      if (result.rows.length > 0) out.write(tableText(result.rows, result.columns, out));
      else err.write(`${result.empty}\n`);
      if (result.note !== undefined) err.write(`${result.note}\n`);
      return;
    case "record": {
      const fields = result.fields.filter(({ value }) => value !== undefined && value !== "");
      const width = Math.max(0, ...fields.map(({ title }) => title.length));
      for (const { title, value } of fields) {
        const text = typeof value === "string" ? value : out.paint(value!.tone, value!.text);
        out.write(
          out.isTty
            ? `${out.paint("dim", padded(title, width))}  ${text}\n`
            : `${title}\t${text}\n`,
        );
      }
      return;
    }
    case "text":
      out.write(result.text(out));
      if (result.note !== undefined) err.write(`${result.note}\n`);
      return;
    case "done":
      err.write(`${result.message}\n`);
  }
}

function jsonText(value: object, json: string, out: Output): string {
  return JSON.stringify(selectFields(value, json), undefined, out.isTty ? 2 : undefined);
}
