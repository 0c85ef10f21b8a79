import { CanopyError } from "#/base/errors.ts";
import { decideLaunch, type LaunchWish } from "#/instances/launch.ts";
import { portsGroup } from "#/instances/ports-group.ts";
import { publishedPorts } from "#/instances/published-ports.ts";
import type { SpotAsked } from "#/instances/spot-requests.ts";
import { accountIdOf } from "#/model/account.ts";
import { AwsError } from "#/model/aws-error.ts";
import { launchRequest, type LaunchRequest } from "#/model/instance-request.ts";
import { instanceView } from "#/model/instance-views.ts";
import { region } from "#/model/region.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall, type Call } from "../call.ts";
import { tokenOf } from "../once.ts";
import { inProject } from "../params.ts";
import { instanceViewMeans, instanceViewOf } from "../views/instances.ts";
import { requirePassRole } from "./pass-role.ts";

export const launchInstances = defineCall({
  summary: "Launch instances",
  description:
    "As many as are asked for, or none; with `min`, as many as have room. What is left out is decided as EC2's RunInstances does. With an Idempotency-Key, a second call gives the instances of the first.",
  tag: "instances",
  role: "submitter",
  query: inProject,
  body: launchRequest,
  answer: pageOf(instanceView),
  status: 201,
  errors: ["not-found", "conflict", "no-capacity", "no-space"],
  run(call) {
    const { parts, body, project } = call;
    const { space, clock, random } = parts;
    if (body.profile !== undefined) requirePassRole(call, body.profile);
    const decided = decideLaunch(wishOf(call), { space, clock, random, region });
    const { ports: opened = [] } = body;
    const ports = [...opened, ...Object.keys(decided.published ?? {})];
    const opening =
      ports.length === 0
        ? undefined
        : portsGroup(parts, { project, vpc: decided.subnet.spec.vpc, ports });
    const groups = opening ? [...decided.groups, opening.name] : decided.groups;
    const newGroup = opening?.draft;
    try {
      const opened = { groups, ...(newGroup && { newGroup }) };
      const launched = body.spot
        ? parts.spotRequests.launch(wishOf(call), spotAsked(body.spot), opened)
        : parts.instances.launch({ ...decided, ...opened });
      const means = instanceViewMeans(parts);
      return { items: launched.map((record) => instanceViewOf(record, means)) };
    } catch (thrown) {
      if (!(thrown instanceof AwsError) || thrown.awsCode !== "IdempotentParameterMismatch")
        throw thrown;
      throw new CanopyError(
        "conflict",
        "Cannot use this Idempotency-Key again as it was used with another request",
        { hint: "Make a new key for each thing that is asked for" },
      );
    }
  },
});

/** What is stopped is to come again: that takes a request that lasts. */
function spotAsked({
  maxMicrosPerHour,
  onInterruption,
}: NonNullable<LaunchRequest["spot"]>): SpotAsked {
  return {
    type: onInterruption === "terminate" ? "one-time" : "persistent",
    maxMicrosPerHour,
    onInterruption,
    tags: {},
  };
}

type LaunchCall = Call<unknown, unknown, LaunchRequest>;

/** The same in the words of every door. */
function wishOf(call: LaunchCall): LaunchWish {
  const { body, project, parts } = call;
  const { count, min = count, name, tags, groups = [], image, metadata = {} } = body;
  const { isEnabled = true, hasTags = false, hopLimit } = metadata;
  return {
    project,
    accountId: accountIdOf(parts.space.get("project", project)!),
    image: imageNamed(call, image),
    type: body.type,
    min,
    max: count,
    subnet: body.subnet,
    groups: groups.filter((group) => group.startsWith("sg-")),
    groupTitles: groups.filter((group) => !group.startsWith("sg-")),
    privateIp: body.privateIp,
    hasPublicAddress: body.hasPublicAddress,
    ...(body.publish?.length && { published: publishedPorts(body.publish) }),
    disks: body.disks?.map(({ isLeftOut = false, ...disk }) => ({ ...disk, isLeftOut })),
    keyName: body.keyName,
    userData: body.userData,
    profile: body.profile,
    metadata: { isEnabled, hasTags, hopLimit },
    placement: placementOf(body),
    onShutdown: body.onShutdown ?? "stop",
    isTerminationProtected: body.isTerminationProtected ?? false,
    isStopProtected: body.isStopProtected ?? false,
    mayHibernate: body.mayHibernate ?? false,
    isRecovered: body.isRecovered ?? false,
    clientToken: tokenOf(call),
    tags: { ...tags, ...(name !== undefined && { Name: name }) },
  };
}

function placementOf({ placement = {} }: LaunchRequest): NonNullable<LaunchWish["placement"]> {
  const { zone, require, rank, group, machine } = placement;
  return {
    ...(zone !== undefined && { zone }),
    ...(require !== undefined && { requirements: require }),
    ...(rank !== undefined && { rank }),
    ...(group && { group }),
    ...(machine !== undefined && { machine }),
  };
}

/** An id as it is; for a title, the project's own image of it. */
function imageNamed({ parts, project }: LaunchCall, word: string): string {
  if (word.startsWith("ami-")) return word;
  for (const { name, spec, project: of } of parts.space.all("image"))
    if (of === project && spec.title === word) return name;
  throw new CanopyError(
    "not-found",
    `Cannot find the image '${word}': it must be an id, ami-…, or the title of one of the project's own`,
    { hint: "See them: canopy images" },
  );
}
