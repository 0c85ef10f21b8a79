import type { Host } from "#/base/host.ts";
import type { Client } from "../client.ts";
import type { World } from "../world.ts";

/** What bringing an image needs. */
export interface ImportParts extends Pick<Host, "processes" | "sockets"> {
  client: Pick<Client, "putBlob" | "hasBlob">;
  world: Pick<World, "files" | "clock" | "env">;
  /** For what is on its way; nobody else may enter it, and it is gone soon. */
  folder: string;
  /** 0 to 100, of the step that is told. */
  onProgress(step: string, percent: number): void;
}

/** What a program of this computer prints; undefined where it fails. Throws "not-found" without it. */
export async function outputOf(
  { processes, world: { env } }: Pick<ImportParts, "processes" | "world">,
  command: string[],
): Promise<{ output: string; errors: string; code: number | undefined }> {
  const own = { PATH: env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" };
  const process = processes.spawn(command, { folder: "/", env: own });
  process.stdin.end();
  const [output, errors, { code }] = await Promise.all([
    textOf(process.stdout),
    textOf(process.stderr),
    process.ended,
  ]);
  return { output, errors, code };
}

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}
