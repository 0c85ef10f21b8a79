/**
 * Text as Signature Version 4 sees it: bytes, of which all but A-Z a-z 0-9 - . _ ~ are written "%XX" in upper case
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). What came is read
 * byte by byte, as it need not be UTF-8.
 */
const encoded = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return /[A-Za-z0-9\-._~]/.test(character)
    ? character
    : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
});

const plainPath = /^[A-Za-z0-9\-._~/]*$/;
const plainText = /^[A-Za-z0-9\-._~]*$/;

/** A path as it came, every byte written the one way; slashes stay. */
export function canonicalPath(path: string): string {
  if (path === "") return "/";
  return plainPath.test(path) ? path : rewritten(path, true, false);
}

/** A path of a service that encodes twice: what came, dots resolved, encoded as it is. */
export function canonicalPathTwice(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(segment);
  }
  const end = kept.length > 0 && path.endsWith("/") ? "/" : "";
  const text = Buffer.from(`/${kept.join("/")}${end}`, "latin1");
  let out = "";
  for (const byte of text) out += byte === slash ? "/" : encoded[byte]!;
  return out;
}

/** The query as it came ("a=1&b"), sorted, without `without`. */
export function canonicalQuery(query: string, without?: string): string {
  if (query === "") return "";
  const pairs: [string, string][] = [];
  for (const piece of query.split("&")) {
    if (piece === "") continue;
    const equals = piece.indexOf("=");
    const name = text(equals < 0 ? piece : piece.slice(0, equals));
    if (name === without) continue;
    pairs.push([name, equals < 0 ? "" : text(piece.slice(equals + 1))]);
  }
  if (pairs.length > 1) pairs.sort(byNameAndValue);
  let out = "";
  for (const [name, value] of pairs) out += out === "" ? `${name}=${value}` : `&${name}=${value}`;
  return out;
}

/** What a value of a query or a form says; undefined where it is not encoded as such, or no UTF-8. */
export function decodedStrictly(value: string): string | undefined {
  const spaced = value.includes("+") ? value.replaceAll("+", " ") : value;
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return undefined;
  }
}

/** The same of anything: bytes that are no UTF-8 become U+FFFD, and percent signs that encode nothing stay. */
export function decoded(value: string): string {
  return decodedStrictly(value) ?? Buffer.from([...bytesOf(value, true)]).toString("utf8");
}

function byNameAndValue(a: [string, string], b: [string, string]): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  return a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0;
}

function text(value: string): string {
  return plainText.test(value) ? value : rewritten(value, false, true);
}

const slash = 0x2f;

function rewritten(value: string, keepsSlashes: boolean, plusIsSpace: boolean): string {
  let out = "";
  for (let at = 0; at < value.length; at++) {
    let byte = value.charCodeAt(at) & 0xff;
    if (byte === slash && keepsSlashes) {
      out += "/";
      continue;
    }
    if (byte === 0x25) {
      const escaped = escapeAt(value, at + 1);
      if (escaped >= 0) {
        byte = escaped;
        at += 2;
        // A slash that was written "%2F" is the same path.
        if (byte === slash && keepsSlashes) {
          out += "/";
          continue;
        }
      }
    } else if (byte === 0x2b && plusIsSpace) byte = 0x20;
    out += encoded[byte]!;
  }
  return out;
}

function* bytesOf(value: string, plusIsSpace: boolean): Generator<number> {
  for (let at = 0; at < value.length; at++) {
    const byte = value.charCodeAt(at) & 0xff;
    const escaped = byte === 0x25 ? escapeAt(value, at + 1) : -1;
    if (escaped >= 0) at += 2;
    yield escaped >= 0 ? escaped : byte === 0x2b && plusIsSpace ? 0x20 : byte;
  }
}

/** The byte that two hexadecimal digits name; -1 when they are none. */
function escapeAt(value: string, at: number): number {
  const high = digitAt(value, at);
  const low = digitAt(value, at + 1);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function digitAt(value: string, at: number): number {
  const code = value.charCodeAt(at);
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 65 && code <= 70) return code - 55;
  if (code >= 97 && code <= 102) return code - 87;
  return -1;
}
