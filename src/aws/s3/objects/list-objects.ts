import { sendXml } from "../answer.ts";
import { operation, parameter } from "../call.ts";
import { element, xmlDocument } from "../xml/write.ts";
import { commonPrefixes, contentsOf, ownerWriter, pageOf, readListCall } from "./listing.ts";

/** The first form of the list, which goes on after a key that the client names. */
export const listObjects = operation(async (call) => {
  const asked = readListCall(call, "ListBucket");
  const { prefix, delimiter, max, text } = asked;
  const marker = parameter(call, "marker") ?? "";
  const { store, bucket } = call;
  const page = await pageOf(asked, marker, (wanted) => store.list(bucket.spec.id, wanted));
  const owner = ownerWriter(call);
  const { next } = page;
  sendXml(
    call,
    xmlDocument(
      "ListBucketResult",
      element("Name", bucket.name) +
        element("Prefix", text(prefix)) +
        element("Marker", text(marker)) +
        (next && delimiter !== undefined ? element("NextMarker", text(next.after)) : "") +
        element("MaxKeys", max) +
        element("Delimiter", delimiter === undefined ? undefined : text(delimiter)) +
        (asked.isUrlEncoded ? element("EncodingType", "url") : "") +
        element("IsTruncated", next !== undefined) +
        page.entries.map((found) => contentsOf(found, text, owner(found.ownerId))).join("") +
        commonPrefixes(page.commonPrefixes, text),
    ),
  );
});
