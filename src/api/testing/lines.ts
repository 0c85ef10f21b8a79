import type { World } from "./world.ts";

/** A stream that a test reads line by line, and may stop reading. */
export interface Lines {
  status: number;
  /** The next line with something on it; undefined at the end. */
  next(): Promise<string | undefined>;
  /** All that is left. */
  rest(): Promise<string[]>;
  cut(): void;
}

export async function openLines(
  world: World,
  url: string,
  headers: Record<string, string> = {},
): Promise<Lines> {
  const abort = new AbortController();
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${world.root}`, ...headers },
    signal: abort.signal,
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let lines: string[] = [];
  let rest = "";
  let isDone = false;
  const next = async (): Promise<string | undefined> => {
    while (lines.length === 0 && !isDone) {
      const { done, value } = await reader.read();
      isDone = done;
      const parts = (rest + (value ?? "")).split("\n");
      rest = parts.pop()!;
      lines = parts.filter((line) => line !== "").reverse();
    }
    return lines.pop();
  };
  return {
    status: response.status,
    next,
    async rest() {
      const all: string[] = [];
      for (let line = await next(); line !== undefined; line = await next()) all.push(line);
      return all;
    },
    cut: () => abort.abort(),
  };
}

export interface TestEvent {
  id: number;
  event: string;
  data: string;
}

/** Server-sent events; undefined at the end. */
export async function openEvents(world: World, url: string, headers: Record<string, string> = {}) {
  const lines = await openLines(world, url, headers);
  return {
    ...lines,
    async next(): Promise<TestEvent | undefined> {
      const found: Partial<TestEvent> = {};
      for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
        if (line.startsWith("id: ")) found.id = Number(line.slice(4));
        if (line.startsWith("event: ")) found.event = line.slice(7);
        if (line.startsWith("data: ")) return { ...found, data: line.slice(6) } as TestEvent;
      }
      return undefined;
    },
  };
}
