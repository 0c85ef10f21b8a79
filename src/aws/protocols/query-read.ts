import { decodedStrictly } from "#/access/signatures/encoding.ts";
import { limits } from "#/base/limits.ts";
import { Unreadable, scalarOf } from "../schema/scalars.ts";
import type { Member, Shape } from "../schema/shape.ts";

/** Parameters of a query by the parts of their names: "Tag.1.Key" is Tag, 1, Key. */
export interface QueryNode {
  value: string | undefined;
  parts: Map<string, QueryNode> | undefined;
}

/** The tree of a query or a form. Throws Unreadable where it is too large or not encoded as such. */
export function parseQuery(text: string): QueryNode {
  const root: QueryNode = { value: undefined, parts: undefined };
  let count = 0;
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    if (++count > limits.queryParametersMax) throw new Unreadable("it has too many parameters");
    const equals = pair.indexOf("=");
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? "" : decoded(pair.slice(equals + 1));
    let node = root;
    const parts = name.split(".", limits.queryDepthMax + 1);
    if (parts.length > limits.queryDepthMax) throw new Unreadable("it is nested too deeply");
    for (const part of parts) {
      node.parts ??= new Map();
      let next = node.parts.get(part);
      if (!next) node.parts.set(part, (next = { value: undefined, parts: undefined }));
      node = next;
    }
    node.value = value;
  }
  return root;
}

/** Nothing that a form says is guessed. */
function decoded(text: string): string {
  const read = decodedStrictly(text);
  if (read === undefined) throw new Unreadable("it is not encoded as a query is");
  return read;
}

/** How one of the two query protocols names and numbers things. */
export interface QueryDialect {
  nameOf(member: Member): string;
  /** All lists are as if flattened. */
  isFlat: boolean;
  /** Whether numbers of a structure need not be whole: the SDK's schemas do not tell integers from others. */
  mayBeFractions(shape: Shape): boolean;
}

export const awsDialect: QueryDialect = {
  nameOf: ({ traits, name }) => traits.xmlName ?? name,
  isFlat: false,
  mayBeFractions: () => true,
};

/** The only numbers of EC2's calls that are not integers. */
const fractions = new Set([
  "MemoryGiBPerVCpuRequest",
  "NetworkBandwidthGbpsRequest",
  "TotalLocalStorageGBRequest",
]);

export const ec2Dialect: QueryDialect = {
  nameOf: ({ traits, name }) => traits.ec2QueryName ?? capitalized(traits.xmlName ?? name),
  isFlat: true,
  mayBeFractions: ({ name }) => fractions.has(name),
};

function capitalized(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** What the parameters below `node` say by a shape; what the schema does not know is passed over, as AWS does. Throws Unreadable. */
export function readQuery(dialect: QueryDialect, member: Member, node: QueryNode): unknown {
  const { shape, traits } = member;
  switch (shape.type) {
    case "structure":
    case "union":
      return readMembers(dialect, shape, node);
    case "list": {
      const isFlat = dialect.isFlat || traits.xmlFlattened === 1;
      const list = isFlat ? node : node.parts?.get(shape.value.traits.xmlName ?? "member");
      return numbered(list).map((item) => readQuery(dialect, shape.value, item));
    }
    case "map": {
      const entries = traits.xmlFlattened ? node : node.parts?.get("entry");
      const keyName = shape.key.traits.xmlName ?? "key";
      const valueName = shape.value.traits.xmlName ?? "value";
      return Object.fromEntries(
        numbered(entries).map(({ parts }) => {
          const key = parts?.get(keyName)?.value;
          const value = parts?.get(valueName);
          if (key === undefined || !value)
            throw new Unreadable(`an entry of '${member.name}' lacks ${keyName} or ${valueName}`);
          return [key, readQuery(dialect, shape.value, value)];
        }),
      );
    }
    default:
      if (node.value === undefined) throw new Unreadable(`'${member.name}' has no value`);
      return scalarOf(shape, node.value);
  }
}

export function readMembers(
  dialect: QueryDialect,
  shape: Shape,
  node: QueryNode,
): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  for (const member of shape.members) {
    const inner = node.parts?.get(dialect.nameOf(member));
    if (!inner) continue;
    const value = readQuery(dialect, member, inner);
    if (typeof value === "number" && !Number.isInteger(value) && !dialect.mayBeFractions(shape))
      throw new Unreadable(`'${member.name}' is ${value}, which is no whole number`);
    read[member.name] = value;
  }
  return read;
}

/** What is numbered 1, 2, 3 …, in that order; gaps are passed over. */
function numbered(node: QueryNode | undefined): QueryNode[] {
  if (!node?.parts) return [];
  const items: [number, QueryNode][] = [];
  for (const [part, item] of node.parts)
    if (/^[1-9]\d{0,5}$/.test(part)) items.push([Number(part), item]);
  items.sort(([a], [b]) => a - b);
  return items.map(([, item]) => item);
}
