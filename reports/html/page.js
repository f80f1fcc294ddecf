"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  for (const tools of all(".tools")) tools.hidden = false;

  // --- Light and dark ---
  const theme = document.getElementById("theme");
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark"
                                        : matchMedia("(prefers-color-scheme: dark)").matches;
  const say = () => { theme.textContent = dark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; say(); });
  say();

  // --- Filters: rows by the name of their method, boards by dataset and direction ---
  const filter = document.getElementById("filter");
  const found = document.getElementById("found");
  const choices = all("select[data-filter]");
  const named = new Map();
  for (const row of all("tbody tr")) {
    const name = row.querySelector("th[scope=row]");
    if (name && row.closest(".board") && !row.closest(".pair")) named.set(row, name.textContent.toLowerCase());
  }
  for (const row of all("details.row")) named.set(row, row.querySelector("summary").textContent.toLowerCase());
  const apply = () => {
    const wanted = filter.value.trim().toLowerCase();
    let shown = 0;
    for (const [row, name] of named) {
      const hidden = wanted !== "" && !name.includes(wanted);
      if (row.hidden !== hidden) row.hidden = hidden;
      if (!hidden && row.closest(".cards")) ++shown;
    }
    for (const part of all("[data-dataset], [data-direction]")) {
      part.hidden = choices.some(choice => {
        const has = part.dataset[choice.dataset.filter];
        return choice.value !== "" && has !== undefined && has !== choice.value;
      });
    }
    found.textContent = wanted === "" ? "" : shown + (shown === 1 ? " row" : " rows");
  };
  filter.addEventListener("input", apply);
  for (const choice of choices) choice.addEventListener("change", apply);

  // --- What is folded on the screen is not on paper ---
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    folded.forEach(part => { part.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach(part => { part.open = false; }));

  // --- Sorting: rows without a value stay at the end in both directions; the order as written is the third state ---
  const key = (row, column) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
  for (const table of all("table.sortable")) {
    const body = table.tBodies[0];
    const written = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (head.dataset.plain !== undefined) return;
      const button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) button.append(head.firstChild);
      head.append(button);
      button.addEventListener("click", () => {
        const before = head.getAttribute("aria-sort");
        heads.forEach(other => other.removeAttribute("aria-sort"));
        table.classList.toggle("resorted", before !== "ascending");
        if (before === "ascending") { body.append(...written); return; }
        const sign = before === "descending" ? 1 : -1;
        head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
        const keys = new Map(written.map(row => [row, key(row, column)]));
        const number = [...keys.values()].every(text => text === "" || !isNaN(text));
        body.append(...[...written].sort((a, b) => {
          const x = keys.get(a), y = keys.get(b);
          if (x === "" || y === "") return (x === "") - (y === "");
          return sign * (number ? x - y : x < y ? -1 : x > y ? 1 : 0);
        }));
      });
    });
  }

  // --- Where the reader is ---
  const links = new Map(all(".contents a").map(link => [link.getAttribute("href").slice(1), link]));
  const watcher = new IntersectionObserver(entries => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const [id, link] of links) {
        if (id === entry.target.id) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
      }
    }
  }, { rootMargin: "-10% 0px -80% 0px" });
  for (const id of links.keys()) watcher.observe(document.getElementById(id));

  // --- Any pair of rows, clip by clip: as html/pair.cpp writes it for the pair in the page ---
  const make = (tag, attributes, ...content) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...content);
    return element;
  };
  // As the program rounds: exact halves to even. A half of the last of 0 or 1 decimals is an odd number of halves or quarters.
  const rounded = (value, digits) => {
    if (value * (digits === 0 ? 2 : 4) % 2 !== 1) return value.toFixed(digits);
    const low = Math.floor(value * 10 ** digits);
    return ((low + low % 2) / 10 ** digits).toFixed(digits);
  };
  const fixed = value => { const text = rounded(Math.abs(value), 1); return (value < 0 && text !== "0.0" ? "−" : "") + text; };
  const signed = value => (value > 0 && fixed(value) !== "0.0" ? "+" : "") + fixed(value);
  const number = text => make("td", { class: "number" }, String(text));
  const part = (title, css, caption, head, rows) => make("div", { class: "part" }, make("h4", {}, title),
    make("div", { class: "scroll", role: "group", tabindex: "0", "aria-label": title },
      make("table", { class: css }, make("caption", {}, caption),
        make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows))));
  const column = (text, css) => make("th", css ? { scope: "col", class: css } : { scope: "col" }, String(text));
  const side = text => make("th", { scope: "row" }, String(text));
  const stable = (list, by) => list.sort((a, b) => by(b) - by(a));

  function matrix(data, row) {
    const counts = new Map(), sums = new Map();
    for (let i = 0; i < row.confusion.length; i += 3) {
      const [label, predicted, clips] = row.confusion.slice(i, i + 3);
      counts.set(label * data.classes + predicted, clips);
      sums.set(label, (sums.get(label) ?? 0) + clips);
    }
    const numbers = [...Array(data.classes).keys()];
    return part("Confusion, " + row.name, "matrix", "% of the true class (row) named as each class (column)",
      [make("td", {}), ...numbers.map(one => column(one))],
      numbers.map(label => make("tr", {}, side(label), ...numbers.map(predicted => {
        const clips = counts.get(label * data.classes + predicted);
        const share = clips === undefined ? 0 : clips / sums.get(label);
        const cell = make("td", label === predicted ? { class: "diagonal" } : {}, clips === undefined ? "" : rounded(100 * share, 0));
        cell.style.setProperty("--share", share.toFixed(2));
        return cell;
      }))));
  }
  function errors(row) {
    const wrong = [];
    for (let i = 0; i < row.confusion.length; i += 3) {
      if (row.confusion[i] !== row.confusion[i + 1]) wrong.push(row.confusion.slice(i, i + 3));
    }
    return part("Confusion, " + row.name, "narrow", "The most frequent errors, over all seeds",
      [column("True class"), column("named"), column("Clips", "number")],
      stable(wrong, one => one[2]).slice(0, 12).map(one => make("tr", {}, side(one[0]), make("td", {}, String(one[1])), number(one[2]))));
  }
  function show(data, a, b, place) {
    const right = (row, i) => parseInt(row.right[i], 36);
    const classes = new Map();
    const clips = [];
    let wins = 0;
    data.labels.forEach((label, i) => {
      const one = classes.get(label) ?? { label, clips: 0, a: 0, b: 0 };
      classes.set(label, one);
      one.clips += 1; one.a += right(a, i); one.b += right(b, i);
      const difference = right(a, i) * b.seeds - right(b, i) * a.seeds;
      if (difference !== 0) clips.push({ i, difference: Math.abs(difference) });
      if (difference > 0) ++wins;
    });
    const strong = content => make("b", {}, content);
    const counts = make("p", {}, `Of ${data.labels.length} clips, `, strong(make("bdi", {}, a.name)), " is right more often on ", strong(String(wins)), ", ",
      strong(make("bdi", {}, b.name)), " on ", strong(String(clips.length - wins)), `; on ${data.labels.length - clips.length} they are equally often right.`);
    const table = [...classes.values()].sort((x, y) => x.label - y.label);
    for (const one of table) { one.a /= one.clips * a.seeds; one.b /= one.clips * b.seeds; }
    const byClass = part("By class", "narrow", "Recognised clips of a class, %; at most 24 classes, those that differ most first",
      [column("Class"), column("Clips", "number"), column(a.name, "number"), column(b.name, "number"), column("Difference", "number")],
      stable(table, one => Math.abs(one.a - one.b)).slice(0, 24).map(one => {
        const difference = number(signed(100 * (one.a - one.b)));
        if (one.a !== one.b) difference.classList.add(one.a > one.b ? "gain" : "loss");
        return make("tr", {}, side(one.label), number(one.clips), number(fixed(100 * one.a)), number(fixed(100 * one.b)), difference);
      }));
    const list = part("Clips on which they differ most", "", "Seeds that named the clip’s class; the 20 that differ most",
      [column("Clip"), column("Source"), column("Class", "number"), column(a.name, "number"), column(b.name, "number")],
      stable(clips, one => one.difference).slice(0, 20).map(({ i }) => make("tr", {}, side(data.clips[i]),
        make("td", {}, data.groups[i]), number(data.labels[i]), number(`${right(a, i)} of ${a.seeds}`), number(`${right(b, i)} of ${b.seeds}`))));
    const confusion = row => data.classes <= 16 ? matrix(data, row) : errors(row);
    place.replaceChildren(counts, make("div", { class: "parts" }, byClass, confusion(a), confusion(b), list));
  }
  for (const pair of all(".pair")) {
    const source = pair.querySelector("script");
    if (!source) continue;
    let data;
    const first = pair.querySelector(".pair-A"), second = pair.querySelector(".pair-B");
    const redraw = () => {
      data ??= JSON.parse(source.textContent);
      show(data, data.rows[first.value], data.rows[second.value], pair.querySelector(".pair-shown"));
    };
    first.addEventListener("change", redraw);
    second.addEventListener("change", redraw);
  }
})();
