export const savingRules = [
  "unattached-volume",
  "stale-snapshot",
  "orphaned-image-data",
  "forgotten-request",
  "idle-instance",
  "stopped-instance",
  "spot-first",
] as const;
/** What may cost money and serve nobody. */
export type SavingRule = (typeof savingRules)[number];

/** Those about which Canopy can do something that loses nothing which is asked for; the others are only said. */
export const doableSavingRules = [
  "unattached-volume",
  "stale-snapshot",
  "orphaned-image-data",
  "forgotten-request",
  "idle-instance",
] as const satisfies readonly SavingRule[];
export type DoableSavingRule = (typeof doableSavingRules)[number];

export const isDoable = (rule: SavingRule): rule is DoableSavingRule =>
  (doableSavingRules as readonly SavingRule[]).includes(rule);

/** Something that costs money and serves nobody, as far as can be seen. */
export interface Saving {
  /** The id of a volume, a snapshot, an image, an instance or a spot request. */
  subject: string;
  rule: SavingRule;
  sentence: string;
  microsPerMonth: number;
  /** What would end it. */
  advice: string;
}

/** What has this tag is left alone, and not spoken of. */
export const keepTag = "canopy:keep";
