// What the pages cannot do by themselves. Without this script they still work.
"use strict";

(() => {
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // Menus: one open at a time, closed by Escape or a click elsewhere.
  const closeMenus = (except) => {
    for (const menu of all("details.menu[open], details.actions[open]")) {
      if (!menu.contains(except)) menu.open = false;
    }
  };
  document.addEventListener("click", (event) => closeMenus(event.target));

  // Light and dark: the system's, until somebody chooses.
  const switchTheme = () => {
    const root = document.documentElement;
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `gridtrail_theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
  };

  // Full details under a row, loaded once.
  const toggleDetails = async (row) => {
    const next = row.nextElementSibling;
    if (next && next.classList.contains("details-row")) {
      next.remove();
      return;
    }
    const answer = await fetch(row.dataset.detailsAt, { headers: { "HX-Request": "true" } });
    if (!answer.ok) {
      location.href = row.dataset.detailsAt;
      return;
    }
    const holder = document.createElement("tr");
    holder.className = "details-row";
    const cell = holder.insertCell();
    cell.colSpan = row.cells.length;
    cell.innerHTML = await answer.text(); // our own server's page, escaped there
    row.after(holder);
  };

  const copy = async (button) => {
    const raw = one("[data-raw]", button.closest(".details, .secret"));
    try {
      await navigator.clipboard.writeText(raw.value);
    } catch {
      raw.select();
      document.execCommand("copy");
    }
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), 1500);
  };

  document.addEventListener("click", (event) => {
    const target = event.target;
    if (target.closest("[data-theme-switch]")) switchTheme();
    const button = target.closest("[data-copy]");
    if (button) copy(button);
    const details = target.closest("a[data-details]");
    const row = details && details.closest("tr[data-details-at]");
    if (row && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      closeMenus(null);
      toggleDetails(row);
    }
  });

  // A range dragged over the histogram.
  let drag = null;
  const barAt = (event) => event.target.closest && event.target.closest("[data-range] a");
  document.addEventListener("pointerdown", (event) => {
    const bar = barAt(event);
    if (bar && event.button === 0) drag = { from: bar, to: bar };
  });
  document.addEventListener("pointermove", (event) => {
    const bar = drag && barAt(event);
    if (!bar) return;
    drag.to = bar;
    const chart = bar.closest("[data-range]");
    const [a, b] = [drag.from, bar].map((part) => one(".reach", part));
    const left = Math.min(a.x.baseVal.value, b.x.baseVal.value);
    const right = Math.max(a.x.baseVal.value, b.x.baseVal.value) + a.width.baseVal.value;
    const shade = one(".drag", chart);
    shade.setAttribute("x", left);
    shade.setAttribute("width", drag.from === bar ? 0 : right - left);
  });
  document.addEventListener("pointerup", () => {
    if (!drag || drag.from === drag.to) {
      drag = null;
      return;
    }
    const bars = [drag.from, drag.to];
    const to = new URL(drag.from.closest("[data-range]").dataset.range, location.href);
    to.searchParams.set("oldest", Math.min(...bars.map((bar) => Number(bar.dataset.from))));
    to.searchParams.set("latest", Math.max(...bars.map((bar) => Number(bar.dataset.to))));
    drag = null;
    location.href = to.href;
  });
  document.addEventListener("dragstart", (event) => {
    if (event.target.closest && event.target.closest("[data-range]")) event.preventDefault();
  });

  // What scrolls and holds nothing to stop at can be reached by keyboard all the same.
  const reach = () => {
    for (const box of all(".wide, pre")) {
      const scrolls = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
      if (scrolls && !one("a, button, input", box)) box.tabIndex = 0;
    }
  };
  addEventListener("load", reach);
  addEventListener("resize", reach);

  // Choosing actions: search, and no more than Slack takes at once.
  document.addEventListener("input", (event) => {
    const box = event.target.closest("[data-actions-search]");
    if (!box) return;
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const group of all("fieldset", box.closest("[data-actions]"))) {
      let shown = 0;
      for (const label of all("label", group)) {
        const text = `${label.textContent} ${label.title}`.toLowerCase();
        label.hidden = !words.every((word) => text.includes(word));
        if (!label.hidden) shown += 1;
      }
      group.hidden = shown === 0;
    }
  });
  const boundActions = (picker) => {
    const boxes = all("input[type=checkbox]", picker);
    const full = boxes.filter((box) => box.checked).length >= Number(picker.dataset.actions);
    for (const box of boxes) box.disabled = full && !box.checked;
  };
  document.addEventListener("change", (event) => {
    const picker = event.target.closest("[data-actions]");
    if (picker) boundActions(picker);
  });

  // Empty fields stay out of the address.
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-filters]");
    if (!form) return;
    for (const field of all("input[name], select[name]", form)) {
      if (!field.value) field.disabled = true;
    }
  });
  addEventListener("pageshow", () => {
    for (const field of all("[data-filters] [name]:disabled:not([type=checkbox])")) field.disabled = false;
  });

  // Keys: / searches, j and k walk, Enter opens, o goes to older, Escape closes.
  let at = -1;
  const walk = (step) => {
    const rows = all("[data-row], tr[data-details-at] .menu summary");
    if (!rows.length) return;
    at = Math.min(rows.length - 1, Math.max(0, at + step));
    rows[at].focus();
    rows[at].scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const open = document.activeElement.closest("details.menu[open], details.actions[open]");
      closeMenus(null);
      if (open) one("summary", open).focus();
      return;
    }
    const writing = event.target.closest("textarea[data-run]");
    if (writing && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      writing.form.requestSubmit(one("[data-runs]", writing.form));
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select")) return;
    const does = {
      "/": () => (one("[data-search]") || document.body).focus(),
      j: () => walk(1),
      k: () => walk(-1),
      o: () => one("[data-older]") && one("[data-older]").click(),
      e: () => {
        const row = document.activeElement.closest("tr[data-details-at]");
        if (row) toggleDetails(row);
      },
    }[event.key];
    if (does) {
      event.preventDefault();
      does();
    }
  });
})();
