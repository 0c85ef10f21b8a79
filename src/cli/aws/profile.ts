/**
 * Puts settings under a heading of an INI file as AWS's tools keep them; all else in it stays as it is, comments too. An
 * indented line belongs to the setting above it.
 */
export function withSection(
  text: string,
  heading: string,
  settings: Readonly<Record<string, string | Readonly<Record<string, string>>>>,
): string {
  const lines = text === "" ? [] : text.replace(/\n$/, "").split("\n");
  const start = lines.findIndex((line) => headingOf(line) === heading);
  const written = Object.entries(settings).flatMap(([name, value]) =>
    typeof value === "string"
      ? [`${name} = ${value}`]
      : [`${name} =`, ...Object.entries(value).map(([inner, one]) => `  ${inner} = ${one}`)],
  );
  if (start < 0) {
    const gap = lines.length > 0 && lines.at(-1) !== "" ? [""] : [];
    return `${[...lines, ...gap, `[${heading}]`, ...written].join("\n")}\n`;
  }
  const after = lines.findIndex((line, at) => at > start && headingOf(line) !== undefined);
  const end = after < 0 ? lines.length : after;
  const kept: string[] = [];
  let isReplaced = false;
  for (const line of lines.slice(start + 1, end)) {
    if (!/^\s/.test(line) || line.trim() === "") {
      const name = /^([^=#;]+?)\s*=/.exec(line)?.[1];
      isReplaced = name !== undefined && Object.hasOwn(settings, name);
    }
    if (!isReplaced) kept.push(line);
  }
  const result = [...lines.slice(0, start + 1), ...written, ...kept, ...lines.slice(end)];
  return `${result.join("\n")}\n`;
}

function headingOf(line: string): string | undefined {
  return /^\[\s*(.*?)\s*\]\s*(?:[#;].*)?$/.exec(line)?.[1];
}
