import { sendXml } from "../answer.ts";
import { operation, parameter } from "../call.ts";
import { element, xmlDocument } from "../xml/write.ts";
import { commonPrefixes, contentsOf, ownerWriter, pageOf, readListCall } from "./listing.ts";
import { openToken, sealToken } from "./pages.ts";

export const listObjectsV2 = operation(async (call) => {
  const asked = readListCall(call, "ListBucket");
  const { prefix, delimiter, max, text } = asked;
  const startAfter = parameter(call, "start-after");
  const token = parameter(call, "continuation-token");
  const after = token === undefined || token === "" ? (startAfter ?? "") : openToken(token);
  const { store, bucket } = call;
  const page = await pageOf(asked, after, (wanted) => store.list(bucket.spec.id, wanted));
  const ownerOf = ownerWriter(call);
  const hasOwner = parameter(call, "fetch-owner") === "true";
  const { next } = page;
  sendXml(
    call,
    xmlDocument(
      "ListBucketResult",
      element("Name", bucket.name) +
        element("Prefix", text(prefix)) +
        element("StartAfter", startAfter === undefined ? undefined : text(startAfter)) +
        element("ContinuationToken", token) +
        element("NextContinuationToken", next && sealToken(next.after)) +
        element("KeyCount", page.entries.length + page.commonPrefixes.length) +
        element("MaxKeys", max) +
        element("Delimiter", delimiter === undefined ? undefined : text(delimiter)) +
        (asked.isUrlEncoded ? element("EncodingType", "url") : "") +
        element("IsTruncated", next !== undefined) +
        page.entries
          .map((found) => contentsOf(found, text, hasOwner ? ownerOf(found.ownerId) : ""))
          .join("") +
        commonPrefixes(page.commonPrefixes, text),
    ),
  );
});
