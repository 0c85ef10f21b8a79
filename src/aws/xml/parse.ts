import { limits } from "#/base/limits.ts";

/**
 * XML as the AWS protocols use it: elements, attributes, text, the five entities of XML and those by
 * number. There is no document type, hence no entities of its own and no bombs; depth and the number of elements are bounded.
 * Names are without their prefix, as namespaces mean nothing here.
 */
export interface XmlElement {
  name: string;
  attributes: Record<string, string> | undefined;
  children: XmlElement[];
  text: string;
}

/** Not well-formed, or beyond what is read. */
export class MalformedXml extends Error {}

const names = /[A-Za-z_:\u00B7-\uFFFF][A-Za-z0-9_.:\u00B7-\uFFFF-]*/y;
/** What XML 1.0 has no characters for. */
// oxlint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/;

/** The root of a document. Throws MalformedXml. */
export function parseXml(text: string): XmlElement {
  return new Parser(text).document();
}

class Parser {
  #text: string;
  #at = 0;
  #elements = 0;

  constructor(text: string) {
    this.#text = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    if (forbidden.test(text)) throw new MalformedXml("it has characters that XML has not");
  }

  document(): XmlElement {
    this.#skipProlog();
    const root = this.#tree();
    this.#skipMisc();
    if (this.#at < this.#text.length) throw this.#fault("something follows the root element");
    return root;
  }

  #skipProlog(): void {
    if (this.#text.startsWith("<?xml", this.#at)) this.#skipTo("?>");
    this.#skipMisc();
    if (this.#text.startsWith("<!DOCTYPE", this.#at))
      throw this.#fault("document types are not read");
  }

  #skipMisc(): void {
    for (;;) {
      this.#skipSpace();
      if (this.#text.startsWith("<!--", this.#at)) this.#skipTo("-->");
      else if (this.#text.startsWith("<?", this.#at)) this.#skipTo("?>");
      else return;
    }
  }

  /** Without recursion: how deep a stranger nests must not be how deep our stack is. */
  #tree(): XmlElement {
    const open: { element: XmlElement; fullName: string }[] = [];
    for (;;) {
      const { element, fullName, isEmpty } = this.#openTag();
      open.at(-1)?.element.children.push(element);
      if (isEmpty && open.length === 0) return element;
      if (!isEmpty) {
        open.push({ element, fullName });
        if (open.length > limits.xmlDepthMax) throw this.#fault("it is nested too deeply");
      }
      if (this.#content(open)) return open[0]!.element;
    }
  }

  /** Text and closing tags, up to the next opening tag; true when the root is closed. */
  #content(open: { element: XmlElement; fullName: string }[]): boolean {
    for (;;) {
      const { element, fullName } = open.at(-1)!;
      const next = this.#text.indexOf("<", this.#at);
      if (next < 0) throw this.#fault(`<${fullName}> is not closed`);
      if (next > this.#at) element.text += unescaped(this.#text.slice(this.#at, next));
      this.#at = next;
      if (this.#text.startsWith("</", next)) {
        this.#at = next + 2;
        const closed = this.#name();
        this.#skipSpace();
        this.#expect(">");
        if (closed !== fullName) throw this.#fault(`</${closed}> does not close <${fullName}>`);
        if (open.length === 1) return true;
        open.pop();
      } else if (this.#text.startsWith("<!--", next)) this.#skipTo("-->");
      else if (this.#text.startsWith("<![CDATA[", next)) {
        const end = this.#text.indexOf("]]>", next);
        if (end < 0) throw this.#fault("a CDATA section does not end");
        element.text += this.#text.slice(next + 9, end);
        this.#at = end + 3;
      } else if (this.#text.startsWith("<?", next)) this.#skipTo("?>");
      else if (this.#text.startsWith("<!", next)) throw this.#fault("document types are not read");
      else return false;
    }
  }

  #openTag(): { element: XmlElement; fullName: string; isEmpty: boolean } {
    this.#expect("<");
    const fullName = this.#name();
    if (++this.#elements > limits.xmlElementsMax) throw this.#fault("it has too many elements");
    let attributes: Record<string, string> | undefined;
    for (;;) {
      const before = this.#at;
      this.#skipSpace();
      const character = this.#text[this.#at];
      if (character === ">" || character === "/") break;
      if (before === this.#at) throw this.#fault(`<${fullName}> does not end`);
      const [name, value] = this.#attribute();
      attributes ??= Object.create(null) as Record<string, string>;
      if (name in attributes) throw this.#fault(`<${fullName}> has '${name}' twice`);
      attributes[name] = value;
    }
    const isEmpty = this.#text[this.#at] === "/";
    if (isEmpty) this.#at++;
    this.#expect(">");
    const element = { name: localOf(fullName), attributes, children: [], text: "" };
    return { element, fullName, isEmpty };
  }

  #attribute(): [name: string, value: string] {
    const name = this.#name();
    this.#skipSpace();
    this.#expect("=");
    this.#skipSpace();
    const quote = this.#text[this.#at];
    if (quote !== '"' && quote !== "'") throw this.#fault(`the value of '${name}' has no quotes`);
    const end = this.#text.indexOf(quote, this.#at + 1);
    if (end < 0) throw this.#fault(`the value of '${name}' does not end`);
    const raw = this.#text.slice(this.#at + 1, end);
    if (raw.includes("<")) throw this.#fault(`the value of '${name}' has a '<'`);
    this.#at = end + 1;
    return [localOf(name), unescaped(raw)];
  }

  #name(): string {
    names.lastIndex = this.#at;
    const name = names.exec(this.#text)?.[0];
    if (name === undefined) throw this.#fault("a name is expected");
    this.#at += name.length;
    return name;
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) throw this.#fault(`'${character}' is expected`);
    this.#at++;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.#at++;
    }
  }

  #skipTo(end: string): void {
    const found = this.#text.indexOf(end, this.#at);
    if (found < 0) throw this.#fault(`'${end}' is expected`);
    this.#at = found + end.length;
  }

  #fault(what: string): MalformedXml {
    return new MalformedXml(`${what}, at character ${this.#at}`);
  }
}

function localOf(name: string): string {
  const colon = name.indexOf(":");
  // "xsi:type" and "xmlns:xsi" keep theirs: they are told apart from members by it.
  return colon < 0 || name.startsWith("xmlns:") || name.startsWith("xsi:")
    ? name
    : name.slice(colon + 1);
}

const named: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescaped(text: string): string {
  if (text.includes("\r")) text = text.replaceAll(/\r\n?/g, "\n");
  if (!text.includes("&")) return text;
  return text.replaceAll(/&([^;&]{0,12})(;?)/g, (_whole, name: string, end: string) => {
    const character = end === "" ? undefined : (named[name] ?? numbered(name));
    if (character === undefined) throw new MalformedXml("it has an entity that XML has not");
    return character;
  });
}

function numbered(name: string): string | undefined {
  const found = /^#(?:x([0-9A-Fa-f]{1,6})|(\d{1,7}))$/.exec(name);
  if (!found) return undefined;
  const code = found[1] === undefined ? Number(found[2]) : Number.parseInt(found[1], 16);
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return String.fromCodePoint(code);
}
