import { allowed, namespaceFlags, personalities } from "../../container/seccomp.ts";
import { numbersOf } from "./numbers.ts";

/**
 * A filter of system calls as the kernel takes it: classic BPF over struct seccomp_data, each instruction 8 bytes
 * (https://docs.kernel.org/userspace-api/seccomp_filter.html). It allows what containers may do, and refuses the rest with EPERM.
 */
const load = 0x20;
const jumpEqual = 0x15;
const jumpGreaterOrEqual = 0x35;
const jumpGreater = 0x25;
const jumpAnySet = 0x45;
const give = 0x06;

const archOffset = 4;
/** Of the low half of an argument, on these little-endian machines. */
const argumentOffset = 16;

const allow = 0x7fff_0000;
const refuse = 0x0005_0001; // EPERM
const absent = 0x0005_0026; // ENOSYS

const auditArchs: Readonly<Record<string, number>> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };
const addressFamilyVsock = 40;

interface Instruction {
  code: number;
  k: number;
  /** How many instructions to leave out. */
  yes?: number;
  no?: number;
}

/** Undefined on an architecture whose system calls are not known here. */
export function seccompProgram(arch: string): Uint8Array | undefined {
  const numbers = numbersOf(arch);
  const audit = auditArchs[arch];
  if (!numbers || audit === undefined) return undefined;
  const number = (name: string) => numbers.get(name)!;
  const program: Instruction[] = [
    { code: load, k: archOffset },
    { code: jumpEqual, k: audit, yes: 1 },
    { code: give, k: refuse },
    { code: load, k: 0 },
    // The flags of clone3 are in memory, where no filter sees them; C libraries fall back to clone.
    ...when(number("clone3"), [{ code: give, k: absent }]),
    ...when(number("clone"), [
      { code: load, k: argumentOffset },
      { code: jumpAnySet, k: namespaceFlags, no: 1 },
      { code: give, k: refuse },
      { code: give, k: allow },
    ]),
    ...when(number("socket"), [
      { code: load, k: argumentOffset },
      { code: jumpEqual, k: addressFamilyVsock, no: 1 },
      { code: give, k: refuse },
      { code: give, k: allow },
    ]),
    ...when(number("personality"), [
      { code: load, k: argumentOffset },
      ...personalities.flatMap((value) => [
        { code: jumpEqual, k: value, no: 1 },
        { code: give, k: allow },
      ]),
      { code: give, k: refuse },
    ]),
    ...rangesOf(allowed.flatMap((name) => numbers.get(name) ?? [])).flatMap(([from, to]) => [
      // Numbers grow: one below this range, and above those before, is in none.
      { code: jumpGreaterOrEqual, k: from, yes: 1 },
      { code: give, k: refuse },
      { code: jumpGreater, k: to, yes: 1 },
      { code: give, k: allow },
    ]),
    { code: give, k: refuse },
  ];
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, { code, k, yes = 0, no = 0 }] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(yes, index * 8 + 2);
    bytes.writeUInt8(no, index * 8 + 3);
    bytes.writeUInt32LE(k, index * 8 + 4);
  }
  return bytes;
}

const when = (number: number, then: readonly Instruction[]): Instruction[] => [
  { code: jumpEqual, k: number, no: then.length },
  ...then,
];

function rangesOf(numbers: readonly number[]): [from: number, to: number][] {
  const ranges: [number, number][] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && last[1] + 1 === number) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}
