# Runs the handlers of Python functions: spoken to as node-runtime.mjs beside it is. What handlers see, and the words of errors, are
# those of AWS's own client: https://github.com/aws/aws-lambda-python-runtime-interface-client
import base64
import importlib
import io
import json
import logging
import os
import resource
import socket
import sys
import time
import traceback
import types

TASK_ROOT = "/var/task"
# Of an answer: 6 MiB and what AWS allows for what is around it.
ANSWER_BYTES_MAX = 6_291_556

link = socket.socket(fileno=3)
lines = link.makefile("r", encoding="utf-8", newline="\n")
state = types.SimpleNamespace(request_id=None)


def say(*fields):
    link.sendall(("\t".join(fields) + "\n").encode("utf-8", "surrogatepass"))


class Fault(Exception):
    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind = kind
        self.trace = list(trace)


def error_of(error, request_id=""):
    if isinstance(error, Fault):
        told = {"errorMessage": str(error), "errorType": error.kind, "requestId": request_id}
        told["stackTrace"] = error.trace
        return told
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename != __file__ and "importlib" not in frame.filename]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_list(own),
    }


def print_error(told):
    trace = "".join(told["stackTrace"])
    text = f"[ERROR] {told['errorType']}: {told['errorMessage']}"
    if trace:
        text += "\nTraceback (most recent call last):\n" + trace
    print(text.rstrip("\n").replace("\n", "\r"), flush=True)


class Printed(io.RawIOBase):
    """Standard output that knows how much has gone there."""

    count = 0

    def writable(self):
        return True

    def fileno(self):
        return 1

    def write(self, content):
        written = os.write(1, content)
        self.count += written
        return written


printed = Printed()


class Handler(logging.Handler):
    def emit(self, record):
        print(self.format(record).replace("\n", "\r"), flush=True)


class RequestId(logging.Filter):
    def filter(self, record):
        record.aws_request_id = state.request_id or ""
        return True


def set_up_logging():
    logging.Formatter.converter = time.gmtime
    handler = Handler()
    form = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
    handler.setFormatter(logging.Formatter(form, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(RequestId())
    logging.getLogger().addHandler(handler)


class ClientContext:
    def __init__(self, told):
        self.custom = told.get("custom")
        self.env = told.get("env")
        client = told.get("client")
        self.client = types.SimpleNamespace(**client) if client else None


class LambdaContext:
    def __init__(self, request_id, deadline_ms, arn, client_context):
        env = os.environ
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = env.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = env.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = env.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = env.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.identity = types.SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        told = client_context and json.loads(base64.b64decode(client_context))
        self.client_context = ClientContext(told) if told else None
        self._deadline_ms = deadline_ms

    def get_remaining_time_in_millis(self):
        return max(0, int(self._deadline_ms - time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


def load(name):
    module_name, dot, function_name = name.rpartition(".")
    if not dot or not module_name:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)")
    module_name = module_name.replace("/", ".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        where = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        raise Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", where) from error
    if not hasattr(module, function_name):
        raise Fault("Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'")
    return getattr(module, function_name)


def begin(told):
    os.environ.clear()
    os.environ.update(told["env"])
    time.tzset()
    try:
        os.chdir(TASK_ROOT)
        sys.path.insert(0, TASK_ROOT)
        importlib.invalidate_caches()
        handler = load(told["handler"])
    except Exception as error:
        failed = error_of(error)
        print_error(failed)
        say("B", json.dumps(failed))
        return None
    say("R")
    return handler


def cannot_marshal(value):
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def run(handler, line):
    _, request_id, deadline_ms, arn, trace, client_context, payload = line.split("\t", 6)
    state.request_id = request_id
    os.environ["_X_AMZN_TRACE_ID"] = trace
    kind, text = "e", None
    try:
        try:
            event = json.loads(payload)
        except ValueError as error:
            raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error
        value = handler(event, LambdaContext(request_id, int(deadline_ms), arn, client_context))
        try:
            text = json.dumps(value, ensure_ascii=False, default=cannot_marshal)
        except Exception as error:
            raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error
        if len(text) * 3 > ANSWER_BYTES_MAX and len(text.encode("utf-8", "surrogatepass")) > ANSWER_BYTES_MAX:
            limit = f"Response payload size exceeded maximum allowed payload size ({ANSWER_BYTES_MAX} bytes)."
            raise Fault("Function.ResponseSizeTooLarge", limit)
        kind = "r"
    except Exception as error:
        failed = error_of(error, request_id)
        print_error(failed)
        text = json.dumps(failed)
    sys.stdout.flush()
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu_us = int((used.ru_utime + used.ru_stime) * 1e6)
    say(kind, request_id, str(cpu_us), str(used.ru_maxrss), str(printed.count), text)


def main():
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(printed), encoding="utf-8", line_buffering=True)
    set_up_logging()
    say("w")
    handler = None
    for line in lines:
        line = line[:-1]
        if line.startswith("s"):
            handler = begin(json.loads(line[2:]))
        elif handler is not None:
            run(handler, line)
    os._exit(0)


main()
