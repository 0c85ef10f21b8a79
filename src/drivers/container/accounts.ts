import type { Layer } from "../instances/layers.ts";
import { HostingError } from "../instances/hosting-error.ts";

/** Who a container's program is, in the words of its image. */
export interface Account {
  uid: number;
  gid: number;
  groups: number[];
  home: string;
}

/**
 * Who "USER", "USER:GROUP" or numbers are, by the image's own /etc/passwd and /etc/group. Throws HostingError
 * "Client.InvalidImage" for a name that is in neither.
 */
export function accountOf(user: string, layers: readonly Layer[]): Account {
  const passwd = linesOf("passwd", layers);
  const group = linesOf("group", layers);
  const [who = "", which] = user.split(":");
  const isNumber = /^\d+$/.test(who);
  const entry = passwd.find(([name, , uid]) => (isNumber ? uid === who : name === (who || "root")));
  if (!entry && !isNumber && who !== "" && who !== "root")
    throw new HostingError(
      "Client.InvalidImage",
      `Cannot start the image as its user must be in its /etc/passwd: '${who}' is not`,
    );
  const uid = entry ? Number(entry[2]) : isNumber ? Number(who) : 0;
  const gid = which ? groupOf(which, group) : Number(entry?.[3] ?? 0);
  const name = entry?.[0];
  return {
    uid,
    gid,
    // A group that is named stands for all of them.
    groups: which
      ? []
      : group
          .filter(([, , , members = ""]) => name !== undefined && members.split(",").includes(name))
          .map(([, , number]) => Number(number)),
    home: entry?.[5] || "/",
  };
}

function groupOf(which: string, group: string[][]): number {
  if (/^\d+$/.test(which)) return Number(which);
  const entry = group.find(([name]) => name === which);
  if (entry) return Number(entry[2]);
  throw new HostingError(
    "Client.InvalidImage",
    `Cannot start the image as its group must be in its /etc/group: '${which}' is not`,
  );
}

/** The topmost layer's that has it. */
function linesOf(file: "passwd" | "group", layers: readonly Layer[]): string[][] {
  const text = layers.findLast(({ facts }) => facts[file] !== undefined)?.facts[file] ?? "";
  return text.split("\n").map((line) => line.split(":"));
}
