import type { RecordOf } from "./record.ts";

/**
 * Something that is to be told to one place, until it was. Its name is that of the place and a number: what a place is to be
 * told is together, in the order in which it happened.
 */
export type NoticeRecord = RecordOf<"notice", NoticeSpec, NoticeStatus>;

export interface NoticeSpec {
  /** An ARN. */
  to: string;
  /** The bucket that it is about. */
  bucket: string;
  /** The whole message. */
  body: string;
  at: number;
}

export interface NoticeStatus {
  failures?: number;
  /** Not tried again before. */
  notBefore?: number;
}
