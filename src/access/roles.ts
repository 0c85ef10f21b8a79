import { CanopyError } from "#/base/errors.ts";
import type { Caller, Role } from "#/model/access.ts";

const ranks: Record<Role, number> = { viewer: 0, submitter: 1, admin: 2, root: 3 };

/** True when `role` may do all that `needed` may. */
export function includesRole(role: Role, needed: Role): boolean {
  return ranks[role] >= ranks[needed];
}

/** Throws "forbidden" when the caller may not do what `needed` may; `action` finishes "Cannot …". */
export function requireRole(caller: Caller, needed: Role, action: string): void {
  if (includesRole(caller.role, needed)) return;
  throw new CanopyError(
    "forbidden",
    `Cannot ${action} as that takes the role '${needed}': this key's role is '${caller.role}'`,
    {
      hint:
        needed === "root"
          ? "Use the root token: it is in the file 'root-token' of the cloud's data folder"
          : `Ask for a key with that role: canopy key create NAME --role ${needed}`,
    },
  );
}
