import { CanopyError } from "#/base/errors.ts";
import { instanceTypes } from "#/model/instance-type.ts";
import { nearestWord } from "#/model/nearest-word.ts";
import type { WhyView } from "#/model/views.ts";
import type { Client } from "#/sdk/client.ts";
import type { Verb } from "../verb.ts";
import { explained, toneOf } from "../words.ts";

const kinds = [
  "job",
  "task",
  "machine",
  "instance",
  "instance-type",
  "saving",
  "order",
  "plan",
  "site",
  "project",
  "key",
  "fleet",
  "policy",
] as const;
type Kind = (typeof kinds)[number];

export const verb: Verb = {
  define(command, does) {
    command
      .usage("[kind] <name> [options]")
      .argument(
        "<name...>",
        "a job, step or task (j0f3k2m9x1ab2/0/7), machine, instance (i-…) or type of them (v.small), volume, snapshot, image, spot request, order, plan, site, key, project NAME, fleet, or policy",
      )
      .option("--not <machine>", "why a job or task is not on that machine")
      .addHelpText(
        "after",
        `\nExamples:\n  canopy why j0f3k2m9x1ab2             why it waits, failed, and what was decided for it\n  canopy why j0f3k2m9x1ab2 --not lab1  why not there\n  canopy why i-0123456789abcdef0       why it is where it is, does not start, or ended\n  canopy why v.small                   on which machines there is room for one\n  canopy why p0f3k2m9x1ab2             why this mix, and what each other offer would need\n  canopy why site lab                  a kind before a name that several things have`,
      )
      .action(
        does(async (cli, words: string[]) => {
          const { not } = cli.options as { not?: string };
          const why = await asked(await cli.client(), words, not);
          return {
            type: "text",
            value: why,
            text: (out) => {
              const head = `${out.paint("bold", why.id)} is ${out.paint(toneOf(why.phase), why.phase)}\n`;
              const lines = why.explanations.map((explanation) => explained(explanation, out));
              return head + (lines.length > 0 ? lines.join("") : "Nothing stands in its way.\n");
            },
          };
        }),
      );
  },
};

async function asked(client: Client, words: readonly string[], not?: string): Promise<WhyView> {
  const [first, second, ...more] = words as [string, ...string[]];
  if (more.length > 0 || (second !== undefined && !isKind(first))) throw unreadable(words);
  const [kind, name] = second === undefined ? [kindOf(first), first] : [first as Kind, second];
  if (not !== undefined && kind !== "job" && kind !== "task")
    throw new CanopyError(
      "invalid",
      `Cannot say why ${name} is not on ${not} as only jobs and tasks run on machines`,
    );
  switch (kind) {
    case "job":
    case "task":
      return client.why(name, not);
    case "policy":
      return client.whyPolicy();
    case "project":
      return client.whyOf(kind, second ?? (await client.status()).project);
    case "fleet":
      return client.whyFleet();
    case undefined:
      return machineOrSite(client, name);
    default:
      return client.whyOf(kind, name);
  }
}

const kindOfLetter: Record<string, Kind> = { j: "job", o: "order", p: "plan", k: "key" };

/** Names of what Canopy names itself say what they name; others are machines and sites. */
function kindOf(name: string): Kind | undefined {
  if (/^i-[0-9a-f]{8,17}$/.test(name)) return "instance";
  if (/^(vol|snap|ami|sir)-[0-9a-f]{8,17}$/.test(name)) return "saving";
  if (instanceTypes.has(name)) return "instance-type";
  if (name === "policy" || name === "fleet" || name === "project") return name;
  const [, letter] = /^([jopk])[0-9a-z]{12}(?:\/|$)/.exec(name) ?? [];
  return letter === undefined ? undefined : kindOfLetter[letter];
}

async function machineOrSite(client: Client, name: string): Promise<WhyView> {
  try {
    return await client.whyOf("machine", name);
  } catch (thrown) {
    if (!(thrown instanceof CanopyError) || thrown.code !== "not-found") throw thrown;
  }
  try {
    return await client.whyOf("site", name);
  } catch (thrown) {
    if (!(thrown instanceof CanopyError)) throw thrown;
    if (thrown.code !== "not-found" && thrown.code !== "invalid") throw thrown;
  }
  throw new CanopyError("not-found", `Cannot find anything that is called '${name}'`, {
    hint: "See what there is: canopy ps, canopy machines, canopy sites, canopy orders, canopy plan",
  });
}

function isKind(word: string): word is Kind {
  return (kinds as readonly string[]).includes(word);
}

function unreadable(words: readonly string[]): CanopyError {
  const near = nearestWord(words[0]!, [...kinds]);
  return new CanopyError(
    "invalid",
    `Cannot explain '${words.join(" ")}' as it must be a name, or a kind and a name`,
    {
      hint:
        near === undefined ? `Kinds are ${kinds.join(", ")}` : `Did you mean: canopy why ${near} …`,
    },
  );
}
