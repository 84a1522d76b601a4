// Starts DataTables (on window.jQuery) and Vega-Embed on what the page holds; makes no request.
const $ = window.jQuery;

function startTable(table) {
  const rows = table.tBodies[0].rows.length;
  const name = table.dataset.name;
  const buttons = [
    { extend: "copyHtml5", text: "Copy", title: null },
    { extend: "csvHtml5", text: "CSV", filename: name, title: null },
  ];
  $(table).DataTable({
    order: [],
    paging: rows > 60,
    pageLength: 25,
    info: rows > 60,
    searching: rows > 5,
    autoWidth: false,
    layout: {
      topStart: rows > 5 ? "search" : null,
      topEnd: rows > 5 ? { buttons } : null,
      bottomStart: rows > 60 ? "info" : null,
      bottomEnd: rows > 60 ? "paging" : null,
    },
    language: { search: "Filter", searchPlaceholder: "model, status ...", emptyTable: "Nothing here." },
  });
}

// Small multiples: as many in a row as the page is wide; on a phone, legends go below.
function fitted(spec, width) {
  if (!spec.facet) {
    if (width >= 480) return { ...spec, width: Math.min(spec.width, width - 250) };
    const legend = { ...spec.config.legend, orient: "bottom", columns: 2, layout: { bottom: { direction: "vertical" } } };
    return { ...spec, width: width - 110, config: { ...spec.config, legend } };
  }
  const one = spec.spec.width + 58;
  return { ...spec, columns: Math.max(1, Math.floor((width - 30) / one)) };
}

async function startChart(place, specs) {
  const spec = fitted(specs[place.dataset.chart], place.clientWidth);
  await window.vegaEmbed(place, spec, {
    renderer: "svg",
    actions: { export: true, source: false, compiled: false, editor: false },
    downloadFileName: place.dataset.chart,
  });
}

// Paper shows every row.
const paged = () => $("table.report").DataTable();
window.addEventListener("beforeprint", () => paged().page.len(-1).draw(false));
window.addEventListener("afterprint", () => paged().page.len(25).draw(false));

// DataTables has its own dark colours behind a class.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark", dark.matches);
dark.addEventListener("change", follow);
follow();

document.querySelectorAll("table.report").forEach(startTable);
const specs = JSON.parse(document.getElementById("charts").textContent);
for (const place of document.querySelectorAll(".chart")) {
  await startChart(place, specs);
}
document.documentElement.dataset.ready = "yes";
