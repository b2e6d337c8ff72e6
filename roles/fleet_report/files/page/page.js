(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  // The order of a phone's row, as the collection writes it.
  const [HOST, MAC, VENDOR, MODEL, SITE, TENANT, STAGE, FLAGS, CLAIM, GENERATION, TIMES, LAST, ADDRESS, AGENT, PUBLISHED, REDIRECT, ERRORS, UNLOCK] = Array(18).keys();
  const PAGE = 50;
  const STAGES = {
    listed: "in the inventory", redirected: "registered at a redirect service", claimed: "fetched their one-time URL",
    provisioned: "fetched their files at home", current: "have what is published now",
  };
  const LOOK = {
    locked: ["Locked", "the one-time URL was closed by an operator or by wrong PINs", "bad"],
    stuck: ["Stuck", "the one-time URL is spent, and the phone never came home since", "bad"],
    trouble: ["In trouble", "errors since the last contact", "bad"],
    outdated: ["Not current", "last fetched something older than what is published", "warn"],
    silent: ["Silent", "no contact for " + data.silent_days + " days", "warn"],
    drift: ["Redirect drift", "a registration differs from the inventory", "warn"],
    hammering: ["Hammering", "asks more often than the limits allow", "warn"],
    unpublished: ["Not published", "in the inventory, but no server has its files", "warn"],
    disabled: ["Disabled", "phone_enabled is false", ""],
  };
  const STATES = {
    new: "never armed", off: "no one-time URL", armed: "armed", claimed: "claimed, window open", spent: "spent", unlocked: "unlocked, not armed",
    locked: "locked", retired: "retired",
  };

  // Everything on the page is made here, from text: nothing of the data is ever read as HTML.
  // Roles are said outright, since tables that are laid out as cards lose theirs.
  const ROLES = { table: "table", caption: "caption", thead: "rowgroup", tbody: "rowgroup", tr: "row", td: "cell" };
  const h = (tag, attributes, ...children) => {
    const node = document.createElement(tag);
    const role = tag === "th" ? ((attributes || {}).scope === "row" ? "rowheader" : "columnheader") : ROLES[tag];
    if (role) node.setAttribute("role", role);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : String(value));
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== "").map((child) => (child instanceof Node ? child : String(child))));
    return node;
  };
  const name = (text) => h("bdi", {}, text);
  const number = (value) => Number(value).toLocaleString("en");
  const share = (part, whole) => (whole ? Math.round((1000 * part) / whole) / 10 + " %" : "–");
  const two = (value) => String(value).padStart(2, "0");
  const stamp = (seconds) => {
    const at = new Date(seconds * 1000);
    return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
  };
  const parsed = (text) => (text ? Date.parse(text) / 1000 : 0);
  const ago = (seconds) => {
    const age = Date.now() / 1000 - seconds;
    const [value, unit] = [[86400 * 365, "year"], [86400, "day"], [3600, "hour"], [60, "minute"]].map(([size, word]) => [Math.floor(Math.abs(age) / size), word]).find(([count]) => count >= 1) || [0, ""];
    if (!unit) return "just now";
    const text = `${value} ${unit}${value === 1 ? "" : "s"}`;
    return age < 0 ? "in " + text : text + " ago";
  };
  const time = (seconds) => (seconds ? h("time", { datetime: new Date(seconds * 1000).toISOString(), title: new Date(seconds * 1000).toISOString() }, stamp(seconds)) : "");
  const when = (seconds) => (seconds ? h("time", { datetime: new Date(seconds * 1000).toISOString(), title: stamp(seconds) }, ago(seconds)) : "never");
  const quote = (text) => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : "'" + text.replaceAll("'", "'\"'\"'") + "'");
  const flagName = (index) => data.flag_names[index];

  function copyable(command) {
    const code = h("code", {}, command);
    const button = h("button", { type: "button", onclick: async () => {
      try { await navigator.clipboard.writeText(command); button.textContent = "Copied"; } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    } }, "Copy");
    return h("div", { class: "command" }, code, button);
  }

  // columns: {label, cell(row), number, head, mono}
  function table(caption, columns, rows, attributes) {
    const body = rows.map((row) => h("tr", {}, columns.map((column, index) => {
      const content = column.cell(row);
      const empty = content === "" || content === null;
      return h(index || column.plain ? "td" : "th", {
        scope: index || column.plain ? null : "row", "data-label": index ? column.label : null,
        class: [column.number && "number", column.mono && "mono", empty && "empty"].filter(Boolean).join(" ") || null,
      }, content);
    })));
    return h("div", { class: "scroll" }, h("table", { class: "cardy", ...attributes }, h("caption", {}, caption),
      h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col", class: column.number ? "number" : null }, column.label)))), h("tbody", {}, body)));
  }

  // Theme: the system's, until somebody chooses.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const themes = ["auto", "light", "dark"];
  let theme = "auto";
  try { theme = themes.includes(localStorage.getItem("dialtone-theme")) ? localStorage.getItem("dialtone-theme") : "auto"; } catch { /* no storage for files */ }
  const fromAddress = new URLSearchParams(location.hash.slice(1)).get("theme");
  if (themes.includes(fromAddress)) theme = fromAddress;
  function showTheme() {
    document.documentElement.dataset.theme = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
    $("theme").textContent = "Theme: " + theme;
    drawCharts();
  }
  $("theme").addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    try { localStorage.setItem("dialtone-theme", theme); } catch { /* no storage for files */ }
    showTheme();
  });
  dark.addEventListener("change", showTheme);

  const total = data.phones.length;
  const checked = Date.parse(document.lastModified) / 1000;
  $("freshness").append(`${number(total)} phones, as of `, time(data.generated), ` (${ago(data.generated)})`, checked - data.generated > 60 ? `; unchanged when last checked, ${stamp(checked)}` : "", ".");

  const notice = (kind, ...content) => $("notices").append(h("div", { class: "notice " + kind, role: "note" }, content));
  if (data.store.missing) notice("bad", "There is no claim store: nothing is known of one-time URLs and contacts.");
  if (data.store.closed) notice("bad", "The claim store was restored and nobody has confirmed it: all one-time URLs are closed. On the server: ", h("code", {}, "gatectl confirm"));
  if (!data.complete) notice("", "This report covers a part of the inventory; phones outside of it are left out.");
  if (data.problems.length) notice("", `${number(data.problems.length)} phones of the inventory could not be read:`, h("ul", {}, data.problems.slice(0, 50).map((problem) => h("li", {}, name(problem)))));

  // What needs a look; each card filters the phones.
  function cards() {
    const entries = Object.entries(LOOK).filter(([flag]) => data.flags[flag]);
    const certificates = data.servers.flatMap((server) => server.certificates).filter((row) => !row.not_after || parsed(row.not_after) < Date.now() / 1000 + 30 * 86400);
    const made = entries.map(([flag, [label, text, kind]]) => h("button", {
      type: "button", class: "card " + kind, "aria-pressed": String(view.flag === flag),
      onclick: () => { view.flag = view.flag === flag ? "" : flag; $("f-flag").value = view.flag; cards(); show(); $("phones").scrollIntoView(); },
    }, h("b", {}, number(data.flags[flag])), h("span", {}, label), h("small", {}, text)));
    if (data.unknown.length) made.push(h("a", { class: "card warn", href: "#h-unknown" }, h("b", {}, number(data.unknown.length)), h("span", {}, "Unknown"), h("small", {}, "asked and are in no inventory")));
    if (certificates.length) made.push(h("a", { class: "card bad", href: "#h-servers" }, h("b", {}, number(certificates.length)), h("span", {}, "Certificates"), h("small", {}, "end within 30 days, or cannot be read")));
    if (data.left_behind.length) made.push(h("a", { class: "card warn", href: "#h-left" }, h("b", {}, number(data.left_behind.length)), h("span", {}, "Left behind"), h("small", {}, "known to servers, gone from the inventory")));
    const pressed = document.activeElement && document.activeElement.closest("#look") ? [...$("look").children].indexOf(document.activeElement) : -1;
    $("look").replaceChildren(...(made.length ? made : [h("p", { class: "tag good" }, "Nothing: every phone is where it should be.")]));
    if (pressed >= 0 && $("look").children[pressed]) $("look").children[pressed].focus({ preventScroll: true });
  }

  function bar(entry, whole) {
    const node = h("div", { class: "bar", "aria-hidden": "true" });
    data.stages.forEach((stage, index) => {
      const next = index + 1 < data.stages.length ? entry[data.stages[index + 1]] : 0;
      const part = h("i", { class: "s" + index });
      part.style.width = (whole ? (100 * (entry[stage] - next)) / whole : 0) + "%";
      if (entry[stage] - next) node.prepend(part);
    });
    return node;
  }

  function way() {
    const rows = data.funnel.map((entry, index) => {
      const line = h("div", { class: "bar", "aria-hidden": "true" }, h("i", { class: "s" + index }));
      line.firstChild.style.width = (total ? (100 * entry.phones) / total : 0) + "%";
      return h("tr", {}, h("th", { scope: "row" }, h("span", { class: "dot s" + index, "aria-hidden": "true" }), entry.stage), h("td", { class: "number" }, number(entry.phones)),
        h("td", { class: "number" }, share(entry.phones, total)), h("td", {}, line, h("small", { class: "soft" }, STAGES[entry.stage])));
    });
    $("way").append(h("table", { class: "funnel" }, h("caption", {}, "Phones that came at least so far. A phone that came home counts for the stages before, whichever way it took."),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Stage"), h("th", { scope: "col", class: "number" }, "Phones"), h("th", { scope: "col", class: "number" }, "Share"), h("th", { scope: "col" }, "Meaning"))), h("tbody", {}, rows)));
  }

  function fleet() {
    for (const [kind, label] of [["vendor", "Vendor"], ["model", "Model"], ["site", "Site"]]) {
      const rows = data.breakdown[kind];
      const line = (entry) => h("tr", {}, h("th", { scope: "row" }, name(entry.name || "(none)"), bar(entry, entry.listed)), h("td", { class: "number" }, number(entry.listed)), h("td", { class: "number" }, number(entry.current)), h("td", { class: "number" }, number(entry.silent)));
      const body = h("tbody", {}, rows.slice(0, 8).map(line));
      const box = h("div", {}, h("table", {}, h("caption", {}, `By ${kind}`),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, label), ...["Phones", "Current", "Silent"].map((text) => h("th", { scope: "col", class: "number" }, text)))), body));
      if (rows.length > 8) {
        const more = h("button", { type: "button", onclick: () => { body.append(...rows.slice(8).map(line)); more.remove(); } }, `Show all ${number(rows.length)}`);
        box.append(more);
      }
      $("fleet").append(box);
    }
    $("fleet").before(h("ul", { class: "key", "aria-label": "Colours of the bars: the stage that phones have reached" }, data.stages.map((stage, index) => h("li", {}, h("span", { class: "dot s" + index, "aria-hidden": "true" }), stage))));
  }

  // Charts, each with its numbers as a table.
  const DAYS = 30;
  const today = Math.floor(data.generated / 86400);
  const days = Array.from({ length: DAYS }, (_, index) => today - DAYS + 1 + index);
  const lastCalls = days.map(() => 0);
  let older = 0, never = 0;
  for (const row of data.phones) {
    const index = row[LAST] ? Math.floor(row[LAST] / 86400) - days[0] : null;
    if (index === null) never++;
    else if (index < 0) older++;
    else lastCalls[Math.min(index, DAYS - 1)]++;
  }
  const byDay = new Map(data.activity.map((entry) => [Math.floor(parsed(entry.day) / 86400), entry]));
  const charts = [
    { title: "Last contact of phones, by day", note: `${number(older)} before these ${DAYS} days, ${number(never)} never`, series: [["phones", "--s2", lastCalls]] },
    { title: "One-time URLs, by day", note: "events at the gate", series: [
      ["claimed", "--s4", days.map((day) => (byDay.get(day) || {}).claimed || 0)], ["refused", "--bad", days.map((day) => (byDay.get(day) || {}).refused || 0)]] },
  ];
  const dayName = (day) => new Date(day * 86400000).toISOString().slice(0, 10);
  let drawn = [];
  function drawCharts() {
    drawn.forEach((chart) => chart.destroy());
    drawn = [];
    const style = getComputedStyle(document.documentElement);
    const colour = (variable) => style.getPropertyValue(variable).trim();
    charts.forEach((chart) => {
      if (!chart.box) return;
      const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
      const bars = uPlot.paths.bars;
      drawn.push(new uPlot({
        width: Math.max(240, chart.box.clientWidth), height: 200, cursor: { drag: { x: false, y: false } }, padding: [10, 8, 0, 0],
        scales: { x: { time: true, range: () => [(days[0] - 0.6) * 86400, (days[DAYS - 1] + 0.6) * 86400] }, y: { range: (_plot, _low, high) => [0, Math.max(4, Math.ceil(high * 1.1))] } },
        tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
        axes: [{ ...axis, grid: { show: false }, values: [[86400 * 28, "{MMM}", null, null, null, null, null, null, 1], [86400, "{D} {MMM}", null, null, null, null, null, null, 1]], space: 60 },
          { ...axis, size: 46, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000] }],
        series: [{ label: "Day", value: (_plot, at) => (at === null ? "–" : dayName(Math.round(at / 86400))) }, ...chart.series.map(([label, variable], index) => ({
          label, stroke: colour(variable), fill: colour(variable), width: 0, points: { show: false }, paths: bars({ size: [chart.series.length > 1 ? 0.38 : 0.7, 40], align: chart.series.length > 1 ? (index ? 1 : -1) : 0 }),
        }))],
      }, [days.map((day) => day * 86400), ...chart.series.map((entry) => entry[2])], chart.box));
      // What follows the pointer; the numbers are in the table below.
      chart.box.querySelector(".u-legend").setAttribute("aria-hidden", "true");
    });
  }
  function overTime() {
    for (const chart of charts) {
      const sums = chart.series.map(([label, , values]) => `${number(values.reduce((sum, value) => sum + value, 0))} ${label}`).join(", ");
      chart.box = h("div", { class: "chart", role: "img", "aria-label": `${chart.title}, the last ${DAYS} days: ${sums}; ${chart.note}` });
      const numbers = h("details", {}, h("summary", {}, "Numbers"));
      numbers.addEventListener("toggle", () => {
        if (numbers.children.length > 1) return;
        const rows = days.map((day, index) => [dayName(day), ...chart.series.map((entry) => entry[2][index])]).filter((row) => row.slice(1).some(Boolean)).reverse();
        numbers.append(h("table", {}, h("caption", {}, "Days without any are left out"), h("thead", {}, h("tr", {}, ["Day", ...chart.series.map((entry) => entry[0])].map((text, index) => h("th", { scope: "col", class: index ? "number" : null }, text)))),
          h("tbody", {}, rows.map((row) => h("tr", {}, row.map((value, index) => h(index ? "td" : "th", { scope: index ? null : "row", class: index ? "number" : null }, index ? number(value) : value)))))));
      });
      $("time").append(h("div", {}, h("h3", {}, chart.title), h("p", { class: "soft" }, chart.note), chart.box, numbers));
    }
  }

  // The phones: filtered and sorted as a whole, shown by pages.
  const view = { text: "", vendor: "", site: "", stage: "", claim: "", flag: "", sort: HOST, down: false, page: 0, open: new Set() };
  // Made at the first search: not needed for the first look.
  let haystack = null;
  const searchable = () => data.phones.map((row) => [row[HOST], row[MAC], row[MAC].replaceAll(":", ""), row[VENDOR], row[MODEL], row[SITE], row[TENANT], row[ADDRESS], row[AGENT], row[CLAIM]].join("\n").toLowerCase());
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const COLUMNS = [
    ["Phone", HOST], ["Site", SITE], ["Vendor and model", MODEL], ["Stage", STAGE], ["One-time URL", CLAIM], ["Last contact", LAST], ["Needs a look", FLAGS],
  ];
  const sortKey = { [MODEL]: (row) => row[VENDOR] + " " + row[MODEL], [FLAGS]: (row) => row[FLAGS].length };
  let chosen = [];
  function choose() {
    const words = view.text.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length && !haystack) haystack = searchable();
    const flag = data.flag_names.indexOf(view.flag);
    const stage = data.stages.indexOf(view.stage);
    chosen = [];
    data.phones.forEach((row, index) => {
      if (view.vendor && row[VENDOR] !== view.vendor) return;
      if (view.site && row[SITE] !== view.site) return;
      if (stage >= 0 && row[STAGE] !== stage) return;
      if (view.claim && row[CLAIM] !== view.claim) return;
      if (flag >= 0 && !row[FLAGS].includes(flag)) return;
      if (words.every((word) => haystack[index].includes(word))) chosen.push(row);
    });
    const key = sortKey[view.sort] || ((row) => row[view.sort]);
    if (view.sort === HOST && !view.down) return;
    const keyed = chosen.map((row) => [key(row), row]);
    const order = typeof (keyed[0] || [0])[0] === "number" ? (one, other) => one[0] - other[0] : (one, other) => collator.compare(one[0], other[0]);
    keyed.sort(order);
    if (view.down) keyed.reverse();
    chosen = keyed.map((item) => item[1]);
  }

  function details(row, id) {
    const [armed, claimed, from, ended, endedBy] = row[TIMES];
    const facts = [["MAC address", row[MAC]], ["Tenant", row[TENANT]], ["Published", time(row[PUBLISHED])], ["Last contact", row[LAST] ? [time(row[LAST]), ` from ${row[ADDRESS]}`] : "never"], ["User-Agent", row[AGENT]],
      ["One-time URL", `${STATES[row[CLAIM]] || row[CLAIM]}, generation ${row[GENERATION]}`], ["Armed", time(armed)], ["Claimed", claimed ? [time(claimed), ` by ${from}`] : ""], ["Ended", ended ? [time(ended), endedBy ? `: ${endedBy}` : ""] : ""]];
    const list = h("dl", {}, facts.filter(([, value]) => value).map(([label, value]) => [h("dt", {}, label), h("dd", {}, typeof value === "string" ? name(value) : value)]).flat());
    const more = [];
    for (const [account, state, at, msg, drift] of row[REDIRECT]) more.push(h("p", {}, "Redirect account ", name(account), ": ", state || "unknown", at ? [", ", time(at)] : "", msg ? ` (${msg})` : "", drift ? [" ", h("span", { class: "tag warn" }, drift)] : ""));
    for (const [text, requests, at, address, detail, open] of row[ERRORS]) more.push(h("p", {}, h("span", { class: "tag " + (open ? "bad" : "") }, open ? "open" : "over"), " ", text, ` (${number(requests)}×, last `, time(at), ` from ${address}${detail ? ", " + detail : ""})`));
    if (row[UNLOCK]) more.push(h("p", {}, "A new one-time URL, after a factory reset:"), copyable(data.unlock + quote(row[HOST])));
    return h("tr", { class: "details", id }, h("td", { colspan: COLUMNS.length }, list, more.length ? h("div", {}, more) : ""));
  }

  const body = h("tbody");
  const count = h("p", { role: "status", "aria-live": "polite" });
  const before = h("button", { type: "button", onclick: () => turn(-1) }, "Previous");
  const after = h("button", { type: "button", onclick: () => turn(1) }, "Next");
  const where = h("span", { class: "soft" });
  const heads = COLUMNS.map(([label, key]) => h("th", { scope: "col" }, h("button", { type: "button", class: "sort", onclick: () => {
    view.down = view.sort === key ? !view.down : key === LAST || key === FLAGS;
    view.sort = key;
    show();
  } }, label)));
  function turn(by) { view.page += by; draw(); $("phones").scrollIntoView(); }
  function show() { view.page = 0; choose(); draw(); }
  function draw() {
    const pages = Math.max(1, Math.ceil(chosen.length / PAGE));
    view.page = Math.min(Math.max(view.page, 0), pages - 1);
    const rows = [];
    chosen.slice(view.page * PAGE, (view.page + 1) * PAGE).forEach((row, index) => {
      const id = "details-" + index;
      const open = view.open.has(row[MAC]);
      const button = h("button", { type: "button", class: "row-button", "aria-expanded": String(open), "aria-controls": open ? id : null, onclick: () => {
        if (open) view.open.delete(row[MAC]); else view.open.add(row[MAC]);
        draw();
        body.querySelectorAll(".row-button")[index].focus();
      } }, name(row[HOST]));
      const cell = (label, ...content) => h("td", { "data-label": label }, content);
      rows.push(h("tr", { class: open ? "open" : null },
        h("th", { scope: "row" }, button, h("div", { class: "mono soft" }, row[MAC])), cell("Site", name(row[SITE])), cell("Model", name(`${row[VENDOR]} ${row[MODEL]}`)),
        h("td", { "data-label": "Stage", class: "stage" }, h("span", { class: "dot s" + row[STAGE], "aria-hidden": "true" }), data.stages[row[STAGE]]),
        cell("One-time URL", STATES[row[CLAIM]] || row[CLAIM]), cell("Last contact", when(row[LAST])),
        h("td", { "data-label": row[FLAGS].length ? "Needs a look" : null, class: row[FLAGS].length ? null : "empty" }, row[FLAGS].map((flag) => h("span", { class: "tag " + LOOK[flagName(flag)][2] }, LOOK[flagName(flag)][0])))));
      if (open) rows.push(details(row, id));
    });
    body.replaceChildren(...(rows.length ? rows : [h("tr", {}, h("td", { colspan: COLUMNS.length }, "No phone fits."))]));
    heads.forEach((head, index) => (COLUMNS[index][1] === view.sort ? head.setAttribute("aria-sort", view.down ? "descending" : "ascending") : head.removeAttribute("aria-sort")));
    count.textContent = chosen.length === total ? `${number(total)} phones` : `${number(chosen.length)} of ${number(total)} phones`;
    where.textContent = `Page ${number(view.page + 1)} of ${number(pages)}`;
    before.disabled = view.page === 0;
    after.disabled = view.page === pages - 1;
  }
  function select(label, key, values) {
    const node = h("select", { id: "f-" + key, onchange: () => { view[key] = node.value; if (key === "flag") cards(); show(); } }, h("option", { value: "" }, "all"), values.map(([value, text]) => h("option", { value }, text)));
    return h("label", {}, label, node);
  }
  function phones() {
    let waiting = 0;
    const search = h("input", { type: "search", id: "search", placeholder: "name, MAC, model, site, address …", autocomplete: "off", oninput: () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => { view.text = search.value; show(); }, 60);
    } });
    const distinct = (key) => [...new Set(data.phones.map((row) => row[key]))].filter(Boolean).sort(collator.compare).map((value) => [value, value]);
    const reset = h("button", { type: "button", onclick: () => {
      Object.assign(view, { text: "", vendor: "", site: "", stage: "", claim: "", flag: "" });
      search.value = "";
      for (const key of ["vendor", "site", "stage", "claim", "flag"]) $("f-" + key).value = "";
      cards();
      show();
    } }, "Reset");
    $("table").append(
      h("div", { class: "tools", role: "search", "aria-label": "Filter the phones" }, h("label", {}, "Search", search), select("Site", "site", distinct(SITE)), select("Vendor", "vendor", distinct(VENDOR)),
        select("Stage", "stage", data.stages.map((stage) => [stage, stage])), select("One-time URL", "claim", distinct(CLAIM).map(([value]) => [value, STATES[value] || value])),
        select("Needs a look", "flag", data.flag_names.map((flag) => [flag, LOOK[flag][0]])), reset),
      count, h("div", { class: "scroll" }, h("table", { class: "cardy", id: "phone-table" }, h("caption", { class: "hidden" }, "Phones of the inventory; the heads of the columns sort, the name of a phone shows more of it"), h("thead", {}, h("tr", {}, heads)), body)),
      h("nav", { class: "pages", "aria-label": "Pages of phones" }, before, where, after));
  }

  function closed() {
    const rows = data.phones.filter((row) => row[FLAGS].some((flag) => ["locked", "stuck"].includes(flagName(flag))));
    if (!rows.length) { $("s-closed").hidden = true; return; }
    $("closed").append(table(rows.length > 50 ? `The first 50 of ${number(rows.length)}; filter the phones for the others` : "What gives each a new one-time URL; reset the phone to its factory settings then", [
      { label: "Phone", cell: (row) => name(row[HOST]) }, { label: "State", cell: (row) => STATES[row[CLAIM]] || row[CLAIM] },
      { label: "Claimed", cell: (row) => (row[TIMES][1] ? [time(row[TIMES][1]), ` by ${row[TIMES][2]}`] : "") }, { label: "Ended", cell: (row) => (row[TIMES][3] ? [time(row[TIMES][3]), row[TIMES][4] ? `: ${row[TIMES][4]}` : ""] : "") },
      { label: "Command", cell: (row) => (row[UNLOCK] ? copyable(data.unlock + quote(row[HOST])) : "") },
    ], rows.slice(0, 50)));
  }

  function unknown() {
    const totals = data.unknown_requests;
    if (!data.unknown.length) $("unknown").append(h("p", {}, "Nobody asked who is not in the inventory."));
    else $("unknown").append(h("p", {}, "Anybody may name any MAC address: look before you adopt. ", h("code", {}, "ansible-playbook dialtone.phones.unknown"), " writes them as a sheet."),
      table(data.unknown.length > 200 ? `The first 200 of ${number(data.unknown.length)}, seen last first; the JSON file holds all` : "Seen last first", [
        { label: "MAC address", cell: (row) => row.mac, mono: true }, { label: "Vendor and model", cell: (row) => `${row.vendor} ${row.model}`.trim() }, { label: "Address", cell: (row) => row.address },
        { label: "Requests", number: true, cell: (row) => number(row.requests) }, { label: "First", cell: (row) => time(parsed(row.first_at)) }, { label: "Last", cell: (row) => time(parsed(row.last_at)) }, { label: "User-Agent", cell: (row) => name(row.user_agent) },
      ], data.unknown.slice(0, 200)));
    $("unknown").append(h("p", { class: "soft" }, `${number(totals.total)} requests belonged to no phone`, totals.not_kept ? `; ${number(totals.not_kept)} named MAC addresses that did not fit into the table` : "", "."));
  }

  function servers() {
    const refused = Object.entries(data.claims_refused).map(([reason, amount]) => `${reason} ${number(amount)}`).join(", ");
    $("servers").append(
      table("Published releases", [
        { label: "Server", cell: (row) => name(row.name) }, { label: "Release", cell: (row) => row.release || "none", mono: true }, { label: "Published", cell: (row) => time(parsed(row.published_at)) }, { label: "Phones", number: true, cell: (row) => number(row.phones) },
      ], data.servers),
      h("br"),
      table("Certificates", [
        { label: "Server", cell: (row) => name(row.server) }, { label: "Use", cell: (row) => ({ server: "of the server", clients: "signs phones", authority: "signs the server's" })[row.use] || row.use }, { label: "Subject", cell: (row) => name(row.subject) },
        { label: "Ends", cell: (row) => {
          const end = parsed(row.not_after);
          if (!end) return h("span", { class: "tag bad" }, row.msg || "cannot be read");
          const left = end - Date.now() / 1000;
          return [time(end), " ", h("span", { class: "tag " + (left < 14 * 86400 ? "bad" : left < 30 * 86400 ? "warn" : "good") }, ago(end))];
        } }, { label: "File", cell: (row) => row.file, mono: true },
      ], data.servers.flatMap((server) => server.certificates.map((row) => ({ ...row, server: server.name })))),
      h("p", { class: "soft" }, refused ? `Refused at one-time URLs of known phones: ${refused}.` : "No request at a one-time URL of a known phone was refused."));
  }

  function left() {
    if (!data.left_behind.length) { $("s-left").hidden = true; return; }
    $("left").append(table("Gone from the inventory, and servers or redirect services still know them; site.yml or decommission.yml takes them away", [
      { label: "MAC address", cell: (row) => row.mac, mono: true }, { label: "Was", cell: (row) => name(row.host) }, { label: "Files", cell: (row) => (row.published ? "still published" : "") }, { label: "One-time URL", cell: (row) => STATES[row.claim] || row.claim }, { label: "Registered with", cell: (row) => row.registered_with.join(", ") },
    ], data.left_behind));
  }

  // First what people come for; the rest when that can be seen and used.
  document.documentElement.dataset.theme = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
  phones();
  cards();
  way();
  show();
  document.documentElement.dataset.usable = Math.round(performance.now());
  setTimeout(() => {
    fleet();
    overTime();
    closed();
    unknown();
    servers();
    left();
    showTheme();
    const watcher = new ResizeObserver(() => {
      drawn.forEach((plot, index) => {
        const width = Math.max(240, charts[index].box.clientWidth);
        if (Math.abs(width - plot.width) > 1) plot.setSize({ width, height: plot.height });
      });
    });
    charts.forEach((chart) => watcher.observe(chart.box));
    document.documentElement.dataset.ready = Math.round(performance.now());
  }, 0);
})();
