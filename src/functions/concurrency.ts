import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { FunctionRecord } from "#/model/function.ts";
import type { Space } from "#/space/space.ts";

/**
 * How many calls run at once. Of a project `limits.functionConcurrencyMax`: a function gets at most what is reserved for it, and others what is
 * reserved for none. https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
 */
export class Concurrency {
  #space: Pick<Space, "get" | "list">;
  #ofFunction = new Map<string, number>();
  /** By project, of functions for which nothing is reserved. */
  #shared = new Map<string, number>();
  #reserved = new Map<string, number>();

  constructor(space: Pick<Space, "get" | "list" | "onApplied">) {
    this.#space = space;
    space.onApplied((changes) => {
      for (const { record } of changes)
        if (record.kind === "function") this.#reserved.delete(record.project);
    });
  }

  /** Counts a call until the function given back is called. Throws "TooManyRequestsException". */
  enter({ name, project }: FunctionRecord): () => void {
    const reserved = this.#space.get("function", name)?.spec.reservedConcurrency;
    const isReserved = reserved !== undefined;
    const [counts, key] = isReserved ? [this.#ofFunction, name] : [this.#shared, project];
    const running = counts.get(key) ?? 0;
    if (running >= (reserved ?? this.#unreserved(project))) throw tooMany(isReserved);
    counts.set(key, running + 1);
    return () => {
      const left = counts.get(key)! - 1;
      if (left === 0) counts.delete(key);
      else counts.set(key, left);
    };
  }

  /** What a project's functions share for which nothing is reserved. */
  #unreserved(project: string): number {
    const reserved = this.#reserved.get(project) ?? reservedIn(this.#space, project);
    this.#reserved.set(project, reserved);
    return limits.functionConcurrencyMax - reserved;
  }
}

/** Calls at once that functions of a project keep for themselves. */
export function reservedIn(space: Pick<Space, "list">, project: string): number {
  let sum = 0;
  for (const record of space.list("function"))
    if (record.project === project) sum += record.spec.reservedConcurrency ?? 0;
  return sum;
}

const tooMany = (isReserved: boolean) =>
  new AwsError("TooManyRequestsException", 429, "Rate Exceeded.", {
    fields: {
      Reason: isReserved
        ? "ReservedFunctionConcurrentInvocationLimitExceeded"
        : "ConcurrentInvocationLimitExceeded",
    },
  });
