import { defaultProject } from "#/access/access.ts";
import { CanopyError } from "#/base/errors.ts";
import { iamKinds } from "#/model/iam.ts";
import { hasJobEnded } from "#/model/job.ts";
import { defineCall } from "../call.ts";
import { projectParams } from "../params.ts";
import { requireRevision } from "../revisions.ts";
import { findProject } from "../views/access.ts";

export const removeProject = defineCall({
  summary: "Remove a project",
  description:
    "With its keys and policies. Refused while jobs of it run or it has buckets; what its jobs have left in the log stays there.",
  tag: "access",
  role: "root",
  params: projectParams,
  status: 204,
  revision: "expected",
  errors: ["not-found", "conflict", "no-space"],
  async run({ parts, params, request }) {
    const { space } = parts;
    const { name } = params;
    if (name === defaultProject)
      throw new CanopyError(
        "conflict",
        `Cannot remove the project '${name}' as it is always there`,
      );
    const project = findProject((asked) => space.get("project", asked), name);
    const running = [...space.list("job")].filter(
      (job) => job.project === name && !hasJobEnded(job),
    );
    if (running.length > 0) {
      throw new CanopyError(
        "conflict",
        `Cannot remove the project '${name}' as jobs of it run: current number is ${running.length}`,
        {
          hint: `canopy cancel ${running[0]!.name}`,
        },
      );
    }
    const [bucket] = parts.buckets.list(name);
    if (bucket) {
      throw new CanopyError(
        "conflict",
        `Cannot remove the project '${name}' as it must have no buckets: one is '${bucket.name}'`,
        { hint: `canopy bucket delete ${bucket.name} --project ${name}` },
      );
    }
    const owned = [
      ...(
        [
          "key",
          "request",
          "policy",
          ...iamKinds,
          "kms-key",
          "kms-alias",
          "webhook",
          "event-subscription",
        ] as const
      ).flatMap((kind) => [...space.list(kind, name)]),
      ...[...space.list("access-key")].filter(({ project: owner }) => owner === name),
    ];
    await space.commit((tx) => {
      requireRevision(request, project);
      for (const record of owned) tx.delete(record.kind, record.name);
      tx.delete("project", name);
    }).durable;
  },
});
