"""The OpenAPI 3.1 document, made from the table of calls and the shapes: it cannot say anything else than they do."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from dispatcher import __version__
from dispatcher.api.calls import CALLS, CSV, EVERYBODY, JSON, MULTIPART, PREFIX, Call
from dispatcher.api.problems import KINDS, MEDIA_TYPE, PAGES
from dispatcher.model import ROLES

Schema = dict[str, Any]
Names = dict[tuple[Any, JsonSchemaMode], Schema]  # the reference to a model's schema, as it comes in or goes out
TAGS = ("Messages", "Inbox", "Directory", "Sending")
_REF = "#/components/schemas/{model}"
_ABOUT = """Alerts written or recorded once, approved by an officer, sent to every customer by the channel they
prefer; and the customers' answers, brought to their representative.

**Errors** are `application/problem+json`; wrong input is reported with every wrong field at once. Each `type` is an
address that explains it. **Idempotency-Key**: send one with every call that changes something; the same key with the
same content gets the same answer again, with another content 409. Keys are kept for two days. **Lists** come in pages:
`limit`, and `cursor` with the `next_cursor` of the page before. **Times** are RFC 3339 in UTC.
"""
_PARTS = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")


def document() -> Schema:
    """The whole document, as a new object."""
    names, schemas = _schemas()
    paths: Schema = {}
    for call in CALLS:
        paths.setdefault(_path(call), {})[call.method.lower()] = _operation(call, names)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Dispatcher", "version": __version__, "description": _ABOUT},
        "servers": [{"url": PREFIX}],
        "security": [{"bearer": []}],
        "tags": [{"name": tag} for tag in TAGS],
        "paths": paths,
        "components": {
            "schemas": schemas | {"Problem": _problem()},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of a member of staff, made by `dispatcher token EMAIL`.",
                }
            },
        },
    }


def _schemas() -> tuple[Names, Schema]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
    for call in CALLS:
        if call.body is not None:
            wanted[call.body, "validation"] = None
        for answer in call.answers.values():
            if isinstance(answer, type):
                wanted[answer, "serialization"] = None
    names, made = models_json_schema(list(wanted), ref_template=_REF)
    return dict(names), made.get("$defs", {})


def _path(call: Call) -> str:
    return _PARTS.sub(lambda part: "{" + part["name"] + "}", call.rule)


def _operation(call: Call, names: Names) -> Schema:
    about = call.about
    if call.roles != EVERYBODY:
        about = f"{about}\n\nFor: {', '.join(role for role in ROLES if role in call.roles)}.".strip()
    operation: Schema = {
        "operationId": call.name,
        "summary": call.title,
        "tags": [call.tag],
        "parameters": [*_in_path(call), *_in_query(call), *_in_header(call)],
        "responses": {**_answers(call, names), **_problems(call)},
    }
    if about:
        operation["description"] = about
    if call.kinds:
        operation["requestBody"] = {"required": True, "content": _contents(call, names)}
    return operation


# --- what goes in


def _in_path(call: Call) -> list[Schema]:
    found = []
    for part in _PARTS.finditer(call.rule):
        number = part["kind"] == "row"
        schema = (
            {"type": "integer", "minimum": 1, "maximum": 10**18 - 1} if number else {"type": "string", "minLength": 1}
        )
        found.append({"name": part["name"], "in": "path", "required": True, "schema": schema})
    return found


def _in_query(call: Call) -> list[Schema]:
    if call.query is None:
        return []
    schema = call.query.model_json_schema()
    required = schema.get("required", [])
    found = []
    for name, one in schema["properties"].items():
        parameter = {"name": name, "in": "query", "required": name in required, "schema": _not_null(one)}
        if "description" in one:
            parameter["description"] = one["description"]
        found.append(parameter)
    return found


def _not_null(schema: Schema) -> Schema:
    """In an address nothing is null: a parameter is left out."""
    some = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    plain = {name: value for name, value in schema.items() if name not in ("anyOf", "title", "description", "default")}
    if len(some) == 1:
        plain |= some[0]
    if schema.get("default") is not None:
        plain["default"] = schema["default"]
    return plain


def _in_header(call: Call) -> list[Schema]:
    if call.safe:
        return []
    return [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "A new one for each request, e.g. a UUID; the same one to repeat it.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        }
    ]


def _contents(call: Call, names: Names) -> Schema:
    found: Schema = {}
    for kind in call.kinds:
        if kind == CSV:
            found[kind] = {"schema": {"type": "string"}}
        elif kind == MULTIPART:
            found[kind] = _form(call)
        else:
            assert call.body is not None
            found[JSON] = {"schema": names[call.body, "validation"]}
            if examples := call.body.model_json_schema().get("examples"):
                found[JSON]["example"] = examples[0]
    return found


def _form(call: Call) -> Schema:
    file: Schema = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
    fields: Schema = {}
    if call.body is not None:
        schema = call.body.model_json_schema()
        assert "$defs" not in schema, "a form has no nested objects"
        fields = {name: _not_null(one) for name, one in schema["properties"].items() if name not in call.uploads}
    for name, many in call.uploads.items():
        fields[name] = {"type": "array", "items": file} if many == "many" else file
    form: Schema = {"type": "object", "properties": fields, "additionalProperties": False}
    if call.body is None:
        form["required"] = list(call.uploads)
    return {"schema": form}


# --- what comes out


_FILES = {"audio/*": "The sound", CSV: "The table"}


def _answers(call: Call, names: Names) -> Schema:
    found: Schema = {}
    for status, answer in call.answers.items():
        words = {200: "Done", 201: "Made", 204: "Gone"}[status]
        if answer is None:
            found[str(status)] = {"description": words}
        elif isinstance(answer, str):
            found[str(status)] = {
                "description": _FILES.get(answer, "The file"),
                "content": {answer: {"schema": {"type": "string", "contentMediaType": answer}}},
            }
        else:
            found[str(status)] = {
                "description": words,
                "content": {JSON: {"schema": names[answer, "serialization"]}},
            }
        if status == 201 and call.location:
            found["201"]["headers"] = {"Location": {"description": "Where it is", "schema": {"type": "string"}}}
    return found


def _problems(call: Call) -> Schema:
    statuses = {401, 403, 429, 500, 503, *call.problems}
    if not call.safe:
        statuses |= {400, 409}  # broken or reused Idempotency-Key
    if call.kinds:
        statuses |= {400, 413, 415, 422}
    if call.query is not None:
        statuses.add(422)
    if call.path_names:
        statuses.add(404)
    if call.answers and "audio/*" in call.answers.values():
        statuses.add(416)
    found: Schema = {}
    for status in sorted(statuses):
        kinds = [kind for kind in KINDS.values() if kind.status == status]
        found[str(status)] = {
            "description": "; ".join(kind.title for kind in kinds),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    found["401"]["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return found


def _problem() -> Schema:
    return {
        "type": "object",
        "description": "An error (RFC 9457). Conflicts also have `state`, those of a digest `digest`, as they are now.",
        "required": ["type", "title", "status", "detail", "errors"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference", "examples": [PAGES + "invalid-input"]},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "message"],
                    "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                },
            },
            "state": {"type": "string"},
            "digest": {"type": "string"},
            "instance": {"type": "string"},
        },
    }
