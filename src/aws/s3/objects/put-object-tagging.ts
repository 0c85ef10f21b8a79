import { newHeaders, send, versionHeader } from "../answer.ts";
import { readDocumentBody } from "../body.ts";
import { operation, versionIdOf } from "../call.ts";
import { checkDigest } from "../digest.ts";
import { malformedXml } from "../errors.ts";
import { checkTags } from "../headers/tags.ts";
import { childrenOf, readXml, textAt } from "../xml/read.ts";
import { tagConditions } from "../write-conditions.ts";
import { demandMark, markObject } from "./mark-object.ts";

const tagKeys = ["s3:RequestObjectTagKeys", "s3:RequestObjectTag/"];

export const putObjectTagging = operation(async (call) => {
  const versionId = versionIdOf(call);
  await demandMark(call, versionId, "PutObjectTagging", tagKeys);
  const body = await readDocumentBody(call);
  await checkDigest(call, body, { isRequired: false });
  const [set] = childrenOf(readXml(body, "Tagging"), "TagSet");
  if (!set) throw malformedXml();
  const tags = checkTags(
    childrenOf(set, "Tag").map((tag) => {
      const [name, value] = [textAt(tag, "Key"), textAt(tag, "Value")];
      if (name === undefined || value === undefined) throw malformedXml();
      return [name, value] as const;
    }),
  );
  const conditions = tagConditions(tags);
  const version = await markObject(call, versionId, "PutObjectTagging", { tags }, { conditions });
  const headers = newHeaders(call);
  versionHeader(headers, call, version.versionId);
  send(call, 200, headers);
});
