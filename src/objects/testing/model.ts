import { createHash } from "node:crypto";
import type { Versioning } from "../object-version.ts";

/** What S3 documents, as simply as it can be said: every key has its versions, newest first. Shares no code with the stores. */
export interface ModelVersion {
  versionId: string;
  content?: Buffer;
  etag?: string;
  tags?: Record<string, string>;
}

export class Model {
  keys = new Map<string, ModelVersion[]>();
  versioning: Versioning = "off";

  versions(key: string): ModelVersion[] {
    return this.keys.get(key) ?? [];
  }

  current(key: string): ModelVersion | undefined {
    const [newest] = this.versions(key);
    return newest?.content ? newest : undefined;
  }

  put(key: string, version: ModelVersion): void {
    const others =
      this.versioning === "enabled"
        ? this.versions(key)
        : this.versions(key).filter(({ versionId }) => versionId !== "null");
    this.keys.set(key, [version, ...others]);
  }

  delete(key: string, markerId: string | undefined): void {
    if (this.versioning === "off") this.keys.delete(key);
    else this.put(key, { versionId: markerId! });
  }

  remove(key: string, versionId: string): void {
    const left = this.versions(key).filter((version) => version.versionId !== versionId);
    if (left.length > 0) this.keys.set(key, left);
    else this.keys.delete(key);
  }

  inOrder(): string[] {
    return this.keys
      .keys()
      .toArray()
      .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  list(prefix: string, delimiter: string | undefined): string[] {
    const found = new Set<string>();
    for (const key of this.inOrder()) {
      if (!this.current(key) || !key.startsWith(prefix)) continue;
      found.add(rollUp(key, prefix, delimiter));
    }
    return [...found];
  }

  listVersions(prefix: string): string[] {
    return this.inOrder()
      .filter((key) => key.startsWith(prefix))
      .flatMap((key) =>
        this.versions(key).map(({ versionId, content }, index) =>
          JSON.stringify([key, versionId, content === undefined, index === 0]),
        ),
      );
  }

  use(): { objects: number; bytes: number } {
    const all = this.keys
      .values()
      .toArray()
      .flat()
      .filter(({ content }) => content);
    return { objects: all.length, bytes: all.reduce((sum, one) => sum + one.content!.length, 0) };
  }
}

export const md5 = (content: Uint8Array) => createHash("md5").update(content).digest("hex");

function rollUp(key: string, prefix: string, delimiter: string | undefined): string {
  const at = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
  return at < 0 ? key : key.slice(0, at + delimiter!.length);
}
