#!/usr/bin/env python3
"""Compares the contract with its stored form, and checks its style.

Usage: contract.py compare STORED.binpb PROTO_FOLDER   what the stored contract promises and the
                                                       sources no longer keep; exits 1 if anything
       contract.py lint PROTO_FOLDER                   breaches of style; exits 1 if there are any

Needs protoc.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
from typing import Iterator

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

PACKAGE = "handshake.v1"
UPDATE = "proto/update_descriptor.sh"


def compile_contract(folder: pathlib.Path) -> FileDescriptorSet:
    """All .proto files under the folder and what they import, with their comments."""
    sources = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch) / "set.binpb"
        command = ["protoc", f"-I{folder}", "--include_imports", "--include_source_info"]
        subprocess.run([*command, f"--descriptor_set_out={out}", *sources], check=True)
        return FileDescriptorSet.FromString(out.read_bytes())


def files_of_ours(contract: FileDescriptorSet) -> list[FileDescriptorProto]:
    return [file for file in contract.file if file.package == PACKAGE]


# --- compatibility --------------------------------------------------------------------------------


def promises(contract: FileDescriptorSet) -> dict[str, str]:
    """Every element of the contract by its path, with all that peers rely on.

    A field or value is known by its number; its name is part of the promise, for JSON and people
    use it.
    """
    found: dict[str, str] = {}

    def add_enum(scope: str, enum: descriptor_pb2.EnumDescriptorProto) -> None:
        found[f"enum {scope}.{enum.name}"] = ""
        for value in enum.value:
            found[f"value {scope}.{enum.name} = {value.number}"] = value.name

    def add_message(scope: str, message: descriptor_pb2.DescriptorProto) -> None:
        path = f"{scope}.{message.name}"
        found[f"message {path}"] = ""
        for field in message.field:
            oneof = ""
            if field.HasField("oneof_index"):
                oneof = f" in oneof {message.oneof_decl[field.oneof_index].name}"
            found[f"field {path} = {field.number}"] = (
                f"{Field.Label.Name(field.label)[len('LABEL_'):].lower()} "
                f"{field.type_name or Field.Type.Name(field.type)[len('TYPE_'):].lower()} "
                f"{field.name} (JSON {field.json_name}){oneof}"
            )
        for nested in message.nested_type:
            add_message(path, nested)
        for enum in message.enum_type:
            add_enum(path, enum)

    for file in files_of_ours(contract):
        for message in file.message_type:
            add_message(file.package, message)
        for enum in file.enum_type:
            add_enum(file.package, enum)
        for service in file.service:
            path = f"{file.package}.{service.name}"
            found[f"service {path}"] = ""
            for method in service.method:
                found[f"method {path}.{method.name}"] = (
                    f"({'stream ' * method.client_streaming}{method.input_type}) returns "
                    f"({'stream ' * method.server_streaming}{method.output_type})"
                )
    return found


def broken_promises(stored: FileDescriptorSet, now: FileDescriptorSet) -> Iterator[str]:
    """What the stored contract promises and the present one does not keep."""
    present = promises(now)
    for element, promise in promises(stored).items():
        if element not in present:
            yield f"{element} {promise}".rstrip() + " is gone"
        elif present[element] != promise:
            yield f"{element} was '{promise}' and is '{present[element]}'"


def unstored(stored: FileDescriptorSet, now: FileDescriptorSet) -> Iterator[str]:
    """What is new, and promised only once it is stored."""
    old = promises(stored)
    for element, promise in promises(now).items():
        if element not in old:
            yield f"{element} {promise}".rstrip() + f" is new; run {UPDATE} to store it"


# --- style ----------------------------------------------------------------------------------------

# Numbers say their unit in their name, or are one of these, which have none. A load is what the
# message says it is.
UNIT = re.compile(r".*_(count|bytes|us|ns|per_second|id|size|limit|generation|percent|load)")
UNITLESS = {"id", "count", "generation", "sequence", "sequence_stride", "concurrency",
            "max_concurrent", "seed", "load", "round", "confidence", "value", "low", "high",
            "ratio", "ratio_low", "ratio_high"}
NUMBERS = {Field.TYPE_INT32, Field.TYPE_INT64, Field.TYPE_UINT32, Field.TYPE_UINT64,
           Field.TYPE_DOUBLE}
# Languages without unsigned or 32-bit floating point numbers read the contract too.
REFUSED = {Field.TYPE_FLOAT: "double", Field.TYPE_UINT32: "int64", Field.TYPE_UINT64: "int64",
           Field.TYPE_GROUP: "a message"}
TIMES = {
    ".google.protobuf.Timestamp": re.compile(r"time|\w+_time"),
    ".google.protobuf.Duration": re.compile(r"\w+_(time|timeout)|uptime|duration|elapsed|interval"),
}


def upper_snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


def lint_file(file: FileDescriptorProto) -> Iterator[str]:
    comments = {tuple(location.path): location.leading_comments.strip()
                for location in file.source_code_info.location}

    def commented(path: tuple[int, ...], name: str) -> Iterator[str]:
        comment = comments.get(path, "")
        if not comment:
            yield f"{name} has no comment"
        elif comment[-1] not in ".?":
            yield f"{name}: the comment must be a sentence"

    def lint_enum(path: tuple[int, ...], enum: descriptor_pb2.EnumDescriptorProto) -> Iterator[str]:
        yield from commented(path, enum.name)
        prefix = upper_snake(enum.name)
        if enum.value[0].name != f"{prefix}_UNSPECIFIED":
            yield f"{enum.name}: the first value must be {prefix}_UNSPECIFIED"
        for index, value in enumerate(enum.value):
            yield from commented((*path, 2, index), f"{enum.name}.{value.name}")
            if not re.fullmatch(prefix + r"_[A-Z0-9_]+", value.name):
                yield f"{enum.name}.{value.name} must start with {prefix}_"

    def lint_field(name: str, field: Field) -> Iterator[str]:
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", field.name):
            yield f"{name} must be snake_case"
        if field.type in REFUSED:
            yield f"{name}: use {REFUSED[field.type]}"
        if field.type in NUMBERS and field.name not in UNITLESS and not UNIT.fullmatch(field.name):
            yield f"{name} must name its unit"
        pattern = TIMES.get(field.type_name)
        if pattern and not pattern.fullmatch(field.name):
            yield f"{name} must be named like {pattern.pattern}"

    def lint_message(path: tuple[int, ...],
                     message: descriptor_pb2.DescriptorProto) -> Iterator[str]:
        yield from commented(path, message.name)
        for index, field in enumerate(message.field):
            name = f"{message.name}.{field.name}"
            yield from commented((*path, 2, index), name)
            yield from lint_field(name, field)
        for index, nested in enumerate(message.nested_type):
            yield from lint_message((*path, 3, index), nested)
        for index, enum in enumerate(message.enum_type):
            yield from lint_enum((*path, 4, index), enum)

    if file.syntax != "proto3":
        yield "the syntax must be proto3"
    if not file.name.startswith(file.package.replace(".", "/") + "/"):
        yield f"package {file.package} does not fit the folder"
    if not comments.get((12,)):
        yield "the file must open with a comment above 'syntax'"
    for index, message in enumerate(file.message_type):
        yield from lint_message((4, index), message)
    for index, enum in enumerate(file.enum_type):
        yield from lint_enum((5, index), enum)
    for index, service in enumerate(file.service):
        yield from commented((6, index), service.name)
        if not service.name.endswith("Service"):
            yield f"{service.name} must end with Service"
        for number, method in enumerate(service.method):
            name = f"{service.name}.{method.name}"
            yield from commented((6, index, 2, number), name)
            if method.input_type != f".{file.package}.{method.name}Request":
                yield f"{name} must take a {method.name}Request of its own"
            if re.match("(List|BatchGet)", method.name):
                if method.output_type != f".{file.package}.{method.name}Response":
                    yield f"{name} must return a {method.name}Response"


def lint(contract: FileDescriptorSet) -> Iterator[str]:
    for file in files_of_ours(contract):
        for finding in lint_file(file):
            yield f"{file.name}: {finding}"


def main(arguments: list[str]) -> int:
    if len(arguments) == 3 and arguments[0] == "compare":
        stored = FileDescriptorSet.FromString(pathlib.Path(arguments[1]).read_bytes())
        findings = list(broken_promises(stored, compile_contract(pathlib.Path(arguments[2]))))
    elif len(arguments) == 2 and arguments[0] == "lint":
        findings = list(lint(compile_contract(pathlib.Path(arguments[1]))))
    else:
        print(__doc__, file=sys.stderr)
        return 2
    print(*findings, sep="\n", end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
