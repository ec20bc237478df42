"use strict";
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const coarse = matchMedia("(pointer: coarse)").matches;

  // The chosen theme outlives the page where the browser lets a file keep something.
  const keep = {
    get(name) { try { return localStorage.getItem(name); } catch { return null; } },
    set(name, value) { try { localStorage.setItem(name, value); } catch { /* a file may not keep anything there */ } },
  };

  let choice = keep.get("latent-nas-theme") || "auto";

  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  // "var(--blue)" anywhere in a figure becomes the colour of the theme.
  function themed(value) {
    if (typeof value === "string") {
      const found = /^var\((--\w+)\)$/.exec(value);
      return found ? colour(found[1]) : value;
    }
    if (Array.isArray(value)) return value.map(themed);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, themed(part)]));
    }
    return value;
  }

  function axis(given) {
    const base = {
      gridcolor: colour("--line"), linecolor: colour("--line"), zeroline: false, automargin: true,
      fixedrange: coarse, ticks: "", tickfont: { color: colour("--soft"), size: 11 }, nticks: 7,
    };
    const title = { standoff: 8, ...given.title, font: { color: colour("--soft"), size: 12 } };
    return { ...base, ...given, title };
  }

  function layout(given) {
    const font = getComputedStyle(document.body).fontFamily;
    const out = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "closest",
      dragmode: coarse ? false : "zoom", margin: { l: 48, r: 14, t: 18, b: 40 },
      font: { family: font, size: 12, color: colour("--ink") },
      hoverlabel: { bgcolor: colour("--panel"), bordercolor: colour("--line"), font: { color: colour("--ink"), size: 12 } },
      ...given,
    };
    for (const key of Object.keys(given)) if (/^[xy]axis\d*$/.test(key)) out[key] = axis(given[key]);
    return out;
  }

  const read = new WeakMap();  // what a figure's script says, read once
  function figures() {
    return [...document.querySelectorAll("figure")].filter((f) => f.querySelector("script")).map((f) => {
      if (!read.has(f)) read.set(f, JSON.parse(f.querySelector("script").textContent));
      return { place: f.querySelector(".plot"), spec: read.get(f) };
    });
  }
  const config = { displayModeBar: false, responsive: true };

  function plot(place, spec) {
    const { data, layout: given } = themed(spec);
    // A resize by plotly comes a moment later, when paper is printed already: there the width is given.
    const wide = root.dataset.paper ? { width: place.clientWidth, autosize: false } : { autosize: true };
    Plotly.react(place, data, { ...layout(given), ...wide }, config);
    if (place.dataset.opens) return;
    place.dataset.opens = "yes";  // a point that stands for a training shows it
    place.on("plotly_click", ({ points: [point] }) => {
      if (point.data.meta === "training" && point.customdata) show(point.customdata);
    });
  }

  // The live page draws what comes near the window; a report, which is printed and sent, draws all at once.
  const near = new WeakSet();
  const sight = document.body.dataset.base === undefined ? null : new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) continue;
      near.add(target);
      sight.unobserve(target);
      const figure = target.closest("figure");
      if (figure) plot(target, read.get(figure));
    }
  }, { rootMargin: "300px" });

  function draw() {
    const dark = !root.dataset.paper && (choice === "auto" ? system.matches : choice === "dark");
    root.dataset.theme = dark ? "dark" : "light";
    root.style.colorScheme = root.dataset.theme;
    document.getElementById("theme").textContent = "Theme: " + choice;
    const all = figures();
    for (const { place, spec } of all) {
      if (!sight || root.dataset.paper || near.has(place)) plot(place, spec);
      else sight.observe(place);
    }
    root.dataset.drawn = all.length;
  }

  document.getElementById("theme").addEventListener("click", () => {
    choice = { auto: "light", light: "dark", dark: "auto" }[choice];
    keep.set("latent-nas-theme", choice);
    draw();
  });
  system.addEventListener("change", draw);
  draw();

  // A network alone: what its row of the table says, in a dialog.
  function show(number) {
    const row = document.getElementById("training-" + number);
    if (!row) return;
    if (document.body.dataset.network) { location.assign(document.body.dataset.network + number); return; }
    const dialog = document.getElementById("network-shown") || document.createElement("dialog");
    const close = Object.assign(document.createElement("button"), { textContent: "Close", type: "button" });
    const list = document.createElement("dl");
    [...row.closest("table").tHead.rows[0].cells].forEach((head, i) => {
      const [name, value] = [document.createElement("dt"), document.createElement("dd")];
      name.textContent = head.textContent;
      value.append(...[...row.cells[i].childNodes].map((node) => node.cloneNode(true)));
      if (i && value.textContent) list.append(name, value);
    });
    dialog.id = "network-shown";
    dialog.replaceChildren(Object.assign(document.createElement("h2"), { textContent: "Training " + number }), list, close);
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    if (!dialog.isConnected) document.body.append(dialog);
    if (!dialog.open) dialog.showModal();
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-opens]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(link.dataset.opens);
  });

  // Paper is white and as wide as paper: the charts are drawn again for it, and for the screen after it.
  function paper(on) {
    if (on) root.dataset.paper = "yes"; else delete root.dataset.paper;
    draw();
    if (!on) figures().forEach(({ place }) => { if (place.dataset.opens) Plotly.Plots.resize(place); });
  }
  addEventListener("beforeprint", () => paper(true));
  addEventListener("afterprint", () => paper(false));

  // Tables sort by a click on a column's head: numbers by value, the rest by letters; empty cells come last.
  function sort(head) {
    const table = head.closest("table");
    const heads = [...table.tHead.rows[0].cells];
    const i = heads.indexOf(head);
    const value = (row) => row.cells[i].dataset.value ?? row.cells[i].textContent;
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach((h) => h.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const sign = down ? -1 : 1;
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      const d = Number(x) - Number(y);
      return sign * (Number.isNaN(d) ? x.localeCompare(y) : d);
    });
    table.tBodies[0].append(...rows);
  }
  const HEAD = "table.sortable th";
  function reachable() { document.querySelectorAll(HEAD).forEach((head) => { head.tabIndex = 0; }); }
  document.addEventListener("click", (event) => {
    const head = event.target.closest?.(HEAD);
    if (head) sort(head);
  });
  document.addEventListener("keydown", (event) => {
    if ((event.key === "Enter" || event.key === " ") && event.target.matches?.(HEAD)) {
      event.preventDefault();
      sort(event.target);
    }
  });
  reachable();

  // A page that puts new parts in the place of old ones says so.
  document.addEventListener("latent-nas-changed", () => { draw(); reachable(); });

  // A search writes its report anew after every round; this keeps up with it.
  const live = document.getElementById("live");
  if (live) {
    const wait = () => { if (live.checked) setTimeout(() => live.checked && location.reload(), 15000); };
    live.checked = keep.get("latent-nas-live") === "on";
    live.addEventListener("change", () => { keep.set("latent-nas-live", live.checked ? "on" : "off"); wait(); });
    wait();
  }
})();
