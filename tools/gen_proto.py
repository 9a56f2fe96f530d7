#!/usr/bin/env python3
"""Generates the C code of the Spark Connect protocol out of an installed or unpacked PySpark client.

    gen_proto.py PYSPARK_FOLDER OUTPUT_FOLDER

The client's generated Python modules carry the serialized descriptors of the protocol; protoc-gen-c makes C of them.
So no copy of the .proto files is kept here. Needs protoc, protoc-gen-c and the well-known types of libprotobuf-dev;
of Python only the standard library.
"""

import ast
import pathlib
import subprocess
import sys

FILES = ["base", "catalog", "commands", "common", "expressions", "ml_common", "ml", "pipelines", "relations", "types"]
WELL_KNOWN = ["google/protobuf/any.proto", "google/protobuf/timestamp.proto"]

# protoc-gen-c 1.4 handles proto3 `optional` but does not announce it (CodeGeneratorResponse.supported_features, field
# 2, value FEATURE_PROTO3_OPTIONAL), so protoc refuses; the wrapper appends that field to what the plugin answers.
PLUGIN = "#!/bin/sh\nprotoc-gen-c || exit $?\nprintf '\\020\\001'\n"


def descriptor_of(module):
    """The serialized FileDescriptorProto in a *_pb2.py file: the argument of AddSerializedFile."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "AddSerializedFile":
            return ast.literal_eval(node.args[0])
    sys.exit(f"gen_proto: no descriptor in {module}")


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def main():
    client, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    plugin = out / "protoc-gen-c-optional"
    plugin.write_text(PLUGIN)
    plugin.chmod(0o755)
    well_known = out / "well_known.ds"
    subprocess.run(
        ["protoc", "-I/usr/include", "--include_imports", f"--descriptor_set_out={well_known}", *WELL_KNOWN], check=True
    )
    everything = out / "all.ds"  # descriptor sets concatenate: each file is field 1 of FileDescriptorSet
    with everything.open("wb") as f:
        f.write(well_known.read_bytes())
        for name in FILES:
            data = descriptor_of(client / "sql" / "connect" / "proto" / f"{name}_pb2.py")
            f.write(b"\x0a" + varint(len(data)) + data)
    subprocess.run(
        ["protoc", f"--plugin=protoc-gen-c={plugin}", f"--descriptor_set_in={everything}", f"--c_out={out}"]
        + [f"spark/connect/{name}.proto" for name in FILES]
        + WELL_KNOWN,
        check=True,
    )


main()
