"""A static page that holds widgets without a kernel: what they show and what is clicked stays in the page."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape

from workbench_widgets.board import Board

_HOST = """
const unpack = (value) => value && value.__bytes !== undefined
  ? Uint8Array.from(atob(value.__bytes), (c) => c.charCodeAt(0)).buffer : value;
function held(state) {
  const values = Object.fromEntries(Object.entries(state).map(([k, v]) => [k, unpack(v)])), heard = {};
  return { get: (k) => values[k], save_changes() {}, send() {},
    set(k, v) {
      values[k] = v;
      for (const run of heard[`change:${k}`] ?? []) run();
    },
    on(e, run) { (heard[e] ??= []).push(run); },
    off(e, run) { heard[e] = (heard[e] ?? []).filter((x) => x !== run); } };
}
window.models = [];
for (const place of document.querySelectorAll("[data-module]")) {
  const code = JSON.parse(document.getElementById(place.dataset.module).textContent);
  const module = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  const model = held(JSON.parse(place.querySelector("script").textContent));
  window.models.push(model);
  module.default.render({ model, el: place });
}
"""


def page(boards: Sequence[Board], *, title: str = "Incident Workbench", theme: str = "") -> str:
    """Return one self-contained HTML page; without JavaScript it shows the static twins."""
    modules = {type(board).__name__: board.code() for board in boards}
    scripts = "".join(
        f"<script type='application/json' id='m-{n}'>{_json(code)}</script>" for n, code in modules.items()
    )
    places = "".join(
        f"<div data-module='m-{type(board).__name__}' style='margin:16px 0'>"
        f"<script type='application/json'>{_json({**board.state(), 'theme': theme})}</script>{board.twin()}</div>"
        for board in boards
    )
    ground = "#0d1013" if theme == "dark" else "#fff"
    return (f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title></head>"
            f"<body style='margin:16px;background:{ground}'>{scripts}{places}"
            f"<script type='module'>{_HOST}</script></body></html>")  # fmt: skip


def _json(value: object) -> str:
    def packed(raw: object) -> object:
        if isinstance(raw, bytes):
            return {"__bytes": base64.b64encode(raw).decode()}
        raise TypeError(f"A widget's state is plain data; got {type(raw).__name__}.")

    # "<" never stands in the text, so that nothing in it can end the script element.
    return json.dumps(value, default=packed).replace("<", "\\u003c")
