"use strict";
// Shows the details of a mark or an entry in a side sheet, and moves the focus within maps and tables with the arrow keys.
// Without this script the page shows everything but the sheets.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const sheet = document.getElementById("sheet");
  const body = document.getElementById("sheet-body");
  const title = document.getElementById("sheet-title");

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  const fill = (...parts) => body.replaceChildren(...parts.filter((part) => part !== null));
  const digits = (value) => value.toFixed(3);
  const percent = (value) => `${Math.round(100 * value)} %`;

  function table(caption, heads, rows) {
    const head = make("tr", {}, ...heads.map((text, i) => make("th", { scope: "col", class: i ? "number" : "" }, text)));
    const lines = rows.map((row) =>
      make("tr", {}, ...row.map((cell, i) => (i ? make("td", { class: "number" }, cell) : make("th", { scope: "row" }, cell)))));
    const whole = make("table", {}, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, ...lines));
    return make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption }, whole);
  }

  function bar(value) {
    const mark = make("span", { class: "bar", "aria-hidden": "true" });
    mark.style.setProperty("--value", value);
    return make("span", { class: "with-bar" }, mark, digits(value));
  }

  function showEntry(entry) {
    title.textContent = entry.title;
    const [mean, low, high] = entry.iia;
    const ceiling = entry.one_directional === null ? "" : `, one-directional ${digits(entry.one_directional)}`;
    const verdicts = data.verdicts.filter((verdict) =>
      verdict.group === entry.group && verdict.site === entry.site && entry.variables.includes(verdict.variable));
    fill(
      make("p", { class: "soft" }, entry.description),
      make("p", { class: "effect" }, make("strong", {}, digits(mean)), ` IIA, mean over ${entry.networks.length} networks`),
      make("p", {}, `95 % interval ${digits(low)} to ${digits(high)}; networks from ${digits(entry.range[0])} to ` +
        `${digits(entry.range[1])}. Chance levels: no effect ${digits(entry.no_effect)}${ceiling}.`),
      table("Transitions: old value → new value", ["exchanged", "transition", "IIA", "worst network", "interventions each"], entry.cells.map(
        ([kind, change, value, worst, count]) => [kind, change, bar(value), digits(worst), String(count)])),
      table("Starts and restarts", ["start", "searches", "best in", "near the best", "mean IIA", "best"], entry.starts.map(
        ([start, count, won, near, value, best]) =>
          [start, String(count), String(won), percent(near), digits(value), digits(best)])),
      entry.agreement === null ? null
        : make("p", {}, `Restarts near the best share ${percent(entry.agreement)} of its directions.`),
      table("Networks", ["network", "IIA", "answers that change", "best start", "outcome"], entry.networks.map(
        ([name, value, changed, start, outcome]) => [name, bar(value), percent(changed), start, outcome])),
      verdicts.length ? make("h3", {}, "Verdicts at this site") : null,
      verdicts.length ? make("ul", { class: "plain" }, ...verdicts.map((verdict) => {
        const link = make("button", { type: "button", class: "link" }, `${verdict.network}, ${verdict.variable}: ${verdict.word}`);
        link.addEventListener("click", () => showVerdict(verdict));
        return make("li", {}, link);
      })) : null,
    );
  }

  function showVerdict(verdict) {
    title.textContent = `${verdict.network} · ${verdict.variable} at ${verdict.site}`;
    const [value, low, high] = verdict.effect;
    const says = { true: "for", false: "against", null: "open" };
    fill(
      make("p", { class: "effect" }, make("strong", {}, digits(value)), ` IIA [${digits(low)}, ${digits(high)}], ${verdict.featurizer}`),
      make("p", {}, make("span", { class: `word ${verdict.word}` }, verdict.word), ` ${verdict.says}`),
      ...verdict.notes.map((text) => make("p", {}, text)),
      make("h3", {}, "Evidence"),
      make("dl", { class: "evidence" }, ...verdict.evidence.flatMap(([control, text, passes]) => [
        make("dt", {}, make("span", { class: `says ${says[passes]}` }, says[passes]), ` ${control}`), make("dd", {}, text)])),
      verdict.missing_evidence.length ? make("h3", {}, "What would decide it") : null,
      verdict.missing_evidence.length ? make("ul", {}, ...verdict.missing_evidence.map((text) => make("li", {}, text))) : null,
    );
    sheet.scrollTop = 0;
  }

  function open(button) {
    if (button.dataset.entry) showEntry(data.entries[Number(button.dataset.entry)]);
    else showVerdict(data.verdicts[Number(button.dataset.verdict)]);
    sheet.showModal();
    sheet.scrollTop = 0;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-entry], button[data-verdict]");
    if (button) open(button);
    else if (event.target === sheet || event.target.closest("#sheet-close")) sheet.close();
  });

  for (const grid of document.querySelectorAll("table[data-grid]")) {
    const rows = [...grid.rows].map((row) => [...row.querySelectorAll("button")]).filter((row) => row.length);
    rows.flat().forEach((button, i) => { button.tabIndex = i ? -1 : 0; });
    grid.addEventListener("keydown", (event) => {
      const row = rows.findIndex((buttons) => buttons.includes(event.target));
      if (row < 0) return;
      const place = rows[row].indexOf(event.target);
      const near = (buttons) => buttons && buttons[Math.min(place, buttons.length - 1)];
      const to = { ArrowLeft: rows[row][place - 1], ArrowRight: rows[row][place + 1], ArrowUp: near(rows[row - 1]),
        ArrowDown: near(rows[row + 1]), Home: rows[row][0], End: rows[row].at(-1) }[event.key];
      if (!to) return;
      event.preventDefault();
      event.target.tabIndex = -1;
      to.tabIndex = 0;
      to.focus();
    });
  }

  window.addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details")) part.open = true;
  });
})();
