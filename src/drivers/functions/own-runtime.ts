import { limits } from "#/base/limits.ts";
import type { Channel } from "#/base/processes.ts";
import type { FunctionCall, FunctionError } from "#/model/function-wire.ts";
import { fieldsOf } from "../runner/lines.ts";
import type { Conversation, RuntimeBrief, RuntimeEvents } from "./conversation.ts";

/** Speaks with Canopy's own runtime programs, in lines on their channel; what those are is said in runtimes/node-runtime.mjs. */
export class OwnRuntime implements Conversation {
  #channel: Channel;
  #events: RuntimeEvents;

  constructor(channel: Channel, events: RuntimeEvents) {
    this.#channel = channel;
    this.#events = events;
    channel.onLines = (lines) => {
      for (const line of lines) this.#hear(line);
    };
  }

  begin(brief: RuntimeBrief): void {
    this.#channel.write(`s\t${JSON.stringify(brief)}\n`);
  }

  invoke(call: FunctionCall, deadline: number): void {
    const { requestId, arn, traceId, clientContext = "", payload } = call;
    // Between the tokens of JSON a line break is as good as a space, and within them there is none.
    const line = payload.includes("\n") ? payload.replaceAll("\n", " ") : payload;
    this.#channel.write(
      `i\t${requestId}\t${deadline}\t${arn}\t${traceId}\t${clientContext}\t${line}\n`,
    );
  }

  close(): void {
    this.#channel.onLines = () => {};
  }

  /** A user's code can write here too: what cannot be understood is left out. */
  #hear(line: string): void {
    switch (line[0]) {
      case "R":
        return this.#events.ready();
      case "B":
        return this.#events.broken(errorIn(line.slice(2)));
      case "r":
      case "e": {
        const [kind, requestId = "", cpuUs, peakKb, printed, payload = ""] = fieldsOf(line, 6);
        return this.#events.answered({
          requestId,
          isError: kind === "e",
          payload,
          cpuMs: amountOf(cpuUs) / 1000,
          memoryPeakBytes: amountOf(peakKb) * 1024,
          printedBytes: amountOf(printed),
        });
      }
    }
  }
}

/** What a user's code may have written is none of less than nothing, nor without end. */
function amountOf(text: string | undefined): number {
  const amount = Number(text);
  return Number.isSafeInteger(amount) && amount > 0 ? amount : 0;
}

const stackTraceLinesMax = 50;
const clipped = (text: string, lengthMax: number = limits.functionErrorLengthMax) =>
  text.slice(0, lengthMax);

/** An error of Lambda's, in JSON that a runtime has sent. */
export function errorIn(text: string): FunctionError {
  let told: Partial<Record<"errorType" | "errorMessage" | "trace" | "stackTrace", unknown>>;
  try {
    told = Object(JSON.parse(text)) as typeof told;
  } catch {
    told = {};
  }
  const trace = told.stackTrace ?? told.trace;
  return {
    errorType:
      typeof told.errorType === "string" ? clipped(told.errorType, 200) : "Runtime.Unknown",
    errorMessage: typeof told.errorMessage === "string" ? clipped(told.errorMessage) : "",
    ...(Array.isArray(trace) && {
      stackTrace: trace.slice(0, stackTraceLinesMax).map((line) => clipped(String(line))),
    }),
  };
}
