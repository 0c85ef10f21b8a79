import type { FastifyError, FastifyInstance, FastifyReply } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { z } from "zod";
import { CanopyError, errorCodes, messageOf, type ErrorCode } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { ProblemView } from "#/model/views.ts";

/** Every error as a problem of RFC 9457; what nobody should meet is logged, and shown as "internal" only. */
export function answerProblems(server: FastifyInstance, log: Log): void {
  server.setErrorHandler((thrown, request, reply) => {
    if (reply.raw.headersSent) {
      // Who asked has left in the middle, or is told by the end of the connection.
      reply.raw.destroy();
      return;
    }
    const problem = problemOf(thrown);
    if (problem.code === "internal") {
      const stack = thrown instanceof Error ? thrown.stack : undefined;
      log.error(`${request.method} ${request.url.split("?")[0]} failed`, {
        error: messageOf(thrown),
        stack,
      });
    }
    return sendProblem(reply, problem);
  });
  server.setNotFoundHandler((request, reply) => {
    const detail = `Cannot ${request.method} ${request.url.split("?")[0]} as there is no such call`;
    return sendProblem(reply, {
      ...bare("not-found", detail),
      hint: "See the calls there are: /openapi.json",
    });
  });
}

function sendProblem(reply: FastifyReply, problem: ProblemView): FastifyReply {
  if (problem.retryAfterMs !== undefined)
    reply.header("retry-after", Math.ceil(problem.retryAfterMs / 1000));
  if (problem.code === "unauthenticated") reply.header("www-authenticate", "Bearer");
  return reply
    .code(problem.status)
    .type("application/problem+json")
    .serializer((value: unknown) => JSON.stringify(value))
    .send(problem);
}

/** What the outside is told of anything thrown. */
export function problemOf(thrown: unknown): ProblemView {
  if (thrown instanceof CanopyError) {
    const { code, message, hint, place, retryAfterMs } = thrown;
    return { ...bare(code, message), ...dropUndefined({ hint, place, retryAfterMs }) };
  }
  if (thrown instanceof z.ZodError)
    return invalid(
      "the body",
      thrown.issues.map(({ path, message }) => ({ path, message })),
    );
  if (hasZodFastifySchemaValidationErrors(thrown)) {
    const { validation, validationContext } = thrown as FastifyError;
    const issues = validation!.map(({ instancePath, message = "" }) => ({
      path: instancePath.slice(1).split("/"),
      message,
    }));
    return invalid(
      validationContext === "querystring" ? "the query" : `the ${validationContext ?? "body"}`,
      issues,
    );
  }
  return (
    problemOfFastify(thrown as FastifyError) ??
    bare("internal", "Cannot answer as something went wrong inside; the log of the cloud says what")
  );
}

/** The errors of the framework itself that a caller can meet. */
function problemOfFastify({ code, statusCode, message }: FastifyError): ProblemView | undefined {
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return bare(
      "too-large",
      `Cannot take this body as it may have at most ${limits.bodyBytesMax} bytes: it has more`,
    );
  }
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    return {
      ...bare(
        "invalid",
        "Cannot take this body as its content-type is not one that this call takes",
      ),
      hint: "Send application/json",
    };
  }
  if (code === "ERR_STREAM_PREMATURE_CLOSE" || code === "ECONNRESET") {
    return bare("invalid", "Cannot take this body as it was cut off");
  }
  if (statusCode === 400) return bare("invalid", `Cannot read this request: ${message}`);
  if (statusCode === 413)
    return bare("too-large", `Cannot take this request as it is too large: ${message}`);
  if (statusCode === 503) return bare("unavailable", "Cannot answer as Canopy is stopping");
  return undefined;
}

function invalid(where: string, issues: { path: PropertyKey[]; message: string }[]): ProblemView {
  const errors = issues.map(({ path, message }) => ({
    pointer: `/${path
      .filter((part) => part !== "")
      .map(String)
      .join("/")}`,
    detail: message,
  }));
  const first = errors[0];
  const detail = first
    ? `Cannot take ${where} as ${first.pointer === "/" ? "it" : `'${first.pointer.slice(1)}'`} is wrong: ${first.detail}`
    : `Cannot take ${where}`;
  return { ...bare("invalid", detail), errors };
}

const titles: Record<ErrorCode, string> = {
  invalid: "The request is wrong",
  unauthenticated: "Who calls is not known",
  forbidden: "Not allowed",
  "not-found": "Not found",
  conflict: "In conflict with what is",
  "too-large": "Too large",
  infeasible: "Cannot be done with what there is",
  limited: "A limit is reached",
  internal: "Something went wrong inside",
  unavailable: "Not available now",
  "no-space": "The disk is full",
  "no-capacity": "A site has no such machine now",
  damaged: "What is kept is damaged",
  timeout: "It took too long",
};

function bare(code: ErrorCode, detail: string): ProblemView {
  const { status } = errorCodes[code];
  return { type: `urn:canopy:problem:${code}`, title: titles[code], status, detail, code };
}

function dropUndefined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(value).filter(([, part]) => part !== undefined),
  ) as never;
}
