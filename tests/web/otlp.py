"""Spans as OpenTelemetry's exporters send them: just enough protobuf to write them, out of dictionaries."""

import struct


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def part(number, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(number << 3 | 2) + varint(len(data)) + data


def integer(number, n):
    return varint(number << 3) + varint(n)


def fixed(number, n):
    return varint(number << 3 | 1) + struct.pack("<Q", n)


def any_value(value):
    if isinstance(value, str):
        return part(1, value)
    if isinstance(value, bool):
        return integer(2, value)
    if isinstance(value, int):
        return integer(3, value)
    return varint(4 << 3 | 1) + struct.pack("<d", value)


def attributes(number, values):
    return b"".join(part(number, part(1, key) + part(2, any_value(v))) for key, v in values.items())


def span(trace, number, name, start_ms, end_ms, parent=None, values=(), error=None, events=()):
    """`number` tells spans of a trace apart, `parent` is another's; times are since 1970; events: {name: values}."""
    message = part(1, trace) + part(2, number.to_bytes(8, "big"))
    if parent:
        message += part(4, parent.to_bytes(8, "big"))
    message += part(5, name) + fixed(7, int(start_ms * 1e6)) + fixed(8, int(end_ms * 1e6)) + attributes(9, dict(values))
    for event, more in dict(events).items():
        message += part(11, fixed(1, int(end_ms * 1e6)) + part(2, event) + attributes(3, more))
    return message + part(15, part(2, error) + integer(3, 2) if error else integer(3, 1))


def request(spans):
    return part(1, part(2, b"".join(part(2, one) for one in spans)))
