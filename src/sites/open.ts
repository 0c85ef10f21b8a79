import { join } from "node:path";
import type { Host } from "#/base/host.ts";
import type { SiteParts } from "./parts.ts";
import type { OpenSite, Site } from "./site.ts";

/** Opens sites of every type; what a type needs is loaded when there is one. */
export function siteOpener(
  host: Host,
  { folder, ...rest }: { folder: string } & Pick<SiteParts, "env" | "program">,
): OpenSite {
  const open: OpenSite = async ({ name, cloudId, config, secrets }): Promise<Site> => {
    const own = join(folder, name);
    const parts: SiteParts = { ...host, name, cloudId, folder: own, secrets, ...rest };
    switch (config.type) {
      case "local":
        return new (await import("./local.ts")).LocalSite(config, parts);
      case "simulated":
        return new (await import("./simulated.ts")).SimulatedSite(config, parts);
      case "ssh":
        return new (await import("./ssh.ts")).SshSite(config, parts);
      case "canopy":
        return new (await import("./canopy.ts")).CanopySite(config, parts);
      case "ec2":
        return (await import("./ec2.ts")).openEc2Site(config, parts);
    }
  };
  open.forget = async (isWanted) => {
    const gone = (await host.files.list(folder)).filter((name) => !isWanted(name));
    for (const name of gone) await host.files.remove(join(folder, name));
    return gone;
  };
  return open;
}
