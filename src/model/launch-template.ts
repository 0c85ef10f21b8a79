import type { RecordOf } from "./record.ts";

/** What instances are launched with, kept under a name: "lt-0123456789abcdef0". */
export type LaunchTemplateRecord = RecordOf<"launch-template", LaunchTemplateSpec, object>;

export interface LaunchTemplateSpec {
  /** Unique in its project. */
  title: string;
  createdAt: number;
  clientToken?: string;
  /** The oldest first; their numbers are never used twice. */
  versions: readonly LaunchTemplateVersion[];
  /** Numbers of the version that is meant where none is said, and of the newest. */
  defaultVersion: number;
  latestVersion: number;
  tags: Readonly<Record<string, string>>;
}

export interface LaunchTemplateVersion {
  number: number;
  createdAt: number;
  description: string;
  /** Part of the input of RunInstances, as JSON. */
  data: string;
}
