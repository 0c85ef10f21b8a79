import type { Filter } from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import { page } from "../paging.ts";
import { filtered, type Facts } from "./filters.ts";

/** What all descriptions may be asked with. */
export interface ListingAsked {
  /** Those alone. */
  ids?: readonly string[] | undefined;
  Filters?: readonly Filter[] | undefined;
  MaxResults?: number | undefined;
  NextToken?: string | undefined;
}

interface ListingOf<Thing> {
  all(): Iterable<Thing>;
  /** Throws for the first that is not there. */
  find(ids: readonly string[]): Thing[];
  facts: Facts<Thing>;
  /** A page has no fewer than this. */
  pageMin?: number;
  pageMax?: number;
  /** In what order they are told; by their serials when absent: those are never made in another order. */
  orderOf?(thing: Thing): string;
}

/** One page of what was asked for, and the token of the next. */
export function listed<Thing extends { serial: number }>(
  { ids, Filters, MaxResults, NextToken }: ListingAsked,
  of: ListingOf<Thing>,
): { items: Thing[]; more: { NextToken?: string } } {
  const { pageMin = 5, pageMax = 1000, orderOf } = of;
  const isNamed = ids !== undefined && ids.length > 0;
  if (isNamed && MaxResults !== undefined)
    throw new AwsError(
      "InvalidParameterCombination",
      400,
      "The parameter MaxResults cannot be used with ids in the same request.",
    );
  if (MaxResults !== undefined) requirePageSize(MaxResults, pageMin, pageMax);
  const all = isNamed ? of.find([...new Set(ids)]) : of.all();
  const found = filtered(all, of.facts, Filters);
  if (orderOf) found.sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  const { items, next } = page(found, {
    nameOf: orderOf ?? bySerial,
    token: NextToken,
    max: MaxResults ?? pageMax,
  });
  return { items, more: next === undefined ? {} : { NextToken: next } };
}

/** Throws "InvalidParameterValue". */
export function requirePageSize(asked: number, min: number, max: number): void {
  if (Number.isInteger(asked) && asked >= min && asked <= max) return;
  const expected =
    asked > max
      ? `less than or equal to ${max}`
      : `that is whole and greater than or equal to ${min}`;
  throw new AwsError(
    "InvalidParameterValue",
    400,
    `Value ( ${asked} ) for parameter maxResults is invalid. Expecting a value ${expected}.`,
  );
}

const bySerial = ({ serial }: { serial: number }) => String(serial).padStart(16, "0");
