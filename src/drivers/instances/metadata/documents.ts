import type { MetadataOrder } from "#/model/hosting.ts";

/** What there is at a path: bytes, or the names in a folder. */
export type Found = { content: Buffer; type: "text/plain" | "application/octet-stream" };

/** All versions that AWS lists: they are served alike. */
const versions = [
  "1.0",
  "2007-01-19",
  "2007-03-01",
  "2007-08-29",
  "2007-10-10",
  "2007-12-15",
  "2008-02-01",
  "2008-09-01",
  "2009-04-04",
  "2011-01-01",
  "2011-05-01",
  "2012-01-12",
  "2014-02-25",
  "2014-11-05",
  "2015-10-20",
  "2016-04-19",
  "2016-06-30",
  "2016-09-02",
  "2018-03-28",
  "2018-08-17",
  "2018-09-24",
  "2019-10-01",
  "2020-10-27",
  "2021-01-03",
  "2021-03-23",
  "2021-07-15",
  "2022-07-09",
  "2022-09-24",
  "2024-04-11",
  "latest",
];

/**
 * The documents of one instance as a tree of folders, made once for each order: a read is one look into a table. A folder lists its
 * names, those of folders ending in "/", with or without a "/" at the end of its own; the listing of one that says of itself what
 * is in it ("public-keys/") is that.
 */
export class Documents {
  #found = new Map<string, Found>();

  constructor({ documents, userData }: MetadataOrder) {
    const folders = new Map<string, Set<string>>([["", new Set()]]);
    const listings = new Map<string, string>();
    for (const [path, content] of Object.entries(documents)) {
      this.#put(path, Buffer.from(content), "text/plain");
      if (path.endsWith("/")) listings.set(path.slice(0, -1), content);
      const names = path.split("/").filter((name) => name !== "");
      for (let depth = 0; depth < names.length; depth++) {
        const folder = names.slice(0, depth).join("/");
        const isFolder = depth < names.length - 1 || path.endsWith("/");
        let inside = folders.get(folder);
        if (!inside) folders.set(folder, (inside = new Set()));
        inside.add(`${names[depth]}${isFolder ? "/" : ""}`);
      }
    }
    if (userData !== undefined) {
      this.#put("user-data", Buffer.from(userData, "base64"), "application/octet-stream");
      folders.get("")!.add("user-data");
    }
    for (const [folder, names] of folders) {
      const text = listings.get(folder) ?? [...names].sort().map(topName(folder)).join("\n");
      const listing = Buffer.from(text);
      if (!this.#found.has(folder)) this.#put(folder, listing, "text/plain");
      if (folder !== "") this.#put(`${folder}/`, listing, "text/plain");
    }
  }

  #put(path: string, content: Buffer, type: Found["type"]): void {
    this.#found.set(path, { content, type });
  }

  /** Of a path as it was asked for, "/latest/meta-data/"; undefined for what is not there. */
  find(path: string): Found | undefined {
    if (path === "" || path === "/") return versionList;
    const [, version = "", rest = ""] = /^\/+([^/]*)(?:\/(.*))?$/s.exec(path) ?? [];
    if (!known.has(version)) return undefined;
    return this.#found.get(rest.replaceAll(/\/{2,}/g, "/").replace(/^\//, ""));
  }
}

const known = new Set(versions);
const versionList: Found = { content: Buffer.from(versions.join("\n")), type: "text/plain" };

/** The folders of a version are told without the "/". */
const topName = (folder: string) => (name: string) =>
  folder === "" ? name.replace(/\/$/, "") : name;
