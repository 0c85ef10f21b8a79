/** Every bound of instances' networks; part of `limits`. Those of EC2 are its default quotas. */
export const networkLimits = {
  vpcsMax: 50,
  /** Of one VPC. */
  subnetsMax: 200,
  /** Of one VPC. */
  securityGroupsMax: 500,
  /** Each way. */
  rulesPerGroupMax: 60,
  /** Of one project. */
  addressesMax: 50,
  /** Of one project. */
  keyPairsMax: 5000,
  /** Credentials of an instance's role are good for so long, and others are given so long before that is over. */
  roleCredentialsMs: 6 * 60 * 60_000,
  roleCredentialsRenewMs: 90 * 60_000,
  /** As IMDS has it: six hours. */
  metadataTokenSecondsMax: 21_600,
  /** Ports of a machine that lead to one instance. */
  forwardsMax: 16,
  /** Those that a machine gives to instances that publish none: below what the kernel gives to whoever connects. */
  forwardPortFirst: 20_000,
  forwardPortLast: 29_999,
  /** It has begun to answer for names within this, and it is looked so often whether it has. */
  namesStartMs: 10_000,
  namesStartLookMs: 20,
  /** Ports that are tried before none is found to be free. */
  forwardTriesMax: 100,
} as const;
