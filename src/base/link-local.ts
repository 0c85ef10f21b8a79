/**
 * Whether a host, as a URL or a resolver names it, is an address of the link alone, or one at which providers tell machines
 * their secrets.
 */
export function isLinkLocal(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
  const mapped = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(name);
  const address = mapped
    ? [mapped[1]!, mapped[2]!].map((pair) => bytesOf(Number.parseInt(pair, 16))).join(".")
    : name.replace(/^::ffff:(?=[\d.]+$)/, "");
  return /^169\.254\.|^fe[89ab][\da-f]:/.test(address) || metadata.has(address);
}

const bytesOf = (pair: number) => `${pair >> 8}.${pair & 0xff}`;

/** Of AWS, Google, Azure and Alibaba. */
const metadata = new Set([
  "fd00:ec2::254",
  "metadata",
  "metadata.google.internal",
  "168.63.129.16",
  "100.100.100.200",
]);
