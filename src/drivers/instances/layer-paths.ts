import { damaged } from "./layer-fault.ts";

const linksMax = 40;

/**
 * Where names of a layer lead. A link of the layer may stand where a later name goes through: such a name is followed within the
 * layer, as the container would, and refused where it leads out.
 */
export class LayerPaths {
  #links = new Map<string, string>();

  /** Another thing is to have that name. Throws HostingError "Client.InvalidImage" where a link has it: who unpacks it may follow that. */
  take(path: string): void {
    if (this.#links.has(path)) throw damaged(`what is a link must stay one: '${path}' does not`);
  }

  /** Throws HostingError "Client.InvalidImage" where the link leads out; links that begin at the root begin at the container's. */
  link(path: string, target: string): void {
    if (target === "" || target.includes("\0"))
      throw damaged(`its links must lead somewhere: '${path}' does not`);
    this.take(path);
    const folder = path.split("/").slice(0, -1);
    if (!target.startsWith("/")) this.#walk([...folder, ...target.split("/")], path, target);
    this.#links.set(path, target);
  }

  /** `path` is a second name for what `of` is, which may be a link. */
  copy(of: string, path: string): void {
    const target = this.#links.get(of);
    if (target === undefined) this.take(path);
    else this.link(path, target);
  }

  /** The path below the root that a name means, its last part as it is. */
  resolve(name: string): string {
    if (name.includes("\0") || name.startsWith("/") || name.split("/").includes(".."))
      throw damaged(`its names must lead below its root: it has '${name}'`);
    const parts = name.split("/").filter((part) => part !== "" && part !== ".");
    const last = parts.pop();
    if (last === undefined) return "";
    let folder: string[] = [];
    let links = 0;
    for (const rest = parts; rest.length > 0;) {
      const part = rest.shift()!;
      if (part === "..") {
        if (folder.pop() === undefined) throw leadsOut(name);
        continue;
      }
      const target = this.#links.get([...folder, part].join("/"));
      if (target === undefined) {
        folder.push(part);
        continue;
      }
      if (++links > linksMax) throw damaged(`its links must end somewhere: '${name}' goes round`);
      if (target.startsWith("/")) folder = [];
      rest.unshift(...target.split("/").filter((step) => step !== "" && step !== "."));
    }
    return [...folder, last].join("/");
  }

  #walk(parts: string[], path: string, target: string): void {
    let depth = 0;
    for (const part of parts) {
      if (part === "" || part === ".") continue;
      depth += part === ".." ? -1 : 1;
      if (depth < 0) throw leadsOut(`${path} -> ${target}`);
    }
  }
}

const leadsOut = (what: string) =>
  damaged(`its names and links must lead below its root: '${what}' leads out`);
