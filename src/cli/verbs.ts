import type { Verb } from "./verb.ts";

/** A verb of the front door: known by its name at once, loaded only when it is used. */
export interface VerbEntry {
  name: string;
  aliases?: string[];
  group: "Run work" | "Look" | "Keep data" | "Machines and people" | "This computer";
  summary: string;
  load: () => Promise<{ verb: Verb }>;
}

/** All verbs, in the order in which help tells them. */
export const verbs: readonly VerbEntry[] = [
  {
    name: "up",
    group: "This computer",
    summary: "Start a cloud here, with this computer as its first machine",
    load: () => import("./verbs/up.ts"),
  },
  {
    name: "run",
    group: "Run work",
    summary: "Run a program, a module, a job file or a recorded workflow, and follow it",
    load: () => import("./verbs/run.ts"),
  },
  {
    name: "apply",
    group: "Run work",
    summary: "Run exactly the plan that a file holds, once",
    load: () => import("./verbs/apply.ts"),
  },
  {
    name: "approve",
    group: "Run work",
    summary: "Approve a plan: its job is submitted, and machines are bought for it",
    load: () => import("./verbs/approve.ts"),
  },
  {
    name: "cancel",
    group: "Run work",
    summary: "End jobs",
    load: () => import("./verbs/cancel.ts"),
  },
  {
    name: "retry",
    group: "Run work",
    summary: "Run again what of a job failed or was cancelled",
    load: () => import("./verbs/retry.ts"),
  },
  {
    name: "follow",
    group: "Run work",
    summary: "Follow a job to its end",
    load: () => import("./verbs/follow.ts"),
  },
  { name: "ps", group: "Look", summary: "List jobs", load: () => import("./verbs/ps.ts") },
  {
    name: "show",
    group: "Look",
    summary: "Show one job, by kind of task",
    load: () => import("./verbs/show.ts"),
  },
  {
    name: "tasks",
    group: "Look",
    summary: "List the tasks of a job",
    load: () => import("./verbs/tasks.ts"),
  },
  {
    name: "logs",
    group: "Look",
    summary: "Print what tasks print",
    load: () => import("./verbs/logs.ts"),
  },
  {
    name: "result",
    group: "Look",
    summary: "Print a job's result, or fetch its output files",
    load: () => import("./verbs/result.ts"),
  },
  {
    name: "why",
    group: "Look",
    summary:
      "Explain a job, task, machine, instance, order, plan, site, key, project, fleet, or the policy",
    load: () => import("./verbs/why.ts"),
  },
  {
    name: "forecast",
    group: "Look",
    summary: "When jobs will end and what they will have cost",
    load: () => import("./verbs/forecast.ts"),
  },
  {
    name: "what-if",
    group: "Look",
    summary: "The same with other machines, or under another policy",
    load: () => import("./verbs/what-if.ts"),
  },
  {
    name: "replay",
    group: "Look",
    summary: "What other policies would have done to the load of the last days",
    load: () => import("./verbs/replay.ts"),
  },
  {
    name: "cost",
    group: "Look",
    summary: "What a job used, cost and drew; where functions or instances cost less",
    load: () => import("./verbs/cost.ts"),
  },
  {
    name: "plan",
    aliases: ["plans"],
    group: "Look",
    summary: "Plan a job: what would be bought, when it would be done, what it would cost",
    load: () => import("./verbs/plan.ts"),
  },
  {
    name: "fleet",
    group: "Look",
    summary: "Machines that jobs share: what was bought and given back for what waits, and why",
    load: () => import("./verbs/fleet.ts"),
  },
  {
    name: "orders",
    aliases: ["order"],
    group: "Look",
    summary: "List the machines that were asked of sites",
    load: () => import("./verbs/orders.ts"),
  },
  {
    name: "top",
    group: "Look",
    summary: "Watch machines and jobs live",
    load: () => import("./verbs/top.ts"),
  },
  {
    name: "status",
    group: "Look",
    summary: "Show the cloud that this computer speaks to",
    load: () => import("./verbs/status.ts"),
  },
  {
    name: "instances",
    aliases: ["instance"],
    group: "Run work",
    summary: "Containers, microVMs and VMs: launch, list, stop, reach by ssh",
    load: () => import("./verbs/instances.ts"),
  },
  {
    name: "key-pairs",
    aliases: ["key-pair"],
    group: "Machines and people",
    summary: "Keys that open instances for ssh: make, import, list, delete",
    load: () => import("./verbs/key-pairs.ts"),
  },
  {
    name: "volumes",
    aliases: ["volume"],
    group: "Keep data",
    summary: "Disks that outlive instances: make, attach, grow, delete",
    load: () => import("./verbs/volumes.ts"),
  },
  {
    name: "snapshots",
    aliases: ["snapshot"],
    group: "Keep data",
    summary: "What volumes held at some moment: take, list, delete",
    load: () => import("./verbs/snapshots.ts"),
  },
  {
    name: "bucket",
    aliases: ["buckets"],
    group: "Keep data",
    summary: "Buckets of objects: make, list, bound, delete",
    load: () => import("./verbs/bucket.ts"),
  },
  {
    name: "webhook",
    aliases: ["webhooks"],
    group: "Keep data",
    summary: "Addresses that are told of what happens in buckets",
    load: () => import("./verbs/webhook.ts"),
  },
  {
    name: "objects",
    aliases: ["object"],
    group: "Keep data",
    summary: "Objects in buckets: list, copy, sync, mount, seal",
    load: () => import("./verbs/objects.ts"),
  },
  {
    name: "images",
    aliases: ["image"],
    group: "Keep data",
    summary: "Images of instances: import, build, list, deregister",
    load: () => import("./verbs/images.ts"),
  },
  {
    name: "machines",
    aliases: ["machine"],
    group: "Machines and people",
    summary: "List machines, and look after them",
    load: () => import("./verbs/machines.ts"),
  },
  {
    name: "sites",
    aliases: ["site"],
    group: "Machines and people",
    summary: "Where machines come from, and what they would cost",
    load: () => import("./verbs/sites.ts"),
  },
  {
    name: "join",
    group: "Machines and people",
    summary: "Let this computer join a cloud, or print the line that lets another one join",
    load: () => import("./verbs/join.ts"),
  },
  {
    name: "agent",
    group: "Machines and people",
    summary: "Run this computer's agent again after it has joined",
    load: () => import("./verbs/agent.ts"),
  },
  {
    name: "policy",
    group: "Machines and people",
    summary: "What Canopy may buy and release by itself, and how far it decides alone",
    load: () => import("./verbs/policy.ts"),
  },
  {
    name: "chaos",
    group: "Machines and people",
    summary: "Game days: kill tasks, agents and machines within bounds, and see what heals",
    load: () => import("./verbs/chaos.ts"),
  },
  {
    name: "carbon",
    group: "Machines and people",
    summary: "Carbon zones: how clean electricity is, hour by hour",
    load: () => import("./verbs/carbon.ts"),
  },
  {
    name: "project",
    aliases: ["projects"],
    group: "Machines and people",
    summary: "Projects: tenants with their own jobs and keys",
    load: () => import("./verbs/project.ts"),
  },
  {
    name: "trail",
    group: "Machines and people",
    summary: "Look up who called what, and when",
    load: () => import("./verbs/trail.ts"),
  },
  {
    name: "key",
    aliases: ["keys"],
    group: "Machines and people",
    summary: "API keys of a project",
    load: () => import("./verbs/key.ts"),
  },
  {
    name: "aws",
    group: "This computer",
    summary: "Set up AWS's tools for this cloud",
    load: () => import("./verbs/aws.ts"),
  },
  {
    name: "context",
    aliases: ["contexts"],
    group: "This computer",
    summary: "Which cloud commands speak to",
    load: () => import("./verbs/context.ts"),
  },
  {
    name: "open",
    group: "This computer",
    summary: "Open the cloud's API description in a browser",
    load: () => import("./verbs/open.ts"),
  },
  {
    name: "backup",
    group: "This computer",
    summary: "Write a backup of the cloud into a file, while it works on",
    load: () => import("./verbs/backup.ts"),
  },
  {
    name: "restore",
    group: "This computer",
    summary: "Make a data folder, or a shared log, of a backup",
    load: () => import("./verbs/restore.ts"),
  },
  {
    name: "doctor",
    group: "This computer",
    summary: "Look whether a data folder or a shared log is sound, and mend it",
    load: () => import("./verbs/doctor.ts"),
  },
  {
    name: "completion",
    group: "This computer",
    summary: "Print a script that completes commands in your shell",
    load: () => import("./verbs/completion.ts"),
  },
];
