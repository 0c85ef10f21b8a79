/**
 * How an instance is kept apart from others: processes that share the machine's kernel ("container" runs one program of an
 * OCI image, "system" an init with all that it starts), or a guest with a kernel of its own ("microvm" without firmware and
 * buses, "vm" with all that a computer has).
 */
export const instanceKinds = ["container", "system", "microvm", "vm"] as const;
export type InstanceKind = (typeof instanceKinds)[number];

/** What an instance may have of its machine. Its name is "FAMILY.SIZE", as EC2 has them. */
export interface InstanceType {
  readonly name: string;
  readonly kind: InstanceKind;
  /** Processors that it sees. */
  readonly vcpus: number;
  /** What it holds of its machine's, in thousandths: it may use more while nobody else wants it. */
  readonly milliCpus: number;
  readonly memoryBytes: number;
}

const MiB = 2 ** 20;
const GiB = 2 ** 30;

const families: Record<string, InstanceKind> = {
  c: "container",
  s: "system",
  u: "microvm",
  v: "vm",
};

type Shape = [vcpus: number, milliCpus: number, memoryBytes: number];

const sizes: Record<string, Shape> = {
  nano: [1, 25, 128 * MiB],
  micro: [1, 50, 256 * MiB],
  small: [1, 100, 512 * MiB],
  medium: [1, 500, GiB],
  large: [2, 2000, 2 * GiB],
  xlarge: [4, 4000, 4 * GiB],
  "2xlarge": [8, 8000, 8 * GiB],
  "4xlarge": [16, 16_000, 16 * GiB],
  "8xlarge": [32, 32_000, 32 * GiB],
};

/**
 * Names that tools begin with, as full VMs of the shape that EC2 gives them; what those that burst hold is their baseline
 * (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html).
 */
const known: Record<string, Shape> = {
  "t2.nano": [1, 50, 512 * MiB],
  "t2.micro": [1, 100, GiB],
  "t2.small": [1, 200, 2 * GiB],
  "t2.medium": [2, 400, 4 * GiB],
  "t3.nano": [2, 100, 512 * MiB],
  "t3.micro": [2, 200, GiB],
  "t3.small": [2, 400, 2 * GiB],
  "t3.medium": [2, 400, 4 * GiB],
  "t3.large": [2, 600, 8 * GiB],
  "m5.large": [2, 2000, 8 * GiB],
  "m5.xlarge": [4, 4000, 16 * GiB],
  "m5.2xlarge": [8, 8000, 32 * GiB],
};

/** Every type that there is, by its name. */
export const instanceTypes: ReadonlyMap<string, InstanceType> = new Map(
  [
    ...Object.entries(families).flatMap(([family, kind]) =>
      Object.entries(sizes).map(([size, shape]) => typeOf(`${family}.${size}`, kind, shape)),
    ),
    ...Object.entries(known).map(([name, shape]) => typeOf(name, "vm", shape)),
  ].map((type) => [type.name, type]),
);

function typeOf(
  name: string,
  kind: InstanceKind,
  [vcpus, milliCpus, memoryBytes]: Shape,
): InstanceType {
  return { name, kind, vcpus, milliCpus, memoryBytes };
}

/** How fast instances of a type may send, and receive: as AWS does, more for larger ones. */
export function networkBitsPerSecond({ memoryBytes }: Pick<InstanceType, "memoryBytes">): number {
  return Math.max(100e6, (memoryBytes / GiB) * 200e6);
}
