// Starts DataTables (on window.jQuery) and Vega-Embed on the data embedded in the page; makes no network request.
const $ = window.jQuery;
const data = JSON.parse(document.getElementById("embedded").textContent);
const root = document.documentElement;

// Elements are built from text, never from markup: no name in a result can become code.
function element(tag, children = [], props = {}) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...[children].flat().filter((child) => child !== null));
  return node;
}

// ---- tables

// The rows of all variants come from the page's data; DataTables creates their cells when they are shown.
const asText = $.fn.dataTable.render.text();
const text = (place) => ({ data: place, render: asText });
const number = (place) => ({
  data: (row, kind) => row[place][kind === "sort" || kind === "type" ? 1 : 0],
  className: "n",
});
const marked = (cell, status) => cell.replaceChildren(element("span", status, { className: status === "ok" ? "" : status === "skipped" ? "tag" : "tag bad" }));
const opener = (cell, name, row, place) => {
  const button = element("button", name, { type: "button", className: "proof" });
  Object.assign(button.dataset, { proof: place, title: titleOf(row) });
  cell.replaceChildren(button);
};
const titleOf = (row) => `${row[0]} on ${row[1]}` + (row[2] === "none" ? "" : `, ${row[2]}`);
const VARIANTS = [
  { ...text(0), cellType: "th", createdCell: opener }, text(1), text(2), { ...text(3), className: "n" },
  { ...text(4), createdCell: marked }, ...[5, 6, 7, 8, 9, 10].map(number),
];

// Exports hold the number itself where the cell has one, else its text.
const wordsOf = (node) => node.innerText.replace(/\s+/g, " ").trim();
const plain = (content, row, column, cell) => cell?.dataset.order || (cell ? wordsOf(cell) : String(content));
const title = (content, column, head) => wordsOf(head.querySelector(".dt-column-title"));

function startTable(table) {
  const name = table.dataset.name;
  const stored = table.dataset.rows === "variants" ? data.variants : null;
  const rows = stored ? stored.length : table.tBodies[0].rows.length;
  const many = rows > 5;
  const format = { body: plain, header: title };
  const csv = { exportOptions: { format }, fieldSeparator: ",", fieldBoundary: '"', escapeChar: '"', title: null };
  const buttons = [
    { extend: "copyHtml5", text: "Copy as CSV", ...csv },
    { extend: "csvHtml5", text: "Save", filename: name, ...csv },
  ];
  const words = [...table.tHead.rows[0].cells].flatMap((head, place) => (head.classList.contains("n") ? [] : [place]));
  const started = $(table).DataTable({
    order: [],
    autoWidth: false,
    deferRender: true,
    paging: rows > 60,
    pageLength: 25,
    info: rows > 60,
    searching: many,
    rowGroup: table.dataset.group ? groupedBy(Number(table.dataset.group)) : false,
    columnDefs: many ? [{ targets: words, columnControl: [["searchList"]] }] : [],
    layout: {
      topStart: many ? "search" : null,
      topEnd: many ? { buttons } : null,
      bottomStart: rows > 60 ? "info" : null,
      bottomEnd: rows > 60 ? "paging" : null,
    },
    language: { search: "Search", searchPlaceholder: "in this table", emptyTable: "No rows." },
    ...(stored ? { data: stored, columns: VARIANTS } : {}),
  });
  if (table.dataset.group) groupWhileUnsorted(started, Number(table.dataset.group));
  scrollInside(table);
}

const groupedBy = (place) => ({
  dataSrc: place,
  startRender: (rows) => element("span", rows.nodes()[0].cells[place].textContent),
});

// Rows are grouped by family until the table is sorted by another column.
function groupWhileUnsorted(table, place) {
  table.on("order", () => {
    const order = table.order();
    table.rowGroup().enable(order.length === 0 || order[0][0] === place);
  });
}

// Only the table scrolls, below its search and buttons; its head and first column stay in view.
function scrollInside(table) {
  const outer = table.closest(".scroll"), inner = table.parentElement;
  for (const name of ["tabindex", "role", "aria-label"]) {
    inner.setAttribute(name, outer.getAttribute(name));
    outer.removeAttribute(name);
  }
  outer.classList.replace("scroll", "held");
  inner.classList.add("scroll");
}

// ---- plots

// Small multiples: as many per row as fit the page's width; on a phone, legends go below.
function fitted(spec, width) {
  if (spec.facet) {
    const one = spec.spec.width + 58;
    return { ...spec, columns: Math.max(1, Math.floor((width - 30) / one)) };
  }
  if (width >= 480) return { ...spec, width: Math.min(spec.width, width - (spec.padding ? 330 : 250)) };
  const legend = { ...spec.config.legend, orient: "bottom", columns: 2, layout: { bottom: { direction: "vertical" } } };
  const padding = spec.padding && { ...spec.padding, left: 100, right: 100 };
  const inner = Math.min(spec.width, width - (padding ? 210 : 110));
  return { ...spec, width: inner, config: { ...spec.config, legend }, ...(padding && { padding }) };
}

async function startChart(place) {
  const key = place.dataset.chart, { spec, columns, rows } = data.charts[key];
  const values = rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at]])));
  const whole = { ...spec, config: data.config, data: { values } };
  await window.vegaEmbed(place, fitted(whole, place.clientWidth), {
    renderer: "svg",
    actions: { export: true, source: false, compiled: false, editor: false },
    downloadFileName: key,
  });
  place.querySelector("summary").setAttribute("aria-label", "Save this plot");
}

// ---- the proof of a number

const seconds = (value) => (value === null ? "not recorded" : `${value.toPrecision(3)} s`);
const memory = (value) => (value === null ? "not recorded" : value < 1e9 ? `${Math.round(value / 1e6)} MB` : `${(value / 1e9).toPrecision(3)} GB`);
const nameOf = (row) => [row[1], row[0], row[3], ...(row[2] === "none" ? [] : [row[2]])].join("/");
const rowsOf = (button) => button.dataset.proof.split(" ").map((place) => data.variants[place]);

function jobsOf(row) {
  const { columns, jobs, variants } = data.proofs;
  return variants[nameOf(row)].jobs.map((place) => Object.fromEntries(columns.map((name, at) => [name, jobs[place][at]])));
}
const codeOf = (job) => {
  const { commit, dirty } = data.proofs.code[job.code];
  return commit ? `${commit.slice(0, 12)}${dirty ? ", with uncommitted changes" : ", clean"}` : "not recorded";
};
const hostOf = (job) => {
  const host = data.proofs.host[job.host];
  if (!host) return "not recorded";
  const parts = [host.processor, host.cores && `${host.cores} cores`, host.memory_bytes && `${memory(host.memory_bytes)} of memory`];
  return `${host.name ?? ""}: ${[...parts, (host.features ?? []).join(" "), ...(host.accelerators ?? [])].filter(Boolean).join(", ")}`;
};

function hintOf(button) {
  const rows = rowsOf(button), last = jobsOf(rows[0]).at(-1);
  const lines = rows.map((row) => `seed ${row[3]}: ${row[4] === "ok" ? row[5][0] : row[4]}, trained in ${row[7][0]}`);
  const [size, , peak, latency] = rows[0].slice(6);
  lines.push(`${size[0]} on disk, ${latency[0]} ms at batch 1, peak memory ${peak[0]}`);
  lines.push(`commit ${codeOf(last)}; ${hostOf(last)}`);
  return lines.map((line) => element("div", line));
}

function facts(pairs) {
  return element("dl", pairs.flatMap(([name, value]) => [element("dt", name), element("dd", value)]), { className: "facts" });
}
const collapsible = (name, value) =>
  element("details", [element("summary", name), element("pre", JSON.stringify(value, null, 1))]);

function jobFacts(job) {
  const software = data.proofs.software[job.software];
  return [
    element("h4", `${job.phase}: ${job.status}`),
    facts([
      ["Commit", codeOf(job)], ["Host", hostOf(job)],
      ["Seconds", seconds(job.seconds)], ["Peak memory", memory(job.peak_memory_bytes)],
      ["Finished", job.finished ?? "not recorded"],
      ["Lock", element("code", software?.lock ?? "not recorded")],
    ]),
    collapsible("Parameters", data.proofs.spec[job.spec]),
    collapsible("SHA-256 of the data it read", data.proofs.data[job.data]),
    collapsible("SHA-256 of the files it wrote", job.files),
    collapsible("Versions of packages", { python: software?.python, ...software?.packages }),
  ];
}

function proofOf(row, open) {
  const { commands, source } = data.proofs.variants[nameOf(row)];
  const summary = element("summary", `Seed ${row[3]}: ${row[4]}${row[4] === "ok" ? `, ${row[5][0]}` : ""}`);
  const from = source ? [element("p", `Compressed from ${source}.`)] : [];
  const again = [element("h4", "Commands that reproduce it"), element("pre", commands.join("\n"))];
  return element("details", [summary, ...again, ...from, ...jobsOf(row).flatMap(jobFacts)], { open });
}

const dialog = document.getElementById("proof"), hint = document.getElementById("hint");
function showProof(button) {
  hideHint();
  document.getElementById("proof-title").textContent = button.dataset.title;
  document.getElementById("proof-body").replaceChildren(...rowsOf(button).map((row, place) => proofOf(row, place === 0)));
  dialog.showModal();
}
let hinted = null;
function showHint(button) {
  hideHint();
  hinted = button;
  button.setAttribute("aria-describedby", "hint");
  hint.replaceChildren(...hintOf(button));
  hint.hidden = false;
  placeHint();
}
function placeHint() {
  if (!hinted) return;
  const at = hinted.getBoundingClientRect(), size = hint.getBoundingClientRect();
  const below = at.bottom + size.height + 8 < window.innerHeight;
  hint.style.top = `${below ? at.bottom + 2 : Math.max(4, at.top - size.height - 2)}px`;
  hint.style.left = `${Math.max(4, Math.min(at.left, window.innerWidth - size.width - 8))}px`;
}
function hideHint() {
  hinted?.removeAttribute("aria-describedby");
  hinted = null;
  hint.hidden = true;
}
const proofAt = (event) => event.target.closest?.("button.proof");
for (const name of ["mouseover", "focusin"]) {
  document.addEventListener(name, (event) => proofAt(event) && showHint(proofAt(event)));
}
document.addEventListener("mouseout", (event) => proofAt(event) && !hint.contains(event.relatedTarget) && hideHint());
document.addEventListener("focusout", hideHint);
document.addEventListener("scroll", placeHint, { capture: true, passive: true });
hint.addEventListener("mouseleave", hideHint);
document.addEventListener("keydown", (event) => event.key === "Escape" && hideHint());
document.addEventListener("click", (event) => {
  if (proofAt(event)) showProof(proofAt(event));
  if (event.target === dialog) dialog.close();
  if (event.target.closest("[popover] a")) event.target.closest("[popover]").hidePopover();
});

// ---- the page

// DataTables has its own dark colours behind a class.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => root.classList.toggle("dark", dark.matches);
dark.addEventListener("change", follow);
follow();

// Tables and charts near the viewport start first, the others when the browser is idle.
const waiting = new Set(document.querySelectorAll("table.report, .chart"));
async function start(place) {
  if (!waiting.delete(place)) return;
  if (place.tagName === "TABLE") startTable(place);
  else await startChart(place);
}
const near = new IntersectionObserver(
  (seen) => seen.filter((each) => each.isIntersecting).forEach((each) => start(each.target)),
  { rootMargin: "600px" },
);
const idle = () => new Promise((done) => requestIdleCallback(done, { timeout: 2000 }));

// A print shows every row and all details.
window.addEventListener("beforeprint", () => {
  waiting.forEach(start);
  document.querySelectorAll("main details").forEach((each) => (each.open = true));
  $("table.report").DataTable().page.len(-1).draw(false);
});
window.addEventListener("afterprint", () => $("table.report").DataTable().page.len(25).draw(false));

const first = document.querySelector("table.matrix");
if (first) await start(first);
root.dataset.ready = "yes";
waiting.forEach((place) => near.observe(place));
while (waiting.size) {
  await idle();
  await start(waiting.values().next().value);
}
root.dataset.drawn = "yes";
