import { AwsError } from "#/model/aws-error.ts";
import type { ObjectStore } from "./object-store.ts";

/** Clients do not try again what is not implemented: waiting would not help. */
function refuse(): never {
  throw new AwsError(
    "NotImplemented",
    501,
    "Control planes that share a log keep no objects: buckets take one with a log of its own.",
  );
}

const refuseSoon = async () => refuse();

/** Where no objects are kept: whatever is asked of it is refused, and so no bucket is made. */
export const noStore: ObjectStore = {
  put: refuseSoon,
  find: refuse,
  read: refuseSoon,
  lend: refuseSoon,
  delete: refuseSoon,
  mark: refuseSoon,
  transition: refuseSoon,
  list: refuseSoon,
  listVersions: refuseSoon,
  beginUpload: refuseSoon,
  findUpload: refuseSoon,
  putPart: refuseSoon,
  listParts: refuseSoon,
  completeUpload: refuseSoon,
  abortUpload: refuseSoon,
  listUploads: refuseSoon,
  use: refuse,
  removeBucket: refuseSoon,
};
