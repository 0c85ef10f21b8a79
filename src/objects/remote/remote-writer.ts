import type { CompletedPart } from "@aws-sdk/client-s3";
import { limits } from "#/base/limits.ts";
import type { BigWriter } from "../big-bytes.ts";
import { asked, type Remote } from "./cluster.ts";

/** Gathers parts, and sends each while the next is gathered. What fits one part is sent as one. */
export class RemoteWriter implements BigWriter {
  #remote: Remote;
  #place: { Bucket: string; Key: string };
  #part = Buffer.allocUnsafeSlow(0);
  #filled = 0;
  #uploadId: string | undefined;
  #sent: CompletedPart[] = [];
  #sending: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();
  /** What went wrong first: nothing is sent any more. */
  #failure: { thrown: unknown } | undefined;

  constructor(remote: Remote, Key: string) {
    this.#remote = remote;
    this.#place = { Bucket: remote.bucket, Key };
  }

  /** One after the other, in the order of the calls. */
  write(pieces: readonly Uint8Array[]): Promise<void> {
    const adding = this.#last.then(() =>
      this.#unlessFailed(async () => {
        for (const piece of pieces) await this.#add(piece);
      }),
    );
    this.#last = adding.catch(() => undefined);
    return adding;
  }

  async #unlessFailed(work: () => Promise<void>): Promise<void> {
    if (this.#failure) throw this.#failure.thrown;
    try {
      await work();
    } catch (thrown) {
      this.#failure ??= { thrown };
      throw thrown;
    }
  }

  async #add(piece: Uint8Array): Promise<void> {
    for (let at = 0; at < piece.byteLength;) {
      if (this.#part.byteLength === 0) this.#part = Buffer.allocUnsafeSlow(limits.remotePartBytes);
      const count = Math.min(piece.byteLength - at, this.#part.byteLength - this.#filled);
      this.#part.set(piece.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === this.#part.byteLength) await this.#send();
    }
  }

  async #send(): Promise<void> {
    const { client, sdk } = this.#remote;
    await this.#sending;
    this.#uploadId ??= await asked(async () => {
      const begun = await client.send(new sdk.CreateMultipartUploadCommand(this.#place));
      return begun.UploadId;
    });
    const Body = this.#part.subarray(0, this.#filled);
    this.#part = Buffer.allocUnsafeSlow(0);
    this.#filled = 0;
    const PartNumber = this.#sent.push({});
    const part = { ...this.#place, UploadId: this.#uploadId, PartNumber, Body };
    this.#sending = asked(async () => {
      const { ETag } = await client.send(new sdk.UploadPartCommand(part));
      this.#sent[PartNumber - 1] = { ETag, PartNumber };
    });
    this.#sending.catch(() => undefined); // seen where it is awaited
  }

  finish(): Promise<void> {
    return this.#unlessFailed(() => this.#finish());
  }

  async #finish(): Promise<void> {
    const { client, sdk } = this.#remote;
    if (this.#uploadId === undefined) {
      const Body = this.#part.subarray(0, this.#filled);
      await asked(() => client.send(new sdk.PutObjectCommand({ ...this.#place, Body })));
      return;
    }
    if (this.#filled > 0) await this.#send();
    await this.#sending;
    const MultipartUpload = { Parts: this.#sent };
    const command = { ...this.#place, UploadId: this.#uploadId, MultipartUpload };
    await asked(() => client.send(new sdk.CompleteMultipartUploadCommand(command)));
  }

  /** Nobody waits for a cluster that is away: what is left there goes with the next start. */
  async drop(): Promise<void> {
    const dropping = this.#drop();
    if (!this.#failure) return dropping;
    dropping.catch(() => undefined);
  }

  async #drop(): Promise<void> {
    const { client, sdk } = this.#remote;
    const { Bucket, Key } = this.#place;
    await this.#sending?.catch(() => undefined);
    if (this.#uploadId !== undefined) {
      const command = { Bucket, Key, UploadId: this.#uploadId };
      await client.send(new sdk.AbortMultipartUploadCommand(command)).catch(() => undefined);
    }
    await asked(() => client.send(new sdk.DeleteObjectCommand({ Bucket, Key })));
  }
}
