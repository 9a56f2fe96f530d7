"""What the programs of this folder share: printing results as key=value lines that run_programs.py compares."""

import datetime
import decimal
import gc
import math
import os
import sys

# The client's models tell the server when they are collected. A collection of reference cycles may come in the middle of
# another call, while gRPC's Python code holds its lock, and then the client waits for itself forever.
gc.disable()

SCRATCH = sys.argv[1] if len(sys.argv) > 1 else "."


def path(name):
    """A file or folder of the program's own scratch folder."""
    return os.path.join(SCRATCH, name)


def text_of(value):
    """One line that says the same for equal values: 12 digits of floats, fields of rows, elements of vectors."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return "nan" if math.isnan(value) else f"{value:.12g}"
    if isinstance(value, (int, decimal.Decimal, datetime.date)):
        return str(value)
    if isinstance(value, str):
        return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, dict):
        return "{" + ",".join(f"{text_of(k)}:{text_of(v)}" for k, v in value.items()) + "}"
    if hasattr(value, "asDict"):
        return "(" + ",".join(f"{name}:{text_of(item)}" for name, item in zip(value.__fields__, value)) + ")"
    if hasattr(value, "toArray"):
        return text_of(value.toArray().tolist())
    if hasattr(value, "tolist"):
        return text_of(value.tolist())
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(text_of(item) for item in value) + "]"
    return text_of(str(value))


def put(key, value):
    print(f"{key}={text_of(value)}", flush=True)


def put_rows(key, frame):
    """All rows of a small DataFrame, with its schema."""
    put(f"{key}.schema", frame.schema.simpleString())
    for number, row in enumerate(frame.collect()):
        put(f"{key}.{number}", list(row))


def put_error(key, action):
    """The exception that action() raises: its class, condition, SQLSTATE and parameters."""
    try:
        put(key, ["no error", action()])
    except Exception as e:  # noqa: BLE001: every kind is a result here
        condition = e.getCondition() if hasattr(e, "getCondition") else None
        state = e.getSqlState() if hasattr(e, "getSqlState") else None
        put(key, [type(e).__name__, condition, state])
        parameters = e.getMessageParameters() if hasattr(e, "getMessageParameters") else None
        put(f"{key}.parameters", dict(sorted(parameters.items())) if parameters else None)
