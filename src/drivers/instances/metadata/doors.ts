import { join } from "node:path";
import type { Host } from "#/base/host.ts";
import type { MetadataService } from "./service.ts";

interface Door {
  path: string;
  close(): Promise<void>;
}

/** Unix sockets at which the metadata service answers one instance each, in a folder that can be shown to it alone. */
export class MetadataDoors {
  #parts: Pick<Host, "network" | "files"> & { folder: string };
  #service: MetadataService;
  #open = new Map<string, Promise<Door>>();

  constructor(
    parts: Pick<Host, "network" | "files"> & { folder: string },
    service: MetadataService,
  ) {
    this.#parts = parts;
    this.#service = service;
  }

  /** Gives the path of an instance's socket; opens it when it is not open yet. */
  async open(instance: string): Promise<string> {
    let door = this.#open.get(instance);
    if (!door) {
      door = this.#listen(instance);
      this.#open.set(instance, door);
      door.catch(() => this.#open.delete(instance));
    }
    return (await door).path;
  }

  async #listen(instance: string): Promise<Door> {
    const { network, files, folder } = this.#parts;
    const all = join(folder, "metadata");
    const own = join(all, instance);
    const path = join(own, "socket");
    await files.makeFolder(own);
    await files.setMode(all, 0o700);
    const { close } = await network.serve({ path }, async (request) =>
      this.#service.answer(instance, request),
    );
    await files.setMode(own, 0o711); // for the users of their own who are shown it
    return { path, close };
  }

  async close(instance: string): Promise<void> {
    const door = await this.#open.get(instance);
    if (!door) return;
    this.#open.delete(instance);
    await door.close();
    await this.#parts.files.remove(door.path);
  }

  async closeAll(): Promise<void> {
    for (const instance of this.#open.keys()) await this.close(instance);
  }
}
