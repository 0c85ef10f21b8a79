import { CanopyError } from "#/base/errors.ts";
import type { SiteInput } from "#/model/site-views.ts";
import type { Result } from "../result.ts";
import type { Cli } from "../verb.ts";
import { siteResult } from "./show.ts";

/** Adds a site under a name that is free, or with --replace changes the one that has it, and says what it offers. */
export async function addSite(cli: Cli, name: string, input: SiteInput): Promise<Result> {
  const client = await cli.client();
  if (cli.options["replace"] !== true) {
    const known = await client.site(name).catch((thrown: unknown) => {
      if (thrown instanceof CanopyError && thrown.code === "not-found") return undefined;
      throw thrown;
    });
    if (known) {
      throw new CanopyError(
        "conflict",
        `Cannot add the site '${name}' as there is one of that name`,
        {
          hint: "Change it with: --replace, or give another name: --name NAME",
        },
      );
    }
  }
  const site = await client.setSite(name, input);
  if (site.health === "unhealthy") {
    cli.terminal.err.write(
      `${cli.terminal.err.paint("yellow", "!")} ${name} is kept, and is unhealthy: ${site.reason ?? "it did not answer"}\n`,
    );
  }
  return siteResult(site, cli.terminal.world.clock.now());
}
