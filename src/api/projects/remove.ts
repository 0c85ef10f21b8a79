import { defaultProject } from "#/access/access.ts";
import { CanopyError } from "#/base/errors.ts";
import { iamKinds } from "#/model/iam.ts";
import { hasJobEnded } from "#/model/job.ts";
import { defineCall } from "../call.ts";
import { projectParams } from "../params.ts";
import { requireRevision } from "../revisions.ts";
import type { Space } from "#/space/space.ts";
import { findProject } from "../views/access.ts";

export const removeProject = defineCall({
  summary: "Remove a project",
  description:
    "With its keys, policies, networks and functions. Refused while jobs of it run, or it has buckets, queues, instances, volumes, snapshots, images, addresses or open spot requests, or another project's volume or snapshot is sealed under a KMS key of it; what its jobs have left in the log stays there.",
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
    const left = leftIn(space, name);
    if (left)
      throw new CanopyError(
        "conflict",
        `Cannot remove the project '${name}' as it must have none of these: ${left.kind} '${left.name}'`,
        { hint: left.hint },
      );
    const sealed = parts.volumes.sealedBy(name);
    if (sealed)
      throw new CanopyError(
        "conflict",
        `Cannot remove the project '${name}' as its KMS keys must open nothing of others: one opens the ${sealed.kind} '${sealed.name}' of the project '${sealed.project}'`,
        { hint: "Whoever has it may keep a copy under another key, and must then remove it" },
      );
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
      ...(
        [
          "access-key",
          "vpc",
          "subnet",
          "security-group",
          "key-pair",
          "launch-template",
          "placement-group",
          "function",
          "function-version",
          "function-alias",
          "function-event",
          // What is left of these has ended.
          "spot-request",
          "image",
          "instance",
          "snapshot-removal",
        ] as const
      ).flatMap((kind) => own(space.all(kind), name)),
    ];
    await space.commit((tx) => {
      requireRevision(request, project);
      for (const record of owned) tx.delete(record.kind, record.name);
      tx.delete("project", name);
    }).durable;
  },
});

/** What holds data, costs money or runs goes by its own call alone. */
function leftIn(
  space: Pick<Space, "all">,
  project: string,
): { kind: string; name: string; hint: string } | undefined {
  const [request] = own(space.all("spot-request"), project).filter(
    ({ status: { state } }) => state === "open" || state === "active",
  );
  const [instance] = own(space.all("instance"), project).filter(
    ({ status: { state } }) => state !== "terminated",
  );
  const [image] = own(space.all("image"), project).filter(
    ({ status: { state } }) => state !== "deregistered",
  );
  const [volume] = own(space.all("volume"), project);
  const [snapshot] = own(space.all("snapshot"), project);
  const [address] = own(space.all("address"), project);
  const [queue] = own(space.all("queue"), project);
  const left = (one: { kind: string; name: string } | undefined, hint: string) =>
    one && { kind: one.kind, name: one.name, hint: `${hint} ${one.name} --project ${project}` };
  return (
    left(request, "aws ec2 cancel-spot-instance-requests --spot-instance-request-ids") ??
    left(instance, "canopy instances rm") ??
    left(image, "canopy images rm") ??
    left(volume, "canopy volumes rm") ??
    left(snapshot, "canopy snapshots rm") ??
    (address && { ...address, hint: `aws ec2 release-address --allocation-id ${address.name}` }) ??
    (queue && { ...queue, hint: `aws sqs delete-queue --queue-url …/${queue.name}` })
  );
}

const own = <R extends { project: string }>(records: Iterable<R>, project: string): R[] =>
  [...records].filter((record) => record.project === project);
