import type { Checksum, ChecksumAlgorithm, ObjectPart } from "../object-version.ts";
import { checksumOf } from "./digests.ts";

/**
 * The checksum of an object from those of its parts, without reading a byte: for the full object CRCs are combined, as a
 * CRC of two runs of bytes follows from theirs and the length of the second; a composite one is the checksum of the
 * checksums. Undefined where a part has none of that kind.
 */
export async function joinChecksums(
  asked: { algorithm: ChecksumAlgorithm; type: Checksum["type"] } | undefined,
  parts: readonly ObjectPart[],
): Promise<Checksum | undefined> {
  if (!asked) return undefined;
  const { algorithm, type } = asked;
  const values: Buffer[] = [];
  for (const { checksum } of parts) {
    if (checksum?.algorithm !== algorithm) return undefined;
    values.push(Buffer.from(checksum.value, "base64"));
  }
  if (type === "COMPOSITE") {
    const value = await checksumOf(algorithm, Buffer.concat(values));
    return { algorithm, type, value: `${value}-${parts.length}` };
  }
  const polynomial = polynomials[algorithm];
  if (polynomial === undefined) return undefined;
  const combine = combiner(polynomial);
  let crc = 0n;
  for (const [index, { sizeBytes }] of parts.entries())
    crc = combine(crc, numberOf(values[index]!), sizeBytes);
  const width = polynomial.bits / 4;
  return {
    algorithm,
    type,
    value: Buffer.from(crc.toString(16).padStart(width, "0"), "hex").toString("base64"),
  };
}

/** Of an upload that asked for none: that of all its bytes, where every part has one of a kind that can be combined. */
export function impliedBy(
  parts: readonly ObjectPart[],
): { algorithm: ChecksumAlgorithm; type: Checksum["type"] } | undefined {
  const algorithm = parts[0]?.checksum?.algorithm;
  if (algorithm === undefined || !polynomials[algorithm]) return undefined;
  const isOne = parts.every(({ checksum }) => checksum?.algorithm === algorithm);
  return isOne ? { algorithm, type: "FULL_OBJECT" } : undefined;
}

interface Polynomial {
  bits: number;
  /** With its bits in the order of the CRC: the highest power is the lowest bit. */
  reflected: bigint;
}

const polynomials: Partial<Record<ChecksumAlgorithm, Polynomial>> = {
  CRC32: { bits: 32, reflected: 0xed_b8_83_20n },
  CRC32C: { bits: 32, reflected: 0x82_f6_3b_78n },
  CRC64NVME: { bits: 64, reflected: 0x9a_6c_93_29_ac_4b_c9_b5n },
};

const numberOf = (bytes: Buffer) => BigInt(`0x${bytes.toString("hex")}`);

/**
 * CRC(a ‖ b) = CRC(a) · x^(8·|b|) + CRC(b), over polynomials modulo 2 and the CRC's own (zlib's crc32_combine). Parts
 * are mostly of one length, so that its power is kept.
 */
function combiner({ bits, reflected }: Polynomial) {
  const top = 1n << BigInt(bits - 1); // x^0
  const times = (a: bigint, b: bigint): bigint => {
    let product = 0n;
    for (let bit = top; bit > 0n && a > 0n; bit >>= 1n) {
      if (a & bit) {
        product ^= b;
        a ^= bit;
      }
      b = b & 1n ? (b >> 1n) ^ reflected : b >> 1n;
    }
    return product;
  };
  const powers = new Map<number, bigint>();
  const powerOf = (bytes: number): bigint => {
    let power = powers.get(bytes);
    if (power !== undefined) return power;
    power = top;
    let square = top >> 8n; // x^8
    for (let rest = BigInt(bytes); rest > 0n; rest >>= 1n) {
      if (rest & 1n) power = times(power, square);
      square = times(square, square);
    }
    powers.set(bytes, power);
    return power;
  };
  return (first: bigint, second: bigint, secondBytes: number): bigint =>
    times(powerOf(secondBytes), first) ^ second;
}
