import type { AutonomicAction, Autonomy } from "#/model/policy.ts";
import type { SavingRule } from "#/model/saving.ts";

/** Something that Canopy would do. */
export interface Wish {
  readonly action: AutonomicAction | `savings.${SavingRule}`;
  /** As something that is not done: "would order 2 large of lab". Absent where there is nothing to be done. */
  readonly would?: string | undefined;
  /** What it comes from: "needs more than is there". */
  readonly sees: string;
  /** Whose levels they are: "its policy" unless said. */
  readonly policy?: string;
}

/** How far a wish may go. */
export interface Leave {
  readonly isDone: boolean;
  /** A plan is made of it, which waits for somebody. */
  readonly isProposed: boolean;
  /** What is written down in place of doing it. */
  readonly says?: { readonly what: string; readonly flip: string };
}

/**
 * What each of the five levels of autonomy makes of a wish: a pure function. Only what is more than one wish asks for
 * its level by itself: jobs that wait, fleets, keys that are closed and tasks that are slow.
 */
export function leaveFor(
  level: Autonomy,
  { action, would, sees, policy = "its policy" }: Wish,
): Leave {
  const setting = action.startsWith("savings.") ? action : `autonomy.${action}`;
  const says = (what: string, more = "") => ({
    what,
    flip: `with ${setting}: act in ${policy} that would have been done${more}`,
  });
  switch (level) {
    case "manual":
      return { isDone: false, isProposed: false };
    case "observe":
      return { isDone: false, isProposed: false, says: says(sees) };
    case "advise":
      return { isDone: false, isProposed: false, says: says(would ?? sees) };
    case "approve":
      return {
        isDone: false,
        isProposed: would !== undefined,
        says: says(would ?? sees, " at once"),
      };
    case "act":
      return { isDone: true, isProposed: false };
  }
}
