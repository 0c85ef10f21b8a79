import type { Environment } from "#/drivers/functions/environment.ts";
import type { Functions } from "#/drivers/functions/functions.ts";
import type {
  EnvironmentBrief,
  FunctionAbilities,
  FunctionCall,
  FunctionOrder,
  FunctionReport,
} from "#/model/function-wire.ts";

/** Environments of functions on this machine, as one link's cloud has ordered them: with that link they end. */
export class FunctionKeeper {
  #functions: Functions;
  #send: (report: FunctionReport) => void;
  #environments = new Map<string, Environment>();
  #ending = new Set<Promise<void>>();

  constructor(functions: Functions, send: (report: FunctionReport) => void) {
    this.#functions = functions;
    this.#send = send;
  }

  get abilities(): FunctionAbilities {
    return this.#functions.abilities;
  }

  take(order: FunctionOrder): void {
    const { environment } = order;
    switch (order.do) {
      case "start":
        return this.#start(environment, order.brief);
      case "invoke":
        return this.#invoke(environment, order.call);
      case "end":
        return void this.#end(environment);
    }
  }

  /** Their link is gone: nobody will ask for them again. */
  endAll(): void {
    for (const name of this.#environments.keys()) this.#end(name, true);
  }

  async close(): Promise<void> {
    this.endAll();
    await Promise.all(this.#ending);
    await this.#functions.close();
  }

  #start(name: string, brief: EnvironmentBrief): void {
    if (this.#environments.has(name)) return;
    const isMine = () => this.#environments.get(name) === environment;
    const say = (report: FunctionReport) => {
      if (isMine()) this.#send(report);
    };
    const environment: Environment = this.#functions.start(brief, {
      ready: (initMs) => say({ is: "ready", environment: name, initMs }),
      answered: (requestId, answer) =>
        say({ is: "answered", environment: name, requestId, answer }),
      printed: (lines) => say({ is: "printed", environment: name, lines }),
      ended: (error) => {
        say({ is: "ended", environment: name, ...(error && { error }) });
        if (isMine()) this.#environments.delete(name);
      },
    });
    this.#environments.set(name, environment);
  }

  #invoke(name: string, call: FunctionCall): void {
    const environment = this.#environments.get(name);
    if (environment) return environment.invoke(call);
    const error = {
      errorType: "Sandbox.Failure",
      errorMessage: `There is no environment ${name} on this machine`,
    };
    this.#send({
      is: "answered",
      environment: name,
      requestId: call.requestId,
      answer: {
        payload: JSON.stringify(error),
        error: "Unhandled",
        usage: { durationMs: 0, cpuMs: 0, memoryPeakBytes: 0 },
      },
    });
    this.#send({ is: "ended", environment: name });
  }

  #end(name: string, isSilent = false): void {
    const environment = this.#environments.get(name);
    if (!environment) return;
    if (isSilent) this.#environments.delete(name);
    const ending = environment.end().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}
