/**
 * A body's whole lines as they come: each piece is one or more lines, ending with the last one's line
 * break. What stands after the last line break when the body ends is one more piece.
 */
export async function* wholeLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest: string[] = [];
  for await (const bytes of body) {
    const text = decoder.decode(bytes, { stream: true });
    const end = text.lastIndexOf("\n") + 1;
    if (end === 0) {
      rest.push(text);
      continue;
    }
    yield rest.length === 0 ? text.slice(0, end) : rest.join("") + text.slice(0, end);
    rest = end === text.length ? [] : [text.slice(end)];
  }
  const last = rest.join("") + decoder.decode();
  if (last !== "") yield last;
}

/** The values of lines of JSON, parsed all at once; empty lines, which keep a connection alive, are none. */
export function parseLines<T>(text: string): T[] {
  const trimmed = text.endsWith("\n") ? text.slice(0, -1) : text;
  const isDense = !trimmed.startsWith("\n") && !trimmed.endsWith("\n") && !trimmed.includes("\n\n");
  const dense = isDense ? trimmed : trimmed.split("\n").filter(Boolean).join("\n");
  return dense === "" ? [] : (JSON.parse(`[${dense.replaceAll("\n", ",")}]`) as T[]);
}

/** One event of an event stream. */
export interface StreamEvent {
  type: string;
  data: string;
  id: string | undefined;
}

/** The events of a `text/event-stream` body. */
export async function* streamEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  let event: { type: string; data: string[]; id: string | undefined } = {
    type: "message",
    data: [],
    id: undefined,
  };
  for await (const piece of wholeLines(body)) {
    for (const line of piece.split(/\r?\n/).slice(0, piece.endsWith("\n") ? -1 : undefined)) {
      if (line === "") {
        if (event.data.length > 0) yield { ...event, data: event.data.join("\n") };
        event = { type: "message", data: [], id: event.id };
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") event.type = value;
      else if (field === "data") event.data.push(value);
      else if (field === "id") event.id = value;
    }
  }
}
