import type { RecordOf } from "./record.ts";

/** Instances that are to be together, or apart. Its name is its project's, ":" and its own. */
export type PlacementGroupRecord = RecordOf<"placement-group", PlacementGroupSpec, object>;

export interface PlacementGroupSpec {
  /** "pg-0123456789abcdef0". */
  id: string;
  title: string;
  createdAt: number;
  strategy: "spread" | "cluster";
  tags: Readonly<Record<string, string>>;
}

/** Name of a placement group's record. */
export const placementGroupName = (project: string, title: string) => `${project}:${title}`;
