// oxlint-disable-next-line no-control-regex
const special = /[&<>"\u0000-\u001F\u0085\u2028\uFFFE\uFFFF]/;

/**
 * Text between tags. Control characters are written by number, as S3 does, though XML 1.0 knows
 * most of them not even so; a parser that keeps to the letter refuses those, hence encoding-type=url.
 */
export function escapeXml(text: string): string {
  if (!special.test(text)) return text;
  let escaped = "";
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (character === "&") escaped += "&amp;";
    else if (character === "<") escaped += "&lt;";
    else if (character === ">") escaped += "&gt;";
    else if (character === '"') escaped += "&quot;";
    else if (code < 32 || code === 0x85 || code === 0x2028 || code === 0xfffe || code === 0xffff)
      escaped += `&#x${code.toString(16).toUpperCase()};`;
    else escaped += character;
  }
  return escaped;
}
