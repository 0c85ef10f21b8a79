import { CanopyError } from "#/base/errors.ts";
import { nearestWord } from "#/model/nearest-word.ts";
import { readContexts, writeContexts, type Context, type Contexts } from "#/sdk/contexts.ts";
import { column, type Result } from "../result.ts";
import type { Cli, Verb } from "../verb.ts";

interface Row {
  name: string;
  url: string;
  project: string | undefined;
  current: boolean;
  hasKey: boolean;
}

export const verb: Verb = {
  define(command, does) {
    command
      .command("list", { isDefault: true })
      .description("List contexts")
      .action(does((cli) => list(cli)));
    command
      .command("use")
      .description("Speak to that cloud from now on")
      .argument("<name>")
      .action(
        does(async (cli, name: string) => {
          const { world } = cli.terminal;
          const known = await readContexts(world);
          const { url } = contextOf(known, name);
          await writeContexts(world, { ...known, current: name });
          return {
            type: "done",
            value: { name, url, current: true },
            message: `Commands speak to ${url} now`,
          };
        }),
      );
    command
      .command("set")
      .description("Write a context; the key comes from CANOPY_KEY, or from standard input")
      .argument("<name>")
      .requiredOption("--url <address>", "the cloud")
      .option("--key-from-stdin", "read the key from standard input")
      .action(does((cli, name: string) => set(cli, name)));
    command
      .command("remove")
      .description("Forget a context")
      .argument("<name>")
      .action(
        does(async (cli, name: string) => {
          const { world } = cli.terminal;
          const known = await readContexts(world);
          contextOf(known, name);
          const { [name]: _, ...contexts } = known.contexts;
          const { current } = known;
          await writeContexts(world, {
            contexts,
            ...(current === undefined || current === name ? {} : { current }),
          });
          return { type: "done", value: { name, removed: true }, message: `${name} is forgotten` };
        }),
      );
  },
};

async function list(cli: Cli): Promise<Result> {
  const { current, contexts } = await readContexts(cli.terminal.world);
  const rows: Row[] = Object.entries(contexts).map(([name, { url, project, key }]) => ({
    name,
    url,
    project,
    current: name === current,
    hasKey: key !== undefined,
  }));
  const columns = [
    column<Row>("", ({ current: isCurrent }) => (isCurrent ? { text: "*", tone: "green" } : "")),
    column<Row>("context", ({ name }) => name),
    column<Row>("cloud", ({ url }) => url, { flexible: true }),
    column<Row>("project", ({ project }) => project ?? ""),
  ];
  return { type: "table", rows, columns, empty: "No contexts yet. 'canopy up' writes one." };
}

async function set(cli: Cli, name: string): Promise<Result> {
  const { world, readInput } = cli.terminal;
  const { url, project, keyFromStdin } = cli.options as {
    url: string;
    project?: string;
    keyFromStdin?: boolean;
  };
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) {
    throw new CanopyError(
      "invalid",
      `Cannot write the context as its address must begin with http:// or https://: current value is '${url}'`,
    );
  }
  const key = keyFromStdin
    ? Buffer.concat(await Array.fromAsync(readInput()))
        .toString()
        .trim()
    : world.env["CANOPY_KEY"];
  const context: Context = {
    url: url.replace(/\/+$/, ""),
    ...(key ? { key } : {}),
    ...(project === undefined ? {} : { project }),
  };
  const known = await readContexts(world);
  await writeContexts(world, {
    current: known.current ?? name,
    contexts: { ...known.contexts, [name]: context },
  });
  return {
    type: "done",
    value: { name, url: context.url },
    message: `The context ${name} is written. Use it with: canopy context use ${name}`,
  };
}

function contextOf({ contexts }: Contexts, name: string): Context {
  const context = contexts[name];
  if (context) return context;
  const names = Object.keys(contexts);
  const near = nearestWord(name, names);
  throw new CanopyError(
    "not-found",
    `Cannot find the context '${name}': there are ${names.join(", ") || "none"}`,
    near === undefined ? {} : { hint: `Did you mean: canopy context use ${near}` },
  );
}
