import { scalarText } from "../schema/scalars.ts";
import type { Member, Shape } from "../schema/shape.ts";
import { escapeXml } from "../xml/escape.ts";

/** The members of a structure as elements, without what is around them. */
export function membersXml(
  shape: Shape,
  value: object,
  isWritten: (member: Member) => boolean = isElement,
): string {
  let text = "";
  for (const member of shape.members) {
    const inner = (value as Record<string, unknown>)[member.name];
    if (inner !== undefined && inner !== null && isWritten(member))
      text += memberXml(member, inner);
  }
  return text;
}

const isElement = ({ traits }: Member) => traits.xmlAttribute === undefined;

/** What is written beside the name of an element that a structure fills. */
export function attributesXml(shape: Shape, traits: Member["traits"], value: object): string {
  let text = "";
  const [prefix, uri] = traits.xmlNamespace ?? [];
  if (uri) text += ` ${prefix ? `xmlns:${prefix}` : "xmlns"}="${uri}"`;
  for (const { name, own, traits: of, shape: inner } of shape.members) {
    const held = (value as Record<string, unknown>)[name];
    if (of.xmlAttribute && held !== undefined && held !== null)
      text += ` ${own.xmlName ?? name}="${escapeXml(scalarText(inner, held, "date-time"))}"`;
  }
  return text;
}

function memberXml(member: Member, value: unknown): string {
  const { shape, own, traits } = member;
  const name = own.xmlName ?? member.name;
  if (!traits.xmlFlattened) return elementXml(name, shape, traits, value);
  if (shape.type === "map") return entriesXml(name, shape, value as object);
  let text = "";
  for (const item of value as Iterable<unknown>)
    if (item !== undefined && item !== null)
      text += elementXml(name, shape.value.shape, shape.value.traits, item);
  return text;
}

function elementXml(name: string, shape: Shape, traits: Member["traits"], value: unknown): string {
  switch (shape.type) {
    case "structure":
    case "union":
      return `<${name}${attributesXml(shape, traits, value as object)}>${membersXml(shape, value as object)}</${name}>`;
    case "list": {
      const { shape: item, traits: itemTraits } = shape.value;
      const itemName = itemTraits.xmlName ?? "member";
      let text = "";
      for (const one of value as Iterable<unknown>)
        if (one !== undefined && one !== null) text += elementXml(itemName, item, itemTraits, one);
      return `<${name}>${text}</${name}>`;
    }
    case "map":
      return `<${name}>${entriesXml("entry", shape, value as object)}</${name}>`;
    default:
      return `<${name}>${escapeXml(scalarText(shape, value, "date-time"))}</${name}>`;
  }
}

function entriesXml(name: string, { key, value: held }: Shape, map: object): string {
  const keyName = key.traits.xmlName ?? "key";
  const valueName = held.traits.xmlName ?? "value";
  let text = "";
  for (const [one, value] of Object.entries(map))
    if (value !== undefined && value !== null)
      text += `<${name}><${keyName}>${escapeXml(one)}</${keyName}>${elementXml(valueName, held.shape, held.traits, value)}</${name}>`;
  return text;
}
