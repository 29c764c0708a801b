"""Files in config/ that a person edits: read strictly, every mistake told with file, line and what was meant."""

import difflib
import re
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from rtp.errors import Fatal

T = TypeVar("T")

_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>.*)`)?$", re.DOTALL)
_UNKNOWN_FIELD = re.compile(r"unknown field `(?P<name>[^`]+)`")
_INVALID_VALUE = re.compile(r"Invalid enum value '(?P<value>[^']*)'")
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")


def read_config(path: Path, kind: type[T]) -> T:
    """The file as a value of `kind` (a msgspec Struct); raises Fatal "file:line: what is wrong" with a suggestion."""
    try:
        text = path.read_text()
    except OSError as error:
        raise Fatal(f"{path} cannot be read: {error.strerror}.", hint="Restore it from the repository.") from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Fatal(f"{path}:{line}: {error.problem or 'not YAML'}.", hint="Mend the YAML on that line.") from error
    try:
        return msgspec.convert(value if value is not None else {}, kind)
    except msgspec.ValidationError as error:
        raise _explain(path, root, value, kind, str(error)) from error


def mistake(path: Path, steps: Iterable[str | int], what: str, *, hint: str = "") -> Fatal:
    """The error for a value that has the right type and is wrong all the same; `steps` lead to it."""
    root = yaml.compose(path.read_text(), Loader=yaml.SafeLoader)
    return Fatal(f"{path}:{_line(root, list(steps))}: {what}", hint=hint)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ "Did you mean 'x'?" where one of the known words is near, else the list of them."""
    words = sorted(set(known))
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(words)}."


def _explain(path: Path, root: yaml.Node | None, value: Any, kind: Any, message: str) -> Fatal:
    match = _PLACE.match(message)
    what, place = (match["what"], match["path"] or "$") if match else (message, "$")
    steps: list[str | int] = [
        step["name"] or ("*" if step["index"] == "..." else int(step["index"])) for step in _STEP.finditer(place)
    ]
    steps = _named(value, kind, steps)
    unknown = _UNKNOWN_FIELD.search(what)
    invalid = _INVALID_VALUE.search(what)
    hint = ""
    if unknown:
        hint = did_you_mean(unknown["name"], _field_names(_type_at(kind, steps)))
        steps.append(unknown["name"])
    elif invalid:
        hint = did_you_mean(invalid["value"], _choices(_type_at(kind, steps)))
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
    return Fatal(f"{path}:{_line(root, steps)}: {what}{f' at {where}' if where else ''}.", hint=hint)


def _named(value: Any, kind: Any, steps: list[str | int]) -> list[str | int]:
    """The steps with the key in place of each "*": msgspec does not say which entry of a mapping is wrong."""
    named: list[str | int] = []
    for step in steps:
        key = step
        if step == "*" and isinstance(value, dict):
            kinds = _type_at(kind, [*named, step])
            key = next((name for name, entry in value.items() if not _fits(entry, kinds)), step)
        named.append(key)
        reached = isinstance(value, dict) or (isinstance(value, list) and isinstance(key, int))
        value = value[key] if reached and (isinstance(key, int) or key in value) else None
    return named


def _fits(value: Any, kinds: list[Any]) -> bool:
    for kind in kinds:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError:
            continue
        return True
    return False


def _line(node: yaml.Node | None, steps: list[str | int]) -> int:
    line = node.start_mark.line + 1 if node is not None else 1
    for step in steps:
        found = _child(node, step)
        if found is None:
            break
        node, line = found
    return line


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item: yaml.Node = node.value[step]
        return item, item.start_mark.line + 1
    return None


def _alternatives(kind: Any) -> list[Any]:
    """The members of a union, the item type of a list, the value type of a mapping: what a step can lead into."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        return [inner for argument in arguments for inner in _alternatives(argument)]
    if origin is typing.Annotated:
        return _alternatives(arguments[0])
    return [kind]


def _type_at(kind: Any, steps: list[str | int]) -> list[Any]:
    kinds = _alternatives(kind)
    for step in steps:
        kinds = [inner for one in kinds for inner in _into(one, step)]
    return kinds


def _into(kind: Any, step: str | int) -> list[Any]:
    arguments = typing.get_args(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [
            inner
            for field in msgspec.structs.fields(kind)
            if field.encode_name == step
            for inner in _alternatives(field.type)
        ]
    return _alternatives(arguments[-1] if arguments[-1] is not Ellipsis else arguments[0]) if arguments else []


def _field_names(kinds: list[Any]) -> list[str]:
    structs = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
    return [field.encode_name for kind in structs for field in msgspec.structs.fields(kind)]


def _choices(kinds: list[Any]) -> list[str]:
    return [
        str(value) for kind in kinds if typing.get_origin(kind) is typing.Literal for value in typing.get_args(kind)
    ]
