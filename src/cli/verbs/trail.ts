import type { TrailEntry, TrailPage } from "#/model/trail.ts";
import { parseCount, durationOption } from "../count.ts";
import { column, type Result } from "../result.ts";
import type { Cli, Verb } from "../verb.ts";
import { agoOf } from "../words.ts";

const shownDefault = 50;

export const verb: Verb = {
  define(command, does) {
    command
      .option("--since <duration>", "calls of the last while, as in 1h", durationOption)
      .option("--who <name>", "by whom: a key's name, or a part of an ARN")
      .option("--service <service>", "of a service: s3, iam, sts, kms, sqs, canopy …")
      .option("--operation <name>", "one operation, as CreateBucket")
      .option("--resource <name>", "about what: a part of its ARN or path")
      .option("--failed", "only what was refused")
      .option("--data", "calls that pass data through things: objects, messages, reads")
      .option("--limit <count>", "at most so many", parseCount)
      .action(does((cli) => look(cli)));
  },
};

interface Options {
  since?: number;
  who?: string;
  service?: string;
  operation?: string;
  resource?: string;
  failed?: boolean;
  data?: boolean;
  limit?: number;
}

async function look(cli: Cli): Promise<Result> {
  const { since, data, limit = shownDefault, ...options } = cli.options as Options;
  const { who, service, operation, resource, failed } = options;
  const wanted = { who, service, operation, resource, failed };
  const query = Object.fromEntries(
    Object.entries(wanted).filter(([, value]) => value !== undefined),
  );
  const nowMs = cli.terminal.world.clock.now();
  const client = await cli.client();
  const items: TrailEntry[] = [];
  let after: string | undefined;
  do {
    const page = await client.http.json<TrailPage>("GET", "/v1/trail", {
      query: {
        ...query,
        ...(since !== undefined && { from: nowMs - since }),
        ...(data && { kind: "data" as const }),
        ...(after !== undefined && { after }),
        limit: limit - items.length,
      },
    });
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined && items.length < limit);
  return {
    type: "table",
    rows: items,
    columns: [
      column<TrailEntry>("when", ({ at }) => agoOf(new Date(at).toISOString(), nowMs), {
        align: "right",
      }),
      column<TrailEntry>("who", ({ who }) => who.replace(/^arn:aws:(?:iam|sts)::/, ""), {
        flexible: true,
      }),
      column<TrailEntry>("call", ({ service, operation }) => `${service}:${operation}`),
      column<TrailEntry>("what", ({ resource = "" }) => resource.replace(/^arn:aws:/, ""), {
        flexible: true,
      }),
      column<TrailEntry>("from", ({ from }) => from),
      column<TrailEntry>("answer", ({ status, error }) =>
        status < 400
          ? String(status)
          : { text: error ? `${status} ${error}` : String(status), tone: "red" },
      ),
    ],
    empty: data ? "No such call." : "No such call. Those of objects and messages: --data",
    ...(after !== undefined && { note: "There are more: --limit, --since" }),
  };
}
