/**
 * Puts an input into a command's words: "{}" stands for all of it, "{name}" for that member. Text goes
 * in as it is, anything else as JSON. What names no member stays as it was written, braces and all:
 * commands have uses of their own for them.
 */
export function substitute(word: string, input: unknown): string {
  if (!word.includes("{")) return word;
  return word.replace(/\{([A-Za-z_][\w.-]*)?\}/g, (written, name: string | undefined) => {
    if (name === undefined) return textOf(input);
    const isObject = typeof input === "object" && input !== null && Object.hasOwn(input, name);
    return isObject ? textOf((input as Record<string, unknown>)[name]) : written;
  });
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
