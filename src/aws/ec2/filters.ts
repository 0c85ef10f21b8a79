import type { Filter } from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";

/** By EC2's names of filters: what a thing says of each, one value or several; nothing passes where it says nothing. */
export type Facts<Thing> = Readonly<
  Record<string, (thing: Thing) => string | readonly string[] | undefined>
>;

type Tags = Readonly<Record<string, string>>;

/** As AWS has it. */
const valuesMax = 200;

/**
 * Those that pass all filters; values may have `*` and `?`. Throws "InvalidParameterValue" for a filter that there is not, also
 * where nothing is filtered, and "FilterLimitExceeded".
 */
export function filtered<Thing>(
  things: Iterable<Thing>,
  facts: Facts<Thing>,
  filters: readonly Filter[] = [],
): Thing[] {
  if (filters.reduce((sum, { Values = [] }) => sum + Values.length, 0) > valuesMax)
    throw new AwsError(
      "FilterLimitExceeded",
      400,
      `The maximum number of filter values (${valuesMax}) has been reached.`,
    );
  const tests = filters.map(({ Name = "", Values = [] }) => {
    const fact = factOf(Name, facts);
    return (thing: Thing): boolean => {
      const said = fact(thing);
      if (said === undefined) return false;
      const all = typeof said === "string" ? [said] : said;
      return Values.some((value) => all.some((one) => isLike(one, value)));
    };
  });
  return [...things].filter((thing) => tests.every((test) => test(thing)));
}

/** What filters see of tags: "tag:NAME", "tag-key", "tag-value". */
export function tagFacts<Thing extends { spec: { tags: Tags } }>(): Facts<Thing> {
  return {
    "tag-key": ({ spec }) => Object.keys(spec.tags),
    "tag-value": ({ spec }) => Object.values(spec.tags),
    "tag:": ({ spec }) => Object.entries(spec.tags).map(([name, value]) => `${name}\0${value}`),
  };
}

function factOf<Thing>(name: string, facts: Facts<Thing>): Facts<Thing>[string] {
  const found = Object.hasOwn(facts, name) && name !== "tag:" ? facts[name] : undefined;
  if (found) return found;
  const tags = facts["tag:"];
  if (tags && name.startsWith("tag:")) {
    const begin = `${name.slice("tag:".length)}\0`;
    return (thing) =>
      [tags(thing) ?? []]
        .flat()
        .filter((tag) => tag.startsWith(begin))
        .map((tag) => tag.slice(begin.length));
  }
  throw new AwsError("InvalidParameterValue", 400, `The filter '${name.slice(0, 100)}' is invalid`);
}

/** By steps, never by a pattern of its making: a stranger's pattern must not cost more than its length. */
function isLike(text: string, wanted: string): boolean {
  let [at, of] = [0, 0];
  let [star, from] = [-1, 0];
  while (at < text.length) {
    if (of < wanted.length && wanted[of] === "*") [star, from, of] = [of, at, of + 1];
    else if (of < wanted.length && (wanted[of] === "?" || wanted[of] === text[at]))
      [at, of] = [at + 1, of + 1];
    else if (star >= 0) [of, at, from] = [star + 1, from + 1, from + 1];
    else return false;
  }
  while (wanted[of] === "*") of++;
  return of === wanted.length;
}
