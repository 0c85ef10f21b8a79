import { Readable } from "node:stream";
import { CanopyError } from "#/base/errors.ts";
import type { Caller } from "#/model/access.ts";
import { siteOf } from "#/model/machine.ts";
import type { Space } from "#/space/space.ts";
import { defineCall } from "../call.ts";
import { sitesOfBlob } from "../jobs/confined.ts";
import { inProject, blobParams } from "../params.ts";
import type { DoorParts } from "../parts.ts";

export const getBlob = defineCall({
  summary: "Get a blob",
  description:
    "All of it, or with the header Range one part (`bytes=0-1023`). HEAD gives its size only.",
  isForAny: true,
  tag: "blobs",
  role: "viewer",
  fromJobs: "project",
  fromMachines: true,
  params: blobParams,
  query: inProject,
  answerType: {
    type: "application/octet-stream",
    description: "The content, or 206 with a part of it",
  },
  errors: ["not-found", "forbidden"],
  async run({ parts, project, params, caller, request, reply }) {
    await requireAllowed(parts, project, params.key, caller);
    const stored = await parts.blobs.stat(project, params.key);
    if (!stored)
      throw new CanopyError(
        "not-found",
        `Cannot find the blob ${params.key} in the project '${project}'`,
      );
    const { sizeBytes } = stored;
    reply
      .type("application/octet-stream")
      .header("etag", `"${params.key}"`)
      .header("cache-control", "private, max-age=31536000, immutable")
      .header("accept-ranges", "bytes");
    if (request.headers["if-none-match"]?.includes(params.key)) return reply.code(304).send();
    const range = rangeOf(request.headers.range, sizeBytes);
    const length = range?.length ?? sizeBytes;
    reply.header("content-length", length);
    if (range)
      reply
        .code(206)
        .header("content-range", `bytes ${range.offset}-${range.offset + length - 1}/${sizeBytes}`);
    if (request.method === "HEAD") return reply.send(Readable.from([])); // a stream, so that its length stays said
    const found = await parts.blobs.get(project, params.key, range);
    return reply.send(Readable.from(found!.content, { objectMode: false }));
  },
});

/** Throws "forbidden" for an agent, or code of a job, that is at a site which the policy's rules on data do not name. */
async function requireAllowed(
  { space }: Pick<DoorParts, "space">,
  project: string,
  key: string,
  { machine, job }: Caller,
): Promise<void> {
  if (machine === undefined && job === undefined) return;
  const allowed = await sitesOfBlob(space, project, key);
  if (!allowed) return;
  const at =
    machine === undefined ? await sitesOfCode(space, job!) : sitesOfMachine(space, machine);
  if (at && at.every((site) => allowed.includes(site))) return;
  throw new CanopyError(
    "forbidden",
    `Cannot give the blob ${key} as the policy lets it be read at ${allowed.join(" or ") || "no site"} only: asked from ${at?.join(" or ") ?? "any site"}`,
    { hint: "See the rules: canopy policy show" },
  );
}

function sitesOfMachine(space: Space, name: string): readonly string[] | undefined {
  const machine = space.get("machine", name);
  return machine && [siteOf(machine.spec)];
}

/** Where a job's own code may run. */
async function sitesOfCode(space: Space, name: string): Promise<readonly string[] | undefined> {
  const [job] = await space.find("job", [name]);
  const main = job?.spec.mainStep;
  const [step] = main === undefined ? [] : await space.find("step", [main]);
  return step?.spec.template.needs.sites;
}

/** One range of bytes, cut to the blob; undefined where none, or none of this form, is asked for (then all of it is right). */
function rangeOf(
  header: string | undefined,
  sizeBytes: number,
): { offset: number; length: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const [, first = "", last = ""] = match;
  const offset = first === "" ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === "" || last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (offset >= sizeBytes || end < offset) {
    throw new CanopyError(
      "invalid",
      `Cannot give that part of the blob as it has ${sizeBytes} bytes: asked for '${header}'`,
    );
  }
  return { offset, length: end - offset + 1 };
}
