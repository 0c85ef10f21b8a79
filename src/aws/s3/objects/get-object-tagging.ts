import { newHeaders, sendXml, versionHeader } from "../answer.ts";
import { operation, versionIdOf } from "../call.ts";
import { element, xmlDocument } from "../xml/write.ts";
import { findReadable } from "./read-object.ts";

export const getObjectTagging = operation(async (call) => {
  const found = await findReadable(call, versionIdOf(call), "GET", "GetObjectTagging");
  const tags = Object.entries(found.tags ?? {})
    .map(([name, value]) => `<Tag>${element("Key", name)}${element("Value", value)}</Tag>`)
    .join("");
  const headers = newHeaders(call);
  versionHeader(headers, call, found.versionId);
  sendXml(call, xmlDocument("Tagging", `<TagSet>${tags}</TagSet>`), headers);
});
