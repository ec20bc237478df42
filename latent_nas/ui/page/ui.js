"use strict";
(() => {
  const body = document.body;
  const { base, topic } = body.dataset;
  const token = base.slice(1);
  const live = document.getElementById("live");
  const said = document.getElementById("said");
  const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

  // Filters of the table of networks: what is left empty asks nothing.
  function filter() {
    const table = document.getElementById("networks");
    const shown = document.getElementById("filtered");
    if (!table || !shown) return;
    const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent);
    const asked = [...live.querySelectorAll("[data-most], [data-least]")].filter((field) => field.value.trim() !== "").map((field) => ({
      field, most: field.dataset.most !== undefined, value: Number(field.value.replace(",", ".")),
      column: heads.indexOf(field.dataset.most ?? field.dataset.least),
    }));
    asked.forEach(({ field, value }) => field.setAttribute("aria-invalid", Number.isNaN(value)));
    let count = 0;
    for (const row of table.tBodies[0].rows) {
      row.hidden = asked.some(({ most, value, column }) => {
        const text = row.cells[column].dataset.value;
        return !Number.isNaN(value) && (text === "" || (most ? Number(text) > value : Number(text) < value));
      });
      count += !row.hidden;
    }
    const text = asked.length ? `${count} of ${table.tBodies[0].rows.length} networks` : "";
    if (shown.textContent !== text) shown.textContent = text;
  }

  // New content takes the place of the old; what the user has typed, chosen, sorted or stands on stays.
  async function refresh() {
    const url = new URL(location.href);
    url.searchParams.set("part", "1");
    const answer = await fetch(url);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    const kept = [...live.querySelectorAll("input[id], select[id]")].map((field) => [field.id, field.value]);
    const picked = [...live.querySelectorAll("input[name=run]:checked")].map((box) => box.value);
    const sorted = live.querySelector("#networks th[aria-sort]");
    const order = sorted && [sorted.cellIndex, sorted.getAttribute("aria-sort")];
    const open = [...live.querySelectorAll("details[open] > summary")].map((part) => part.textContent);
    const focus = document.activeElement?.id || "";
    const opens = document.activeElement?.dataset?.opens;
    const box = live.querySelector(".scroll.tall");
    const place = box && [box.scrollTop, box.scrollLeft];
    const drawn = new Map([...live.querySelectorAll(".plot.js-plotly-plot")].map((plot) => [plot.getAttribute("aria-label"), plot]));
    for (const plot of fresh.querySelectorAll(".plot")) {  // the picture that is there stays until it is drawn anew
      const old = drawn.get(plot.getAttribute("aria-label"));
      if (old) { drawn.delete(plot.getAttribute("aria-label")); plot.replaceWith(old); }
    }
    drawn.forEach((plot) => Plotly.purge(plot));
    live.replaceChildren(...fresh.childNodes);
    for (const [id, value] of kept) {
      const field = document.getElementById(id);
      if (field) field.value = value;
    }
    live.querySelectorAll("input[name=run]").forEach((pick) => { pick.checked = picked.includes(pick.value); });
    live.querySelectorAll("details > summary").forEach((part) => { part.parentElement.open = open.includes(part.textContent); });
    const head = order && live.querySelectorAll("#networks th")[order[0]];
    if (head) { head.click(); if (order[1] === "descending") head.click(); }
    filter();
    const stands = (focus && document.getElementById(focus)) || (opens && live.querySelector(`a[data-opens="${opens}"]`));
    if (stands) stands.focus({ preventScroll: true });
    const again = live.querySelector(".scroll.tall");
    if (again && place) [again.scrollTop, again.scrollLeft] = place;
    const log = live.querySelector("pre.log");
    if (log) log.scrollTop = log.scrollHeight;
    await pause(20);  // words first, pictures after them
    document.dispatchEvent(new Event("latent-nas-changed"));
    body.dataset.updates = Number(body.dataset.updates || 0) + 1;
  }

  // The server says when something has changed; one refresh at a time, and one more for what came meanwhile.
  let busy = false, again = false;
  async function changed() {
    if (busy) { again = true; return; }
    busy = true;
    try { await refresh(); } catch { /* the server has gone; the stream says so */ }
    busy = false;
    if (again) { again = false; changed(); }
  }
  // A tab in the background lets go of its stream, as a browser has but six connections to a place.
  let events = null, seen = body.dataset.seen;
  const LOST = "The page has lost latent-nas ui and tries again; what it has shown stays.";
  function follow() {
    if (!topic || events || document.hidden) return;
    events = new EventSource(`${base}/events?topic=${encodeURIComponent(topic)}&seen=${encodeURIComponent(seen)}`);
    events.onopen = () => { body.dataset.follows = "yes"; if (said.textContent === LOST) said.textContent = ""; };
    events.onmessage = (event) => {
      const told = JSON.parse(event.data);
      seen = told.seen;
      const state = live.querySelector("header .state");
      if (told.state && state) Object.assign(state, { textContent: told.state, className: `state ${told.state}` });
      changed();
    };
    events.onerror = () => { said.textContent = LOST; };
  }
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) { follow(); return; }
    events?.close();
    events = null;
  });
  follow();

  async function post(place, given) {
    const answer = await fetch(`${base}/${place}`, {
      method: "POST", headers: { "Content-Type": "application/json", "X-Latent-NAS-Token": token }, body: JSON.stringify(given),
    });
    return answer.json();
  }

  // A search that a form has begun: its page once it has passed all checks, else the line that the command says.
  async function checked(job) {
    for (;;) {
      const answer = await (await fetch(`${base}/checked/${job}`)).json();
      if (answer.state !== "checking") return answer;
      await pause(300);
    }
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.dataset.post) return;
    event.preventDefault();
    const button = form.querySelector("button[type=submit]");
    const alert = form.querySelector("[role=alert]");
    alert.textContent = "";
    button.disabled = true;
    const word = button.textContent;
    button.textContent = "Checking";
    try {
      let answer = await post(form.dataset.post, Object.fromEntries(new FormData(form)));
      if (answer.job) answer = await checked(answer.job);
      if (answer.go) { location.assign(answer.go); return; }
      alert.textContent = answer.error || answer.said || "";
    } catch {
      alert.textContent = "latent-nas ui does not answer; is it still running?";
    }
    button.disabled = false;
    button.textContent = word;
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-post]");
    if (!button) return;
    button.disabled = true;
    try {
      const answer = await post(button.dataset.post, {});
      if (answer.go && answer.go !== location.pathname) { location.assign(answer.go); return; }
      said.textContent = answer.error || answer.said || "";
    } catch {
      said.textContent = "latent-nas ui does not answer; is it still running?";
    }
    button.disabled = false;
  });

  document.addEventListener("input", (event) => { if (event.target.matches("[data-most], [data-least]")) filter(); });
  filter();
  document.documentElement.dataset.ready = "yes";
})();
