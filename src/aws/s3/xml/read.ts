import { parseXml, type XmlElement } from "../../xml/parse.ts";
import { malformedXml } from "../errors.ts";

/** Reads a document whose root has this name. Throws "MalformedXML". */
export function readXml(bytes: Uint8Array, root: string): XmlElement {
  let found: XmlElement;
  try {
    found = parseXml(utf8.decode(bytes));
  } catch {
    throw malformedXml();
  }
  if (found.name !== root) throw malformedXml();
  return found;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

export const childrenOf = ({ children }: XmlElement, name: string): XmlElement[] =>
  children.filter((child) => child.name === name);

/** The text of the one child of this name. Throws "MalformedXML" for several. */
export function textAt(parent: XmlElement, name: string): string | undefined {
  const found = childrenOf(parent, name);
  if (found.length > 1) throw malformedXml();
  return found[0]?.text;
}
