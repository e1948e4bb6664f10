"""Reads what came with a request into a model: JSON, multipart or CSV, and the query. Every wrong field at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin

import orjson
from flask import request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from dispatcher.api.problems import Problem
from dispatcher.api.wording import wrong_fields
from dispatcher.services.media import Upload

JSON, MULTIPART, CSV = "application/json", "multipart/form-data", "text/csv"
# The most that a body may hold, in bytes. Multipart: a recording and attachments of 20 MB each, and some words.
LIMITS = {JSON: 16_000_000, MULTIPART: 44_000_000, CSV: 32_000_000}
FIELDS = 2_000_000  # of a form, beside its files


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a multipart body, by the name of their field."""

    by_name: Mapping[str, tuple[Upload, ...]] = field(default_factory=dict)

    def all(self, name: str) -> list[Upload]:
        """The files of this field."""
        return list(self.by_name.get(name, ()))

    def one(self, name: str) -> Upload | None:
        """The file of this field, None without one."""
        found = self.by_name.get(name, ())
        return found[0] if found else None


@dataclass(slots=True)
class Body:
    """A body as read. `wrong` maps fields to what is wrong with them; the model then holds the right ones only."""

    model: BaseModel | None = None
    files: Files = field(default_factory=Files)
    wrong: dict[str, str] = field(default_factory=dict)
    fingerprint: bytes = b""  # the same for the same content, however it was written down


def read(model: type[BaseModel] | None, kinds: tuple[str, ...], uploads: Mapping[str, str]) -> Body:
    """The request's body. Raises Problem where it is of another kind, too large or cannot be read at all."""
    if not kinds:
        # Not looked at; but another body makes another request.
        request.max_content_length = 1_000_000
        return Body(fingerprint=request.get_data())
    kind = request.mimetype or kinds[0]
    if kind not in kinds:
        raise Problem(
            "unsupported-media-type", f"Send it as {' or '.join(kinds)}", headers={"Accept": ", ".join(kinds)}
        )
    request.max_content_length = LIMITS[kind]
    if (request.content_length or 0) > LIMITS[kind]:
        raise Problem("too-large", f"At most {LIMITS[kind] // 1_000_000} MB are taken as {kind}")
    if kind == MULTIPART:
        return _read_multipart(model, uploads)
    raw = request.get_data()
    if kind == CSV:
        return Body(files=Files({"file": (Upload("", raw),)}), fingerprint=raw)
    assert model is not None
    return _read_json(model, raw)


def _read_json(model: type[BaseModel], raw: bytes) -> Body:
    try:
        document = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise Problem("bad-request", f"The body is not JSON: {error}") from None
    body = Body(fingerprint=_canonical(document, raw))
    try:
        body.model = model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        body.wrong = wrong_fields(error, model)
        body.model = _what_is_right(model, document, body.wrong, strict=True)
    return body


def _canonical(document: Any, raw: bytes) -> bytes:
    try:
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # integers beyond 64 bits
        return raw


def _read_multipart(model: type[BaseModel] | None, uploads: Mapping[str, str]) -> Body:
    request.max_form_memory_size = FIELDS
    request.max_form_parts = 1_000
    try:
        form, came = request.form, request.files
    except RequestEntityTooLarge as error:
        most = f"{FIELDS // 1_000_000} MB of fields beside the files, {LIMITS[MULTIPART] // 1_000_000} MB in all"
        raise Problem("too-large", f"At most {most} are taken, in 1,000 parts") from error
    if not form and not came and request.content_length != 0:
        # Werkzeug gives an empty form for one that it cannot split.
        raise Problem("bad-request", "The multipart body has no readable part: check its boundary")
    wrong: dict[str, str] = {}
    files: dict[str, tuple[Upload, ...]] = {}
    for name in came:
        # A browser sends an empty part where no file was chosen.
        parts = tuple(Upload(one.filename or "", one.read()) for one in came.getlist(name) if one.filename)
        if name not in uploads:
            wrong[name] = "is not a file that this call takes"
        elif not parts:
            continue
        elif uploads[name] == "one" and len(parts) > 1:
            wrong[name] = f"came {len(parts)} times; send one"
        else:
            files[name] = parts
    fields = {}
    for name, values in form.lists():
        if name in uploads and any(values):
            wrong[name] = "must be a file with a name, not words"
        elif name not in uploads or (model is not None and name in model.model_fields):
            fields[name] = [value.replace("\r\n", "\n") for value in values]
    body = Body(files=Files(files), wrong=wrong, fingerprint=_parts(form, files))
    if model is not None:
        document, repeated = _flatten(model, fields)
        wrong |= repeated
        _validate(body, model, document)
    elif fields:
        wrong |= dict.fromkeys(fields, "is not a field of this call")
    return body


def _parts(form: MultiDict[str, str], files: Mapping[str, tuple[Upload, ...]]) -> bytes:
    """The parts as they mean: the boundary and the order of different fields do not count."""
    words = sorted((name, values) for name, values in form.lists())
    sums = sorted(
        (name, [[one.name, hashlib.sha256(one.content).hexdigest()] for one in some]) for name, some in files.items()
    )
    return orjson.dumps([words, sums])


def read_query(model: type[BaseModel]) -> BaseModel:
    """The request's query. Raises Problem with every wrong parameter."""
    document, wrong = _flatten(model, dict(request.args.lists()))
    body = Body(wrong=wrong)
    _validate(body, model, document)
    if body.wrong or body.model is None:
        raise Problem("invalid-input", "The query is wrong", errors=body.wrong)
    return body.model


def _validate(body: Body, model: type[BaseModel], document: dict[str, Any]) -> None:
    """Words into a model: "5" may be a number here, "true" a yes."""
    try:
        body.model = model.model_validate(document)
    except ValidationError as error:
        body.wrong |= wrong_fields(error, model)
    if body.wrong:
        body.model = _what_is_right(model, document, body.wrong, strict=False)


def _flatten(model: type[BaseModel], values: Mapping[str, list[str]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Lists may be repeated or separated by commas; everything else comes once. An empty field says nothing."""
    document: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name, some in values.items():
        info = model.model_fields.get(name)
        if info is not None and _is_list(info.annotation):
            document[name] = [part.strip() for value in some for part in value.split(",") if part.strip()]
        elif len(some) > 1:
            wrong[name] = f"came {len(some)} times; send it once"
        elif some[0] == "" and info is not None and not info.is_required() and info.default is None:
            document[name] = None
        else:
            document[name] = some[0]
    return document, wrong


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(get_origin(one) is list for one in get_args(annotation))


def _what_is_right(
    model: type[BaseModel], document: Any, wrong: Mapping[str, str], *, strict: bool
) -> BaseModel | None:
    """The model without its wrong fields; None where a field without a default is among them."""
    if not isinstance(document, dict):
        return None
    bad = {name.split(".")[0].split("[")[0] for name in wrong}
    right = {name: value for name, value in document.items() if name not in bad}
    try:
        if strict:
            return model.model_validate_json(orjson.dumps(right), strict=True)
        return model.model_validate(right)
    except (ValidationError, orjson.JSONEncodeError):
        return None
