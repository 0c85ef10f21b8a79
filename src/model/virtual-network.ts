import type { RecordOf } from "./record.ts";

/** An isolated network of one project: "vpc-0123456789abcdef0". What is in one never reaches what is in another. */
export type VpcRecord = RecordOf<"vpc", VpcSpec, object>;

export interface VpcSpec {
  createdAt: number;
  /** "172.31.0.0/16". */
  cidr: string;
  /** Made by itself, and used where none is named. */
  isDefault: boolean;
  /** Tells it from others on the wire: 1 to 2^24 - 1, unique in the cloud. */
  tunnel: number;
  hasDnsNames: boolean;
  tags: Readonly<Record<string, string>>;
}

/** A part of a VPC in one zone: "subnet-0123456789abcdef0". */
export type SubnetRecord = RecordOf<"subnet", SubnetSpec, object>;

export interface SubnetSpec {
  createdAt: number;
  vpc: string;
  cidr: string;
  zone: string;
  isDefault: boolean;
  /** What starts in it gets a public address. */
  givesPublicAddress: boolean;
  tags: Readonly<Record<string, string>>;
}

/** What may reach its instances, and what they may reach: "sg-0123456789abcdef0". Stateful: answers pass. */
export type SecurityGroupRecord = RecordOf<"security-group", SecurityGroupSpec, object>;

export interface SecurityGroupSpec {
  createdAt: number;
  title: string;
  description: string;
  vpc: string;
  ingress: readonly SecurityRule[];
  egress: readonly SecurityRule[];
  tags: Readonly<Record<string, string>>;
}

export interface SecurityRule {
  /** "sgr-0123456789abcdef0". */
  id: string;
  protocol: "tcp" | "udp" | "icmp" | "icmpv6" | "all";
  /** Ports; of ICMP type and code, -1 for any. */
  from: number;
  to: number;
  /** One of both: addresses, or the members of a group. */
  cidr?: string;
  group?: string;
  description?: string;
}

/** An address of its own that a project may give to its instances: "eipalloc-0123456789abcdef0". */
export type AddressRecord = RecordOf<"address", AddressSpec, AddressStatus>;

export interface AddressSpec {
  createdAt: number;
  publicIp: string;
  tags: Readonly<Record<string, string>>;
}

export interface AddressStatus {
  instance?: string;
  association?: string;
}

/** The public half of a key that opens instances. Its name is its project's, ":" and its own. */
export type KeyPairRecord = RecordOf<"key-pair", KeyPairSpec, object>;

export interface KeyPairSpec {
  id: string;
  title: string;
  createdAt: number;
  type: "rsa" | "ed25519";
  /** As OpenSSH has it on one line. */
  publicKey: string;
  fingerprint: string;
  /** Of the call that made it: when that comes again, its answer was lost, and the private half with it. */
  clientToken?: string;
  tags: Readonly<Record<string, string>>;
}
