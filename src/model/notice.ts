import type { RecordOf } from "./record.ts";

/**
 * Something that is to be told to one place, until it was. Its name is that of the place and a number: what a place is to be
 * told is together, in the order in which it happened.
 */
export type NoticeRecord = RecordOf<"notice", NoticeSpec, NoticeStatus>;

export interface NoticeSpec {
  /** An ARN. */
  to: string;
  /** The bucket, or the instance, that it is about. Of one instance each place is told in order. */
  bucket?: string;
  instance?: string;
  /** The whole message. */
  body: string;
  at: number;
}

/** A notice of that id, as it begins. */
export const newNotice = (project: string, id: string, spec: NoticeSpec) => ({
  kind: "notice" as const,
  project,
  name: noticeName(spec.to, id),
  spec,
  status: {},
});

export const noticeName = (to: string, id: string): string => `${to}/${id}`;

export interface NoticeStatus {
  failures?: number;
  /** Not tried again before. */
  notBefore?: number;
}
