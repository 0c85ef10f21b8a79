import { AwsError } from "#/model/aws-error.ts";

/**
 * One page of what is listed in the order of its names, and the token of the next. A token names what the page before it ended
 * with: it stays good while things come and go. Throws `badToken` for one that is none of ours.
 */
export function page<Item>(
  items: readonly Item[],
  {
    nameOf,
    token,
    max,
    badToken = () => new AwsError("InvalidParameterValue", 400, "The token is invalid."),
  }: {
    nameOf: (item: Item) => string;
    token: string | undefined;
    max: number;
    badToken?: () => AwsError;
  },
): { items: Item[]; next: string | undefined } {
  const after = pageBegins(token, badToken);
  const start = after === undefined ? 0 : items.findIndex((item) => nameOf(item) > after);
  if (start < 0) return { items: [], next: undefined };
  const found = items.slice(start, start + max);
  const last = found.at(-1);
  const isEnd = start + max >= items.length || last === undefined;
  return { items: found, next: isEnd ? undefined : tokenOf(nameOf(last)) };
}

/** The name that the page before ended with; undefined for the first page. */
export function pageBegins(
  token: string | undefined,
  badToken = () => new AwsError("InvalidParameterValue", 400, "The token is invalid."),
): string | undefined {
  const after = token === undefined ? undefined : nameOfToken(token);
  if (token !== undefined && after === undefined) throw badToken();
  return after;
}

const mark = "after:";

function tokenOf(name: string): string {
  return Buffer.from(mark + name).toString("base64url");
}

function nameOfToken(token: string): string | undefined {
  const text = Buffer.from(token, "base64url").toString();
  return text.startsWith(mark) ? text.slice(mark.length) : undefined;
}
