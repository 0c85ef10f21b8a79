import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";

/**
 * Inputs of an NDJSON body, as many at once as have come in, up to one commit's worth. Each line is
 * checked to be JSON and kept as the text it is; empty lines are skipped. Throws "invalid" with the
 * number of the line, and "too-large" for one line larger than a whole body may be.
 */
export async function* inputLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  let number = 0;
  for await (const chunk of body) {
    const text = rest + decode(decoder, chunk, number);
    const end = text.lastIndexOf("\n");
    rest = text.slice(end + 1);
    if (rest.length > limits.bodyBytesMax) {
      throw new CanopyError(
        "too-large",
        `Cannot take line ${number + 1} as an input may have at most ${limits.bodyBytesMax} bytes`,
        {
          hint: "Put it as a blob, and give its key",
        },
      );
    }
    if (end < 0) continue;
    const lines = text.slice(0, end).split("\n");
    for (let at = 0; at < lines.length; at += limits.appendBatchTasksMax) {
      const batch = lines.slice(at, at + limits.appendBatchTasksMax);
      yield checked(batch, number);
      number += batch.length;
    }
  }
  yield checked([rest + decode(decoder, undefined, number)], number);
}

function checked(lines: string[], before: number): string[] {
  const inputs: string[] = [];
  for (const [at, line] of lines.entries()) {
    const text = line.trim();
    if (text === "") continue;
    try {
      JSON.parse(text);
    } catch (thrown) {
      throw new CanopyError(
        "invalid",
        `Cannot take line ${before + at + 1} as an input as each line must be JSON: ${messageOf(thrown)}`,
      );
    }
    inputs.push(text);
  }
  return inputs;
}

function decode(decoder: TextDecoder, chunk: Uint8Array | undefined, number: number): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined });
  } catch {
    throw new CanopyError("invalid", `Cannot take what follows line ${number} as it must be UTF-8`);
  }
}
