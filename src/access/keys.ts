import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { randomSecret, type Random } from "#/base/random.ts";

/**
 * The kinds of secret a bearer may show. Each says what it is, so that one that has leaked can be
 * found by a scanner and one pasted in the wrong place is refused with the right sentence.
 */
const prefixes = {
  root: "canopy_root_",
  key: "canopy_key_",
  join: "canopy_join_",
  machine: "canopy_machine_",
} as const;
const jobPrefix = "canopy_job_";

/** 160 bits of chance behind a word that says what it opens. */
export function newSecret(kind: keyof typeof prefixes, random: Pick<Random, "bytes">): string {
  return prefixes[kind] + randomSecret(random);
}

/**
 * A secret that follows from the cloud's own and from a `nonce`, which is none itself: who keeps the nonce
 * can tell the secret again, and what is kept does not tell it to anyone else.
 */
export function secretOf(
  kind: keyof typeof prefixes,
  nonce: string,
  signingSecret: string,
): string {
  const mac = createHmac("sha256", signingSecret).update(`${kind} ${nonce}`).digest();
  return newSecret(kind, { bytes: (count) => mac.subarray(0, count) });
}

/** What is kept of a secret. */
export function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Takes as long whether they differ early or late. */
export function isSameDigest(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

/** The key of code inside a job: nothing of it is kept, as it follows from the job's name and the cloud's secret. */
export function jobKeyOf(job: string, signingSecret: string): string {
  return `${jobPrefix}${job}_${createHmac("sha256", signingSecret).update(job).digest("hex").slice(0, 40)}`;
}

/** The job that a key is for, if it was made with this secret. */
export function jobOfKey(key: string, signingSecret: string): string | undefined {
  if (!key.startsWith(jobPrefix)) return undefined;
  const job = key.slice(jobPrefix.length, key.lastIndexOf("_"));
  return isSameDigest(digestOf(key), digestOf(jobKeyOf(job, signingSecret))) ? job : undefined;
}

/** Twelve characters that follow from the cloud's secret, and do not lead back to it. */
export function cloudIdOf(signingSecret: string): string {
  return createHmac("sha256", signingSecret).update("canopy cloud id").digest("hex").slice(0, 12);
}

/** What somebody meant to show, for the sentence that refuses it. */
export function isJoinToken(secret: string): boolean {
  return secret.startsWith(prefixes.join);
}
