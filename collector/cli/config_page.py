"""The configuration reference as a page, made from the JSON schema and so from the models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """\
# Configuration reference

<!-- Made by `make reference` from collector/config/model.py. Do not edit. -->

One YAML file. Unknown keys are errors; a key that is left out has its default. `mist-collector check-config FILE` names
every fault at once. [deploy/collector.example.yaml](../deploy/collector.example.yaml) shows every section.

Any key can be replaced from the environment: `MIST_COLLECTOR__` and the keys in capitals, parted by two underscores,
for instance `MIST_COLLECTOR__SERVER__LISTEN=127.0.0.1:9733` or `MIST_COLLECTOR__ACCOUNTS__0__TOKEN_FILE=/run/token`. A
list takes a whole YAML value: `MIST_COLLECTOR__WEBHOOK__SECRET_FILES='[one, two]'`.

Files are named relative to the folder of the configuration. Under systemd, a file that was handed over as a credential
(`LoadCredential=`) is read from there; see [operations](operations.md).
"""
_LONGEST_DEFAULT = 40


def markdown(schema: dict[str, Any]) -> str:
    """The page: a section for each mapping of the file, in its order; ends without a line break."""
    lines = [_HEAD]
    for path, fields in _sections(schema, schema, ""):
        lines += [f"## {path or 'Top level'}", ""]
        if fields.get("description") and path:
            lines += [fields["description"], ""]
        lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
        required = fields.get("required", ())
        lines += [_row(schema, name, one, name in required) for name, one in fields["properties"].items()]
        lines.append("")
    return "\n".join(lines).rstrip("\n")


def _sections(schema: dict[str, Any], fields: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping with the path of its keys, outer before inner."""
    yield path, fields
    for name, one in fields["properties"].items():
        inner, suffix = _mapping(schema, one)
        if inner is not None:
            yield from _sections(schema, inner, f"{path}.{name}{suffix}" if path else f"{name}{suffix}")


def _mapping(schema: dict[str, Any], field: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """The mapping that a field holds, or that each entry of its list is."""
    if "$ref" in field:
        found = schema["$defs"][field["$ref"].rpartition("/")[2]]
        return (found, "") if "properties" in found else (None, "")
    if field.get("type") == "array" and "$ref" in field.get("items", {}):
        return _mapping(schema, field["items"])[0], "[]"
    for choice in field.get("anyOf", ()):
        inner, suffix = _mapping(schema, choice)
        if inner is not None:
            return inner, suffix
    return None, ""


def _row(schema: dict[str, Any], name: str, field: dict[str, Any], required: bool) -> str:  # noqa: FBT001 - a row's fact
    inner, _ = _mapping(schema, field)
    meaning = field.get("description", "")
    if not meaning and inner is not None:
        meaning = inner.get("description", "")
    default = _default(field, required=required, section=inner is not None)
    return f"| `{name}` | {_type(schema, field)} | {default} | {meaning} |"


def _default(field: dict[str, Any], *, required: bool, section: bool) -> str:
    if required:
        return "required"
    if section:
        return "see its own section"
    default = field.get("default")
    if default is None:
        return "none"
    text = json.dumps(default)
    return f"`{text.replace('|', '/')}`" if len(text) <= _LONGEST_DEFAULT else "see below"


def _type(schema: dict[str, Any], field: dict[str, Any]) -> str:
    """The type in words, with its limits."""
    if "$ref" in field:
        inner, _ = _mapping(schema, field)
        return "section" if inner is not None else _type(schema, schema["$defs"][field["$ref"].rpartition("/")[2]])
    if "anyOf" in field:
        choices = [_type(schema, choice) for choice in field["anyOf"] if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(choices))
    if "enum" in field or "const" in field:
        return "one of " + ", ".join(f"`{word}`" for word in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        return f"list of {_type(schema, field.get('items', {}))}"
    kind = "file" if field.get("format") == "path" else str(field.get("type", "any"))
    return f"{_WORDS.get(kind, kind)}{_limits(field)}"


_WORDS = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "mapping"}


def _limits(field: dict[str, Any]) -> str:
    least, most = field.get("minimum"), field.get("maximum")
    over = field.get("exclusiveMinimum")
    low = f"at least {least:g}" if least is not None else f"over {over:g}" if over is not None else ""
    high = f"at most {most:g}" if most is not None else ""
    both = ", ".join(part for part in (low, high) if part)
    return f", {both}" if both else ""
