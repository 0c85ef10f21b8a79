import { AwsError } from "./aws-error.ts";

/** IPv4 addresses "10.0.0.0/16": the first one as a number, and how many bits are the network's. */
export interface Cidr {
  first: number;
  bits: number;
}

/** Throws "InvalidParameterValue" for what is none. Bits beyond the network's are cleared. */
export function parseCidr(text: string): Cidr {
  const [, a, b, c, d, length] =
    /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text) ?? [];
  const parts = [a, b, c, d].map(Number);
  const bits = Number(length);
  if (length === undefined || parts.some((part) => part > 255) || bits > 32)
    throw new AwsError(
      "InvalidParameterValue",
      400,
      `Value (${text.slice(0, 100)}) for parameter cidrBlock is invalid. This is not a valid CIDR block.`,
    );
  const number = parts.reduce((sum, part) => sum * 256 + part, 0);
  const size = 2 ** (32 - bits);
  return { first: Math.floor(number / size) * size, bits };
}

export const addressesOf = ({ bits }: Cidr): number => 2 ** (32 - bits);

export const cidrText = (cidr: Cidr): string => `${addressText(cidr.first)}/${cidr.bits}`;

/** Whether all of `inner` is in `outer`. */
export function contains(outer: Cidr, inner: Cidr): boolean {
  return (
    inner.first >= outer.first &&
    inner.first + addressesOf(inner) <= outer.first + addressesOf(outer)
  );
}

export function addressText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

/** Undefined for what is no IPv4 address. */
export function parseAddress(text: string): number | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const parts = text.split(".").map(Number);
  if (parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
