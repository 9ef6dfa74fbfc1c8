"""Single OTLP values: identifiers, integers, attribute values as text, and protobuf messages as plain dicts."""

from __future__ import annotations

import base64
import binascii
import math
import re
from typing import Any

import orjson
from google.protobuf.message import Message

MAX_DEPTH = 32
"""Deeper nesting inside one attribute value is cut off: what lies below becomes null."""

INT64_MAX = 2**63 - 1
_HEX = re.compile(r"[0-9a-fA-F]+")


def hex_id(sent: object, digits: int) -> str | None:
    """Return an id as *digits* lower-case hex digits; None where it cannot be one, or is all zeros.

    Senders write hex in either case, with 16 or 31 of 32 digits, with dashes, or as base64.
    Bytes are the id itself, or text that was packed as bytes: hex read as base64 gives 24 of them.
    """
    if isinstance(sent, bytes):
        text = _packed_id(sent, digits)
    elif isinstance(sent, str):
        text = _written_id(sent.strip(), digits)
    else:
        return None
    if text is None or not text.strip("0"):
        return None
    return text.lower().zfill(digits)


def _packed_id(sent: bytes, digits: int) -> str | None:
    size = digits // 2
    if 0 < len(sent) <= size:
        return sent.hex()
    if len(sent) == digits:
        return _written_id(sent.decode("latin-1"), digits)
    if len(sent) == size * 3 // 2:
        text = base64.b64encode(sent).decode()
        return text if _HEX.fullmatch(text) else None
    return None


def _written_id(sent: str, digits: int) -> str | None:
    plain = sent.replace("-", "") if len(sent) == 36 else sent
    if _HEX.fullmatch(plain):
        return plain if len(plain) <= digits else None
    raw = base64_bytes(sent)
    if raw is None:
        return None
    return raw.hex() if 8 <= len(raw) <= digits // 2 else None


def base64_bytes(sent: str) -> bytes | None:
    """Decode standard or URL-safe base64, padded or not; None where it is neither."""
    text = sent.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def integer(sent: object) -> int | None:
    """Return a whole number sent as number or as text, exactly; None where it is none or beyond int64."""
    if isinstance(sent, bool):
        return None
    if isinstance(sent, str):
        try:
            number = int(sent)
        except ValueError:
            return None
    elif isinstance(sent, int):
        number = sent
    elif isinstance(sent, float) and sent.is_integer():
        number = int(sent)
    else:
        return None
    return number if -INT64_MAX - 1 <= number <= INT64_MAX else None


def figure(sent: object) -> float | None:
    """Return a number sent as number or as text ("NaN", "Infinity"); None where it is none, or not a number."""
    if isinstance(sent, bool) or not isinstance(sent, str | int | float):
        return None
    try:
        number = float(sent)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number


def plain_value(value: object, depth: int = 0) -> Any:
    """Return an OTLP AnyValue, in its JSON shape, as a plain value; None where it says nothing."""
    if not isinstance(value, dict) or depth > MAX_DEPTH:
        return None
    if "stringValue" in value:
        sent = value["stringValue"]
        return sent if isinstance(sent, str) else None
    if "intValue" in value:
        sent = value["intValue"]
        number = integer(sent)
        return number if number is not None else sent if isinstance(sent, str) else None
    if "boolValue" in value:
        sent = value["boolValue"]
        return sent if isinstance(sent, bool) else None
    if "doubleValue" in value:
        return figure(value["doubleValue"])
    if "arrayValue" in value:
        return [plain_value(item, depth + 1) for item in _values(value["arrayValue"])]
    if "kvlistValue" in value:
        return {
            item["key"]: plain_value(item.get("value"), depth + 1)
            for item in _values(value["kvlistValue"])
            if isinstance(item, dict) and isinstance(item.get("key"), str)
        }
    if "bytesValue" in value:
        sent = value["bytesValue"]
        raw = base64_bytes(sent) if isinstance(sent, str) else None
        return sent if raw is None and isinstance(sent, str) else base64.b64encode(raw or b"").decode()
    return None


def _values(holder: object) -> list[Any]:
    values = holder.get("values") if isinstance(holder, dict) else None
    return values if isinstance(values, list) else []


def text(value: object) -> str | None:
    """Return an OTLP AnyValue, in its JSON shape, as text; NaN and empty values are null.

    Lists, maps and what stands in them become canonical JSON (keys sorted, no spaces).
    """
    return plain_text(plain_value(value))


def plain_text(plain: object) -> str | None:
    """Return a plain value as text: JSON for all but strings, which stand as they are."""
    if plain is None or isinstance(plain, str):
        return plain
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, int):
        return str(plain)
    if isinstance(plain, float):
        if math.isinf(plain):
            return "Infinity" if plain > 0 else "-Infinity"
        return repr(plain)
    return canonical_json(plain)


def canonical_json(plain: object) -> str:
    """Return JSON text with sorted keys and no spaces."""
    return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS).decode()


def pairs(attributes: object) -> dict[str, str | None]:
    """Return a list of OTLP attributes, in their JSON shape, as name to text; the last of equal names counts."""
    if not isinstance(attributes, list):
        return {}
    return {
        item["key"]: text(item.get("value"))
        for item in attributes
        if isinstance(item, dict) and isinstance(item.get("key"), str)
    }


def plain_attributes(attributes: object) -> dict[str, Any]:
    """Return a list of OTLP attributes, in their JSON shape, as name to plain value."""
    if not isinstance(attributes, list):
        return {}
    return {
        item["key"]: plain_value(item.get("value"), 1)
        for item in attributes
        if isinstance(item, dict) and isinstance(item.get("key"), str)
    }


_ID_DIGITS = {"trace_id": 32, "span_id": 16, "parent_span_id": 16}


def as_json(message: Message) -> dict[str, Any]:
    """Return a protobuf message in the shape of OTLP JSON: camelCase names, ids in hex, bytes in base64.

    ``json_format`` would do the same at a tenth of the speed, and writes ids in base64.
    """
    shape: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.message_type is not None:
            shape[field.json_name] = [as_json(v) for v in value] if field.is_repeated else as_json(value)
        elif field.is_repeated:
            shape[field.json_name] = list(value)
        elif field.name in _ID_DIGITS:
            shape[field.json_name] = hex_id(value, _ID_DIGITS[field.name]) or value.hex()
        elif isinstance(value, bytes):
            shape[field.json_name] = base64.b64encode(value).decode()
        else:
            shape[field.json_name] = value
    return shape
