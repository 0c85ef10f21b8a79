import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";

/**
 * By port of the instance the port of its machine, of words like "8080:80". Throws "InvalidParameterValue" for what is no port, for one
 * that is named twice, and for those of machines that are given to whoever names none.
 */
export function publishedPorts(words: readonly string[]): Record<string, number> {
  const published: Record<string, number> = {};
  for (const word of words) {
    const [outside = 0, inside = 0] = word.split(":").map(Number);
    if (![outside, inside].every((port) => port >= 1 && port <= portMax))
      throw refused(word, `ports are 1 to ${portMax}`);
    if (outside >= limits.forwardPortFirst && outside <= limits.forwardPortLast)
      throw refused(
        word,
        `ports ${limits.forwardPortFirst} to ${limits.forwardPortLast} of machines are given to those that publish none`,
      );
    if (published[inside] !== undefined || Object.values(published).includes(outside))
      throw refused(word, "one port leads to one other, and each is named once");
    published[inside] = outside;
  }
  return published;
}

const portMax = 65_535;

const refused = (word: string, rule: string) =>
  new AwsError(
    "InvalidParameterValue",
    400,
    `Invalid value '${word.slice(0, 40)}' for publish: ${rule}.`,
  );
