/** What a bucket is as a website. */
export interface Website {
  indexDocument?: string;
  errorDocument?: string;
  redirectAll?: { host: string; protocol?: "http" | "https" };
  rules?: readonly WebsiteRule[];
}

export interface WebsiteRule {
  when?: { keyPrefix?: string; status?: string };
  redirect: {
    host?: string;
    protocol?: "http" | "https";
    status?: string;
    keyPrefix?: string;
    key?: string;
  };
}

/** Where a visitor is sent instead. */
export interface WebsiteRedirect {
  status: number;
  location: string;
}

/**
 * The redirect of the first rule that is about a key: before it is looked for (`status` is undefined), by rules that name no status;
 * after it failed, by those that name that one.
 */
export function ruledRedirect(
  { rules = [] }: Website,
  asked: { key: string; host: string; status?: number },
): WebsiteRedirect | undefined {
  const status = asked.status === undefined ? undefined : String(asked.status);
  const rule = rules.find(
    ({ when }) => when?.status === status && asked.key.startsWith(when?.keyPrefix ?? ""),
  );
  if (!rule) return undefined;
  const { when, redirect } = rule;
  const key =
    redirect.key ??
    (redirect.keyPrefix === undefined
      ? asked.key
      : redirect.keyPrefix + asked.key.slice((when?.keyPrefix ?? "").length));
  return {
    status: Number(redirect.status ?? 301),
    location: `${redirect.protocol ?? "http"}://${redirect.host ?? asked.host}/${encodedKey(key)}`,
  };
}

/** Where all visitors are sent of a website that is elsewhere. */
export function redirectOfAll(
  { redirectAll }: Website,
  { key, query }: { key: string; query: string },
): WebsiteRedirect | undefined {
  if (!redirectAll) return undefined;
  const { protocol = "http", host } = redirectAll;
  const rest = query === "" ? "" : `?${query}`;
  return { status: 301, location: `${protocol}://${host}/${encodedKey(key)}${rest}` };
}

/** A key as a path has it. */
export const encodedKey = (key: string): string => key.split("/").map(encodeURIComponent).join("/");
