/** An address as a number, with how many bits it has. */
interface Address {
  value: bigint;
  bits: 32 | 128;
}

/** Whether an address is in a block such as "203.0.113.0/24" or "2001:db8::/32"; a block without "/" is one address. */
export function isInBlock(address: string, block: string): boolean {
  const [start, length] = block.split("/") as [string, string?];
  const inside = addressOf(address);
  const first = addressOf(start);
  if (!inside || !first || inside.bits !== first.bits) return false;
  const prefix = length === undefined ? first.bits : Number(length);
  const shift = BigInt(first.bits - prefix);
  return inside.value >> shift === first.value >> shift;
}

/** Whether this names a block of addresses. */
export function isBlock(text: string): boolean {
  const [start, length, ...more] = text.split("/") as [string, string?, ...string[]];
  const first = addressOf(start);
  if (!first || more.length > 0) return false;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= first.bits);
}

function addressOf(text: string): Address | undefined {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  if (mapped !== undefined || !text.includes(":")) return version4(mapped ?? text);
  return version6(text);
}

function version4(text: string): Address | undefined {
  const bytes = text.split(".");
  if (bytes.length !== 4) return undefined;
  let value = 0n;
  for (const byte of bytes) {
    if (!/^\d{1,3}$/.test(byte) || Number(byte) > 255) return undefined;
    value = value * 256n + BigInt(byte);
  }
  return { value, bits: 32 };
}

function version6(text: string): Address | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [before, after] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - before!.length - (after?.length ?? 0);
  if (after ? missing < 1 : missing !== 0) return undefined;
  let value = 0n;
  for (const group of [...before!, ...Array<string>(missing).fill("0"), ...(after ?? [])]) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
    value = value * 65_536n + BigInt(`0x${group}`);
  }
  return { value, bits: 128 };
}
