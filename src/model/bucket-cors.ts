/** One rule of a bucket about pages from elsewhere. "*" stands for any characters, once in an origin or a header. */
export interface CorsRule {
  id?: string;
  origins: readonly string[];
  methods: readonly string[];
  headers?: readonly string[];
  exposed?: readonly string[];
  maxAgeSeconds?: number;
}

/** The first rule that lets a page of `origin` make such a request, as S3 looks for it; undefined when none does. */
export function corsRuleOf(
  rules: readonly CorsRule[],
  asked: { origin: string; method: string; headers?: readonly string[] },
): CorsRule | undefined {
  return rules.find(
    ({ origins, methods, headers = [] }) =>
      methods.includes(asked.method) &&
      origins.some((pattern) => fits(pattern, asked.origin)) &&
      (asked.headers ?? []).every((header) =>
        headers.some((pattern) => fits(pattern.toLowerCase(), header.toLowerCase())),
      ),
  );
}

function fits(pattern: string, value: string): boolean {
  const star = pattern.indexOf("*");
  if (star < 0) return pattern === value;
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return (
    value.length >= before.length + after.length &&
    value.startsWith(before) &&
    value.endsWith(after)
  );
}
