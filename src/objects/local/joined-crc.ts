/**
 * The CRC-32 of bytes from those of the runs that they consist of, so that they need not be read twice: CRC(a ‖ b) =
 * CRC(a) · x^(8·|b|) + CRC(b), over polynomials modulo 2 and the CRC's own (zlib's crc32_combine).
 */
export class JoinedCrc {
  #value = 0;
  /** Runs are mostly of one length. */
  #powers = new Map<number, number>();

  /** A run that follows on those before, of less than 4 GiB. */
  add(crc: number, lengthBytes: number): void {
    let power = this.#powers.get(lengthBytes);
    if (power === undefined) this.#powers.set(lengthBytes, (power = powerOf(lengthBytes)));
    this.#value = (times(this.#value, power) ^ crc) >>> 0;
  }

  get value(): number {
    return this.#value;
  }
}

/** The bits of a polynomial stand in the order of the CRC: the highest bit is x^0. */
const one = 0x80_00_00_00;
const reflected = 0xed_b8_83_20;

/** x^(8·bytes) */
function powerOf(bytes: number): number {
  let power = one;
  let square = one >>> 8;
  for (let rest = bytes; rest > 0; rest >>>= 1) {
    if (rest & 1) power = times(power, square);
    square = times(square, square);
  }
  return power;
}

function times(a: number, b: number): number {
  let product = 0;
  for (let rest = a; rest !== 0; rest <<= 1) {
    if (rest & one) product ^= b;
    b = b & 1 ? (b >>> 1) ^ reflected : b >>> 1;
  }
  return product;
}
