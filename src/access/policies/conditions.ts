import { isBlock, isInBlock } from "./address.ts";
import { Pattern, type Variables } from "./pattern.ts";

/** What a request says of a key in lower case; undefined when it says nothing. */
export type Facts = (key: string) => string | readonly string[] | undefined;

type Test = (value: string, wanted: Pattern, variables: Variables) => boolean;

interface Operator {
  test: Test;
  isNegated?: true;
  /** Whether this may stand in a policy. */
  isValid?: (text: string) => boolean;
  ignoresCase?: true;
}

/** One line of a condition: an operator, a key, and the values of which one must fit. */
export interface Condition {
  key: string;
  operator: Operator;
  isNull: boolean;
  ifExists: boolean;
  quantifier?: "all" | "any";
  wanted: readonly Pattern[];
}

const equal: Test = (value, wanted, variables) => value === wanted.literal(variables);
const like: Test = (value, wanted, variables) => wanted.matches(value, variables);
const likeArn: Test = (value, wanted, variables) => wanted.matchesArn(value, variables);
const number =
  (compare: (value: number, wanted: number) => boolean): Test =>
  (value, wanted) =>
    value !== "" && compare(Number(value), Number(wanted.text));
const date =
  (compare: (value: number, wanted: number) => boolean): Test =>
  (value, wanted) =>
    compare(momentOf(value), momentOf(wanted.text));
const isNumber = (text: string) => text.trim() !== "" && !Number.isNaN(Number(text));
const isDate = (text: string) => text.includes("${") || !Number.isNaN(momentOf(text));
const isBoolean = (text: string) => /^(?:true|false)$/i.test(text) || text.includes("${");
const isAddress = (text: string) => isBlock(text);

const compares = {
  Equals: (a: number, b: number) => a === b,
  LessThan: (a: number, b: number) => a < b,
  LessThanEquals: (a: number, b: number) => a <= b,
  GreaterThan: (a: number, b: number) => a > b,
  GreaterThanEquals: (a: number, b: number) => a >= b,
};

/** All of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
const operators = new Map<string, Operator>([
  ["StringEquals", { test: equal }],
  ["StringNotEquals", { test: equal, isNegated: true }],
  ["StringEqualsIgnoreCase", { test: equal, ignoresCase: true }],
  ["StringNotEqualsIgnoreCase", { test: equal, ignoresCase: true, isNegated: true }],
  ["StringLike", { test: like }],
  ["StringNotLike", { test: like, isNegated: true }],
  ["ArnEquals", { test: likeArn }],
  ["ArnLike", { test: likeArn }],
  ["ArnNotEquals", { test: likeArn, isNegated: true }],
  ["ArnNotLike", { test: likeArn, isNegated: true }],
  ["NumericNotEquals", { test: number(compares.Equals), isNegated: true, isValid: isNumber }],
  ["DateNotEquals", { test: date(compares.Equals), isNegated: true, isValid: isDate }],
  ...Object.entries(compares).flatMap(([name, compare]): [string, Operator][] => [
    [`Numeric${name}`, { test: number(compare), isValid: isNumber }],
    [`Date${name}`, { test: date(compare), isValid: isDate }],
  ]),
  ["Bool", { test: equal, ignoresCase: true, isValid: isBoolean }],
  ["BinaryEquals", { test: equal }],
  ["IpAddress", { test: (value, { text }) => isInBlock(value, text), isValid: isAddress }],
  [
    "NotIpAddress",
    { test: (value, { text }) => isInBlock(value, text), isNegated: true, isValid: isAddress },
  ],
  ["Null", { test: equal, isValid: isBoolean }],
]);

/** "ForAnyValue:StringLikeIfExists" and its keys. Throws a sentence for what is none. */
export function conditionsOf(
  name: string,
  block: Readonly<Record<string, unknown>>,
  hasVariables: boolean,
): Condition[] {
  const [, set, plain, ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/.exec(name) ?? [];
  const operator = operators.get(plain ?? "");
  const isNull = plain === "Null";
  if (!operator || (isNull && (ifExists || set)))
    throw new Error(`Invalid Condition type : ${name}`);
  return Object.entries(block).map(([key, value]): Condition => {
    if (!key.includes(":"))
      throw new Error("Conditions must be prefaced by a vendor, e.g., aws:SourceIp");
    const texts = textsOf(value);
    for (const text of texts)
      if (operator.isValid && !operator.isValid(text))
        throw new Error(`Invalid value in Condition ${name}: ${text}`);
    const { ignoresCase = false } = operator;
    return {
      key: key.toLowerCase(),
      operator,
      isNull,
      ifExists: ifExists !== undefined,
      ...(set !== undefined && { quantifier: set === "ForAllValues" ? "all" : "any" }),
      wanted: texts.map((text) => new Pattern(text, { ignoresCase, hasVariables })),
    };
  });
}

/** Whether a request fulfils one line of a condition. */
export function isFulfilled(condition: Condition, facts: Facts, variables: Variables): boolean {
  const { key, operator, isNull, ifExists, quantifier, wanted } = condition;
  const said = facts(key);
  const values = said === undefined ? [] : typeof said === "string" ? [said] : said;
  if (isNull)
    return wanted.some(({ text }) => (text.toLowerCase() === "true") === (values.length === 0));
  if (values.length === 0)
    return (
      ifExists || quantifier === "all" || (operator.isNegated === true && quantifier !== "any")
    );
  const fits = (value: string) => {
    const cased = operator.ignoresCase ? value.toLowerCase() : value;
    return (
      wanted.some((one) => operator.test(cased, one, variables)) !== (operator.isNegated === true)
    );
  };
  if (quantifier === "any") return values.some(fits);
  if (quantifier === "all" || operator.isNegated) return values.every(fits);
  return values.some(fits);
}

function textsOf(value: unknown): string[] {
  const all = Array.isArray(value) ? (value as unknown[]) : [value];
  if (all.length === 0) throw new Error("Condition values must not be empty");
  return all.map((one) => {
    if (typeof one === "string") return one;
    if (typeof one === "number" || typeof one === "boolean") return String(one);
    throw new Error("Condition values must be strings");
  });
}

/** A date of ISO 8601, or seconds since 1970. */
function momentOf(text: string): number {
  return /^\d+(?:\.\d+)?$/.test(text) && text.length > 4 ? Number(text) * 1000 : Date.parse(text);
}
