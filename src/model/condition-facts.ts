import type { parse } from "@bufbuild/cel";

type Expression = ReturnType<typeof parse>["expr"];
type Constant = string | number;

/** How a condition speaks of one fact of an offer. */
export interface FactUse {
  /** What it is compared with. */
  readonly constants: Constant[];
  /** It asks whether it is known. */
  isTested: boolean;
  /** It does something else with it, so that the constants do not say where its answer changes. */
  isOdd: boolean;
}

/** What a condition speaks of. */
export interface ConditionFacts {
  readonly offer: ReadonlyMap<string, FactUse>;
  /** It speaks of a job, too. */
  readonly isOfJob: boolean;
  /** It asks about offers or jobs as such, so that what is left out would be taken for something that is not. */
  readonly isOpen: boolean;
}

const equalities = new Set(["_==_", "_!=_"]);
const orders = new Set(["_<_", "_<=_", "_>_", "_>=_"]);

/** The facts that a condition speaks of, and what it compares them with. Undefined where it is no CEL. */
export async function factsOf(text: string): Promise<ConditionFacts | undefined> {
  const cel = await import("@bufbuild/cel");
  const reading = new Reading();
  try {
    reading.visit(cel.parse(text).expr);
  } catch {
    return undefined;
  }
  return reading;
}

class Reading implements ConditionFacts {
  readonly offer = new Map<string, FactUse>();
  isOfJob = false;
  isOpen = false;

  visit(expression: Expression | undefined): void {
    if (!expression) return;
    const { case: kind, value } = expression.exprKind;
    switch (kind) {
      case "identExpr":
        if (value.name === "offer" || value.name === "job") this.isOpen = true;
        return;
      case "selectExpr":
        return this.#select(expression);
      case "callExpr":
        if (this.#isPlain(value.function, value.args)) return;
        this.visit(value.target);
        for (const one of value.args) this.visit(one);
        return;
      case "listExpr":
        for (const one of value.elements) this.visit(one);
        return;
      case "structExpr":
        for (const { keyKind, value: of } of value.entries) {
          if (keyKind.case === "mapKey") this.visit(keyKind.value);
          this.visit(of);
        }
        return;
      case "comprehensionExpr":
        for (const part of [
          "iterRange",
          "accuInit",
          "loopCondition",
          "loopStep",
          "result",
        ] as const)
          this.visit(value[part]);
    }
  }

  #use(fact: string): FactUse {
    const use = this.offer.get(fact) ?? { constants: [], isTested: false, isOdd: false };
    this.offer.set(fact, use);
    return use;
  }

  #select(expression: Expression): void {
    const { value } = expression.exprKind as Extract<
      Expression["exprKind"],
      { case: "selectExpr" }
    >;
    const { operand, field, testOnly } = value;
    const of = nameOf(operand);
    if (of === "offer") {
      const use = this.#use(field);
      if (testOnly) use.isTested = true;
      else use.isOdd = true;
    } else if (of === "job") {
      this.isOfJob = true;
      this.isOpen ||= testOnly;
    } else if (factOf(operand) === "labels" && !testOnly) this.#use("labels");
    else this.visit(operand);
  }

  /** A fact that is compared with constants, or the label of a name. */
  #isPlain(name: string, [left, right]: readonly Expression[]): boolean {
    if (!left || !right) return false;
    if (name === "_[_]" && factOf(left) === "labels" && constantOf(right) !== undefined) {
      this.#use("labels");
      return true;
    }
    const fact = factOf(left) ?? factOf(right);
    const other = factOf(left) === undefined ? left : right;
    if (fact === undefined) return false;
    const constants = comparedWith(name, other, other === right);
    if (!constants) return false;
    this.#use(fact).constants.push(...constants);
    return true;
  }
}

function nameOf(expression: Expression | undefined): string | undefined {
  const { case: kind, value } = expression?.exprKind ?? {};
  return kind === "identExpr" ? value!.name : undefined;
}

/** "cpus" of `offer.cpus`. */
function factOf(expression: Expression | undefined): string | undefined {
  const { exprKind } = expression ?? {};
  if (exprKind?.case !== "selectExpr" || exprKind.value.testOnly) return undefined;
  return nameOf(exprKind.value.operand) === "offer" ? exprKind.value.field : undefined;
}

function constantOf({ exprKind }: Expression): Constant | undefined {
  if (exprKind.case !== "constExpr") return undefined;
  const { value } = exprKind.value.constantKind;
  if (typeof value === "bigint") return Number(value);
  return typeof value === "number" || typeof value === "string" ? value : undefined;
}

/** What a fact is compared with there; undefined where that is more than constants, or texts by their order. */
function comparedWith(name: string, other: Expression, isRight: boolean): Constant[] | undefined {
  const { case: kind, value } = other.exprKind;
  const isIn = name === "@in" && isRight && kind === "listExpr";
  if (!isIn && !equalities.has(name) && !orders.has(name)) return undefined;
  const compared = isIn ? value.elements.map(constantOf) : [constantOf(other)];
  const constants = compared.filter((one) => one !== undefined);
  const isText = constants.some((one) => typeof one === "string");
  if (constants.length < compared.length || (isText && orders.has(name))) return undefined;
  return constants;
}
