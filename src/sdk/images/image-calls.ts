import type { ImageInput, ImageView, OrphanView } from "#/model/image-views.ts";
import type { Page } from "#/model/views.ts";
import type { Http } from "../http.ts";

/** Calls about images. */
export class ImageCalls {
  #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  list(query: { limit?: number; cursor?: string } = {}): Promise<Page<ImageView>> {
    return this.#http.json("GET", "/v1/images", { query });
  }

  create(image: ImageInput): Promise<ImageView> {
    return this.#http.json("POST", "/v1/images", { body: image });
  }

  /** Of what an instance holds; it is pending at first. */
  createOf(
    instance: string,
    asked: { name: string; description?: string; noReboot?: boolean },
  ): Promise<ImageView> {
    const path = `/v1/instances/${encodeURIComponent(instance)}/image`;
    return this.#http.json("POST", path, { body: asked });
  }

  read(id: string): Promise<ImageView> {
    return this.#http.json("GET", `/v1/images/${encodeURIComponent(id)}`);
  }

  remove(id: string): Promise<void> {
    return this.#http.json("DELETE", `/v1/images/${encodeURIComponent(id)}`);
  }

  orphans(): Promise<{ items: OrphanView[] }> {
    return this.#http.json("GET", "/v1/orphaned-image-data");
  }

  /** Its snapshots are gone with that, its blobs go when nobody needs them. */
  removeOrphan(image: string): Promise<OrphanView> {
    return this.#http.json("DELETE", `/v1/orphaned-image-data/${encodeURIComponent(image)}`);
  }
}
