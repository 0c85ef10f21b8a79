import type { IncomingMessage } from "node:http";
import type { FastifyRequest } from "fastify";
import type { Access } from "#/access/access.ts";
import { includesRole, requireRole } from "#/access/roles.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Caller } from "#/model/access.ts";
import type { Space } from "#/space/space.ts";
import type { AnyDefinition } from "./call.ts";

/** Who calls, or "unauthenticated". */
export function callerOf(request: Pick<IncomingMessage, "headers">, access: Access): Caller {
  const header = request.headers.authorization;
  if (header === undefined) {
    throw new CanopyError("unauthenticated", "Cannot answer without a key", {
      hint: "Send it as 'Authorization: Bearer KEY'; the root token is in the file 'root-token' of the cloud's data folder",
    });
  }
  const secret = /^Bearer +(\S+)$/i.exec(header)?.[1];
  if (secret === undefined) {
    throw new CanopyError(
      "unauthenticated",
      "Cannot accept this key as the header must be 'Authorization: Bearer KEY'",
    );
  }
  return access.authenticate(secret);
}

/** Throws "forbidden" unless this caller may make this call; "not-found" for a job that is not a job key's own. */
export function requireAllowed(
  caller: Caller,
  definition: AnyDefinition,
  params: { job?: string },
): void {
  const { summary, role, fromJobs, fromMachines } = definition;
  const action = summary.charAt(0).toLowerCase() + summary.slice(1);
  if (caller.machine !== undefined) {
    if (fromMachines) return;
    throw new CanopyError("forbidden", `Cannot ${action} with the key of a machine`);
  }
  if (caller.job !== undefined) {
    if (!fromJobs) throw new CanopyError("forbidden", `Cannot ${action} from inside a job`);
    if (fromJobs === "own" && params.job !== caller.job) {
      throw new CanopyError(
        "forbidden",
        `Cannot ${action} as code inside a job may touch that job only: it is ${caller.job}`,
      );
    }
  }
  if (role !== "anyone") requireRole(caller, role, action);
}

/**
 * The project that a call is about: the caller's own; root and machines may choose by `?project=` or
 * the header `canopy-project`. Throws "forbidden" when another one is asked for, "not-found" for none.
 */
export function projectOf(request: FastifyRequest, caller: Caller, space: Space): string {
  const asked =
    (request.query as { project?: unknown }).project ?? request.headers["canopy-project"];
  if (typeof asked !== "string" || asked === caller.project) return caller.project;
  if (!includesRole(caller.role, "root") && caller.machine === undefined) {
    throw new CanopyError(
      "forbidden",
      `Cannot see the project '${asked}' as this key is for '${caller.project}' only`,
    );
  }
  if (!space.get("project", asked)) {
    throw new CanopyError("not-found", `Cannot find the project '${asked}'`, {
      hint: "See them all: canopy project list",
    });
  }
  return asked;
}
