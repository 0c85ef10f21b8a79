/** Writes ASN.1's DER (ITU-T X.690): each function gives one element, its tag and length before it. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

export const sequence = (...content: readonly Uint8Array[]): Buffer => der(0x30, ...content);
export const set = (...content: readonly Uint8Array[]): Buffer => der(0x31, ...content);
/** One that says its own number around it: "[0] EXPLICIT". */
export const tagged = (number: number, content: Uint8Array): Buffer => der(0xa0 | number, content);
export const octets = (content: Uint8Array): Buffer => der(0x04, content);
export const bits = (content: Uint8Array): Buffer => der(0x03, Buffer.from([0]), content);
export const text = (content: string): Buffer => der(0x0c, Buffer.from(content));
export const nothing: Buffer = der(0x05);

/** Of bytes as a number that is not negative. */
export function integer(bytes: Uint8Array): Buffer {
  return der(0x02, bytes[0]! < 0x80 ? bytes : Buffer.concat([Buffer.from([0]), bytes]));
}

/** "1.2.840.113549.1.7.2" */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split(".").map(Number);
  return der(0x06, Buffer.from([first * 40 + second, ...others.flatMap(base128)]));
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) bytes.unshift(0x80 | (left & 0x7f));
  return bytes;
}

/** As RFC 5280 has it: two digits for years before 2050, and four after. */
export function time(ms: number): Buffer {
  const all = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return all < "2050" ? der(0x17, Buffer.from(all.slice(2))) : der(0x18, Buffer.from(all));
}
