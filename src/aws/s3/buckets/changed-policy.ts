interface Document {
  Version?: string;
  Statement?: unknown;
}

/** A policy with only what it forbids. */
export function withoutAllowing(policy: string): string {
  const document = JSON.parse(policy) as Document;
  const Statement = listOf(document.Statement).filter(
    (one) => (one as { Effect?: string }).Effect === "Deny",
  );
  return JSON.stringify({ ...document, Statement: Statement.length > 0 ? Statement : [nothing] });
}

/** A policy, or none, with one more action that it allows: to everyone ("*") or to an account. */
export function allowingToo(policy: string | undefined, action: string, principal: string): string {
  const document = (policy === undefined ? {} : JSON.parse(policy)) as Document;
  const added = {
    Effect: "Allow",
    Principal: principal === "*" ? "*" : { AWS: principal },
    Action: action,
    Resource: "*",
  };
  const { Version = "2008-10-17", Statement } = document;
  return JSON.stringify({ Version, Statement: [...listOf(Statement), added] });
}

/** A policy has at least one statement. */
const nothing = { Effect: "Deny", NotPrincipal: "*", Action: "s3:*", Resource: "*" };

const listOf = (value: unknown): unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];
