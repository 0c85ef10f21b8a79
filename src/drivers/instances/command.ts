import type { Process, Processes } from "#/base/processes.ts";

/** What a program has said, and how it ended: 128 and its signal's name where one ended it. */
export interface Said {
  code: number;
  output: string;
  errors: string;
}

/** Where programs of the system are, for those that are started without an environment of their own. */
export const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Runs a program of the system to its end. Throws CanopyError "not-found" where there is none, "forbidden" where it may not be
 * run; what it thinks of its work is its code.
 */
export async function runCommand(
  processes: Pick<Processes, "spawn">,
  command: string[],
  options: {
    folder?: string;
    env?: Record<string, string>;
    input?: AsyncIterable<Uint8Array>;
  } = {},
): Promise<Said> {
  const process = processes.spawn(command, {
    folder: options.folder ?? "/",
    env: { PATH: systemPath, LC_ALL: "C", ...options.env },
  });
  const feeding = feed(process.stdin, options.input);
  const [output, errors, { code }] = await Promise.all([
    textOf(process.stdout),
    textOf(process.stderr),
    process.ended,
  ]);
  await feeding;
  return { code: code ?? 128, output, errors };
}

async function feed(
  stdin: Process["stdin"],
  input: AsyncIterable<Uint8Array> | undefined,
): Promise<void> {
  try {
    for await (const piece of input ?? []) {
      stdin.write(piece);
      await stdin.drained();
    }
  } finally {
    stdin.end();
  }
}

const outputBytesMax = 1 << 20;

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    if (bytes < outputBytesMax) pieces.push(piece);
    bytes += piece.length;
  }
  return Buffer.concat(pieces).subarray(0, outputBytesMax).toString();
}
