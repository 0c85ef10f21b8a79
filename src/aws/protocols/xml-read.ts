import { Unreadable, scalarOf } from "../schema/scalars.ts";
import type { Member, Shape } from "../schema/shape.ts";
import type { XmlElement } from "../xml/parse.ts";

/** What an element says by a shape. Throws Unreadable for what the schema does not know: S3 promises to look. */
export function readXml(shape: Shape, element: XmlElement): unknown {
  switch (shape.type) {
    case "structure":
    case "union":
      return readStructure(shape, element);
    case "list":
      return readItems(
        shape,
        element.children.filter(({ name }) => name === (shape.value.traits.xmlName ?? "member")),
      );
    case "map":
      return readEntries(
        shape,
        element.children.filter(({ name }) => name === "entry"),
      );
    default:
      if (element.children.length > 0)
        throw new Unreadable(`<${element.name}> has elements where text is expected`);
      return scalarOf(shape, element.text);
  }
}

const placesOf = new WeakMap<Shape, Map<string, Member>>();

/** Members by what they are called in XML: "@xsi:type" for an attribute. */
function places(shape: Shape): Map<string, Member> {
  let known = placesOf.get(shape);
  if (known) return known;
  known = new Map();
  for (const member of shape.members) {
    const name = member.own.xmlName ?? member.name;
    known.set(member.traits.xmlAttribute ? `@${name}` : name, member);
  }
  placesOf.set(shape, known);
  return known;
}

function readStructure(shape: Shape, element: XmlElement): Record<string, unknown> {
  const known = places(shape);
  const read: Record<string, unknown> = {};
  const flat = new Map<Member, XmlElement[]>();
  for (const child of element.children) {
    const member = known.get(child.name);
    if (!member) throw new Unreadable(`<${element.name}> has no <${child.name}>`);
    if (member.traits.xmlFlattened) {
      const items = flat.get(member);
      if (items) items.push(child);
      else flat.set(member, [child]);
      continue;
    }
    if (Object.hasOwn(read, member.name))
      throw new Unreadable(`<${element.name}> has <${child.name}> twice`);
    read[member.name] = readXml(member.shape, child);
  }
  for (const [member, items] of flat)
    read[member.name] =
      member.shape.type === "map"
        ? readEntries(member.shape, items)
        : readItems(member.shape, items);
  for (const name in element.attributes) {
    const member = known.get(`@${name}`);
    if (member) read[member.name] = scalarOf(member.shape, element.attributes[name]!);
  }
  for (const { name, isRequired, traits } of shape.members)
    if (isRequired && !traits.httpLabel && !Object.hasOwn(read, name))
      throw new Unreadable(`<${element.name}> lacks <${name}>`);
  if (shape.type === "union" && Object.keys(read).length !== 1)
    throw new Unreadable(`<${element.name}> must have one element`);
  return read;
}

function readItems(shape: Shape, elements: readonly XmlElement[]): unknown[] {
  return elements.map((element) => readXml(shape.value.shape, element));
}

function readEntries(shape: Shape, elements: readonly XmlElement[]): Record<string, unknown> {
  const keyName = shape.key.traits.xmlName ?? "key";
  const valueName = shape.value.traits.xmlName ?? "value";
  return Object.fromEntries(
    elements.map(({ name, children }) => {
      const key = children.find((child) => child.name === keyName);
      const value = children.find((child) => child.name === valueName);
      if (!key || !value) throw new Unreadable(`<${name}> lacks <${keyName}> or <${valueName}>`);
      return [key.text, readXml(shape.value.shape, value)];
    }),
  );
}
