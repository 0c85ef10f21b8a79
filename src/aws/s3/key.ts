import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * What a path's part means, percent-decoded: any bytes that are UTF-8, no sequence more special than another
 * ("../" is five letters of a name). Throws "InvalidURI".
 */
export function decodePath(part: string): string {
  if (!needsDecoding(part)) return part;
  const bytes = Buffer.allocUnsafe(part.length);
  let length = 0;
  for (let index = 0; index < part.length; index++) {
    let code = part.charCodeAt(index);
    if (code === 37) {
      const high = hexDigit(part.charCodeAt(index + 1));
      const low = hexDigit(part.charCodeAt(index + 2));
      if (high < 0 || low < 0) throw invalidUri();
      code = high * 16 + low;
      index += 2;
    } else if (code > 255) throw invalidUri();
    bytes[length++] = code;
  }
  try {
    return utf8.decode(bytes.subarray(0, length));
  } catch {
    throw invalidUri();
  }
}

/** Throws "KeyTooLongError" for what is longer than S3's 1,024 bytes. */
export function checkKey(key: string): string {
  if (key.length * 3 <= limits.objectKeyBytesMax) return key;
  const size = Buffer.byteLength(key);
  if (size <= limits.objectKeyBytesMax) return key;
  throw new AwsError("KeyTooLongError", 400, "Your key is too long", {
    fields: { Size: String(size), MaxSizeAllowed: String(limits.objectKeyBytesMax) },
  });
}

export function invalidUri(): AwsError {
  return new AwsError("InvalidURI", 400, "Couldn't parse the specified URI.");
}

function needsDecoding(part: string): boolean {
  for (let index = 0; index < part.length; index++) {
    const code = part.charCodeAt(index);
    if (code === 37 || code > 127) return true;
  }
  return false;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
