import type { ListedObject } from "#/sdk/objects/answers.ts";
import { formatObjectName, parseObjectName } from "#/sdk/objects/place.ts";
import { briefSize } from "#/model/units.ts";
import { column, type Result } from "../result.ts";
import type { Cli } from "../verb.ts";
import { agoOf, countOf } from "../words.ts";
import { objectsClient } from "./door.ts";
import { asPrefix } from "./sides.ts";

interface Row {
  name: string;
  key?: string;
  sizeBytes?: number;
  modifiedAt?: string;
  etag?: string;
}

/** Buckets; or what is in one, or below a prefix, as in a folder, or all of it. */
export async function list(cli: Cli, word: string | undefined): Promise<Result> {
  const client = await objectsClient(cli);
  if (word === undefined) {
    const buckets = await Array.fromAsync(client.buckets());
    return {
      type: "table",
      rows: buckets.map(({ name, createdMs }) => ({
        name,
        createdAt: new Date(createdMs).toISOString(),
      })),
      columns: [
        column<{ name: string }>("bucket", ({ name }) => `s3://${name}`, { flexible: true }),
        column<{ createdAt: string }>("made", ({ createdAt }) => ageOf(cli, createdAt)),
      ],
      empty: "There are no buckets. Make one: canopy bucket create NAME",
    };
  }
  const { recursive, limit } = cli.options as { recursive?: boolean; limit: number };
  let name = parseObjectName(word);
  const rows: Row[] = [];
  let isCut = false;
  const take = (entry: Row) => {
    if (rows.length < limit) rows.push(entry);
    else isCut = true;
  };
  const row = ({ key, sizeBytes, modifiedMs, etag }: ListedObject): Row => ({
    name: formatObjectName({ bucket: name.bucket, key }),
    key,
    sizeBytes,
    modifiedAt: new Date(modifiedMs).toISOString(),
    etag,
  });
  for (let after: string | undefined, isFirst = true; (isFirst || after !== undefined) && !isCut;) {
    const asked = {
      ...(recursive !== true && { delimiter: "/" }),
      ...(after !== undefined && { after }),
      max: Math.min(1000, limit - rows.length + 1),
    };
    const page = await client.page(name, asked);
    const isFolder =
      isFirst &&
      name.key !== "" &&
      page.objects.length === 0 &&
      page.prefixes.includes(`${name.key}/`);
    if (isFolder && page.prefixes.length === 1) {
      // "s3://bucket/photos" means what is in it.
      name = asPrefix(name);
      continue;
    }
    isFirst = false;
    const folders = page.prefixes.map((prefix) => ({
      name: formatObjectName({ bucket: name.bucket, key: prefix }),
      key: prefix,
    }));
    const all: Row[] = [...page.objects.map(row), ...folders];
    all.sort((a, b) => (a.name < b.name ? -1 : 1)).forEach(take);
    after = page.next;
  }
  const bytes = rows.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0);
  const cut = isCut ? `; more with --limit ${limit * 10}` : "";
  return {
    type: "table",
    rows,
    columns: [
      column<Row>("name", (entry) => entry.name, { flexible: true }),
      column<Row>(
        "size",
        ({ sizeBytes }) => (sizeBytes === undefined ? "" : briefSize(sizeBytes)),
        {
          align: "right",
        },
      ),
      column<Row>("modified", ({ modifiedAt }) =>
        modifiedAt === undefined ? "" : ageOf(cli, modifiedAt),
      ),
    ],
    empty: `There is nothing at ${formatObjectName(name)}`,
    note:
      cli.terminal.out.isTty || isCut
        ? `${countOf(rows.length)} shown, ${briefSize(bytes)}${cut}`
        : undefined,
  };
}

function ageOf({ terminal }: Cli, at: string): string {
  return terminal.out.isTty ? agoOf(at, terminal.world.clock.now()) : at;
}
