import type { ListObjectsV2CommandOutput } from "@aws-sdk/client-s3";
import type { BigBytes, BigReader, BigWriter } from "../big-bytes.ts";
import { asked, bytesFolder, keyOf, openRemote, type Remote, type RemoteParts } from "./cluster.ts";
import { RemoteWriter } from "./remote-writer.ts";

/**
 * Bytes of large objects as opaque objects of an S3-compatible cluster: one each, named by its number. While the cluster
 * is away, what needs it is answered with 503, and all else goes on; it is asked again each time.
 */
export class RemoteBytes implements BigBytes {
  #parts: RemoteParts;
  #ready: Promise<Remote> | undefined;

  /** `owner` is what this store calls itself: where another one keeps its bytes, nothing is written. */
  constructor(parts: RemoteParts) {
    this.#parts = parts;
  }

  async create(number: number): Promise<BigWriter> {
    const remote = await this.#remote();
    return new RemoteWriter(remote, keyOf(remote, number));
  }

  async open(number: number): Promise<BigReader> {
    const remote = await this.#remote();
    const { client, sdk, bucket: Bucket } = remote;
    const Key = keyOf(remote, number);
    return {
      read: (at, length) =>
        asked(async () => {
          const Range = `bytes=${at}-${at + length - 1}`;
          const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key, Range }));
          return Buffer.from(await Body!.transformToByteArray());
        }),
      close: () => Promise.resolve(),
    };
  }

  async remove(number: number): Promise<void> {
    const remote = await this.#remote();
    const { client, sdk, bucket: Bucket } = remote;
    const Key = keyOf(remote, number);
    await asked(() => client.send(new sdk.DeleteObjectCommand({ Bucket, Key })));
  }

  async *from(from: number): AsyncGenerator<number> {
    const remote = await this.#remote();
    const { client, sdk, bucket: Bucket, prefix } = remote;
    const Prefix = `${prefix}${bytesFolder}`;
    let StartAfter: string | undefined = from > 0 ? keyOf(remote, from - 1) : Prefix;
    while (StartAfter !== undefined) {
      const command = new sdk.ListObjectsV2Command({ Bucket, Prefix, StartAfter });
      const page: ListObjectsV2CommandOutput = await asked(() => client.send(command));
      for (const { Key = "" } of page.Contents ?? [])
        yield Number.parseInt(Key.slice(Prefix.length), 16);
      StartAfter = page.IsTruncated ? page.Contents?.at(-1)?.Key : undefined;
    }
  }

  close(): void {
    void this.#ready?.then(({ client }) => client.destroy());
  }

  #remote(): Promise<Remote> {
    return (this.#ready ??= openRemote(this.#parts).catch((thrown: unknown) => {
      this.#ready = undefined;
      throw thrown;
    }));
  }
}
