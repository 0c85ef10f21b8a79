/**
 * A line for a shell, into which values of a task's input go where it says "{name}" or "{}". A value put
 * into the text as it is could end a quotation and run as code, so none is: each travels in a variable
 * of the environment, and the text gets that variable, quoted as its surroundings need.
 */
export interface ShellLine {
  command: string[];
  /** Variables, whose values are again "{name}" or "{}". */
  env: Record<string, string>;
}

const placeholder = /^\{([A-Za-z_][A-Za-z0-9_.-]*)?\}/;

/** `names`: members that an input may have; other braces are the shell's own and are left alone. */
export function shellLine(text: string, names: ReadonlySet<string>): ShellLine {
  const env: Record<string, string> = {};
  let quote: "none" | "single" | "double" = "none";
  let line = "";
  for (let index = 0; index < text.length;) {
    const letter = text[index]!;
    const [found, name = ""] =
      (letter === "{" && text[index - 1] !== "$" && placeholder.exec(text.slice(index))) || [];
    if (found !== undefined && (name === "" || names.has(name))) {
      const variable = variableFor(name, env);
      env[variable] = found;
      line += quoted(variable, quote);
      index += found.length;
    } else if (letter === "\\" && quote !== "single") {
      line += text.slice(index, index + 2);
      index += 2;
    } else {
      if (letter === "'" && quote !== "double") quote = quote === "single" ? "none" : "single";
      if (letter === '"' && quote !== "single") quote = quote === "double" ? "none" : "double";
      line += letter;
      index++;
    }
  }
  return { command: ["/bin/sh", "-c", line], env };
}

function quoted(variable: string, quote: "none" | "single" | "double"): string {
  if (quote === "double") return `\${${variable}}`;
  return quote === "none" ? `"\${${variable}}"` : `'"\${${variable}}"'`;
}

/** Names that differ only in letters that a variable cannot have get a number. */
function variableFor(name: string, env: Readonly<Record<string, string>>): string {
  const base =
    name === "" ? "CANOPY_INPUT" : `CANOPY_INPUT_${name.replaceAll(/[^A-Za-z0-9_]/g, "_")}`;
  for (let number = 1; ; number++) {
    const variable = number === 1 ? base : `${base}_${number}`;
    if (env[variable] === undefined || env[variable] === `{${name}}`) return variable;
  }
}
