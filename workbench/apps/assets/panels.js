// Opens a session of Panel's server for each board of the page, over one WebSocket each, and says when it is lost.
"use strict";
Bokeh.set_log_level("error");

function over(place, words) {
  const line = document.createElement("p");
  line.className = "skeleton";
  line.setAttribute("role", "status");
  line.textContent = `${words} `;
  const again = document.createElement("button");
  again.type = "button";
  again.textContent = "Load the page again";
  again.addEventListener("click", () => location.reload());
  line.append(again);
  place.prepend(line);
  place.removeAttribute("aria-busy");
}

async function open(place, number) {
  place.style.minHeight = `${place.dataset.height}px`;
  place.id ||= `board-${number}`;
  // Live parts wait while somebody draws a selection.
  place.addEventListener("pointerdown", () => { document.body.dataset.busy = "brush"; });
  const known = Bokeh.documents.length;
  const path = `/panel/${encodeURIComponent(document.body.dataset.case)}`;
  const item = { token: place.dataset.token, elementid: place.id, roots: {}, use_for_title: false };
  await Bokeh.embed.embed_items({}, [item], path, null);
  if (Bokeh.documents.length === known) { over(place, "The board could not be opened; the same numbers stand below."); return; }
  place.querySelector(".skeleton")?.remove();
  place.removeAttribute("aria-busy");
  place.dataset.drawn = "";
  Bokeh.documents.at(-1).on_event("connection_lost", () => {
    if (place.dataset.lost === undefined) over(place, "Connection lost: the board answers no more.");
    place.dataset.lost = "";
  });
}

addEventListener("pointerup", () => setTimeout(() => { delete document.body.dataset.busy; }, 1500));
(async () => {
  for (const [number, place] of [...document.querySelectorAll("[data-panel]")].entries()) await open(place, number);
})();
