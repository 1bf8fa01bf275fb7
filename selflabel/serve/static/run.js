"use strict";

// The run at a glance, read only. What comes from the server is data: it is set as text, never as markup.

const REFRESH = 5000;  // ms between two looks, while the page can be seen
const $ = (id) => document.getElementById(id);
const filters = $("filters");
let shown = "";        // what the overview was drawn from
let pageNumber = 0;

function drawn(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

async function load(address) {
  const response = await fetch(address, { cache: "no-store" });
  const data = await response.json();
  if (!response.ok) throw new Error(data.error);
  return data;
}

async function refresh() {
  try {
    const data = await load("/api/run");
    $("trouble").textContent = data.message ?? "";
    const text = JSON.stringify(data);
    if (data.n_images !== undefined && text !== shown) {
      shown = text;
      overview(data);
      await gallery();
    }
  } catch (error) {
    $("trouble").textContent = `The server cannot be asked: ${error.message}`;
  }
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const count = (number) => number.toLocaleString("en");

function overview(data) {
  const counts = {
    "labelled": `${count(data.n_labelled)} of ${count(data.n_images)}`, "asked": count(data.n_asked),
    "certified": count(data.n_certified), "seed": count(data.origins.seed), "by people": count(data.origins.human),
    "by machine": count(data.origins.machine),
  };
  $("counts").replaceChildren(...Object.entries(counts).map(([name, value]) => {
    const box = element("div");
    box.append(element("dt", name), element("dd", value));
    return box;
  }));
  const rounds = data.rounds;
  $("stop").textContent = data.stop === "no" ? "" : `Ended by: ${data.stop.replaceAll("_", " ")}`;
  $("curves").replaceChildren(plot(rounds.round, [
    { values: rounds.labelled, name: "images with a label", colour: "blue" },
    { values: rounds.accuracy, name: `right of the ${rounds.accuracy_of}`, colour: "orange" },
  ], "round"));
  $("rounds-table").replaceChildren(table(
    ["round", "labelled", "human labels", rounds.accuracy_of],
    rounds.round.map((number, i) => [number, percent(rounds.labelled[i]), count(rounds.human_labels[i]),
                                     rounds.accuracy[i] === null ? "–" : percent(rounds.accuracy[i])])));
  const sentences = data.certificate.length ? data.certificate : ["There is no audit yet: it comes after the rounds."];
  $("certificate").replaceChildren(...sentences.map((sentence) => element("li", sentence)));
  $("shares").replaceChildren();
  if (data.shares.coverage && data.shares.n_audited.some((n) => n > 0)) {
    const share = data.shares;
    const wrong = share.n_wrong.map((n, i) => (share.n_audited[i] ? n / share.n_audited[i] : null));
    $("shares").append(plot(share.coverage, [
      { values: share.error_at_most, name: "at most wrong, each share by itself", colour: "orange" },
      { values: wrong, name: "wrong in the audit", colour: "blue" },
      { values: share.coverage.map(() => data.target), name: "audit.error", colour: "green", dashed: true },
    ], "share of the machine labels, most confident first"));
  }
  $("classes").replaceChildren(table(
    ["class", "by machine", "share", "by people", "wrong at most"],
    data.classes.map((of) => [of.name, count(of.machine), percent(of.machine / Math.max(1, data.origins.machine)),
                              count(of.human), of.error_at_most === null ? "–" : percent(of.error_at_most)])));
  choices("class", data.classes.map((of) => of.name));
}

function table(header, rows) {
  const made = element("table");
  const head = element("tr");
  head.append(...header.map((name) => element("th", name, { scope: "col" })));
  const body = rows.map((cells) => {
    const row = element("tr");
    row.append(...cells.map((cell) => element("td", cell, { dir: "auto" })));
    return row;
  });
  made.append(head, ...body);
  return made;
}

// Lines over x, from 0 to the largest value of y; null is a gap.
function plot(x, lines, label) {
  const width = 640, height = 240, left = 44, bottom = 34, top = 10 + 16 * lines.length, right = 10;
  const all = lines.flatMap((line) => line.values).filter((value) => value !== null);
  const most = Math.max(...all, 0.01) > 0.5 ? 1 : Math.max(...all, 0.01) * 1.1;
  const [first, last] = [Math.min(...x, 0), Math.max(...x, 1)];
  const at = (value) => left + ((value - first) / (last - first || 1)) * (width - left - right);
  const up = (value) => height - bottom - (value / most) * (height - bottom - top);
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
                             "aria-label": `${lines.map((line) => line.name).join(", ")}, by ${label}` });
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    svg.append(drawn("line", { class: "grid", x1: left, x2: width - right, y1: up(part * most), y2: up(part * most) }),
               drawn("text", { x: left - 6, y: up(part * most) + 4, "text-anchor": "end" }, percent(part * most)));
  }
  svg.append(drawn("line", { class: "axis", x1: left, x2: width - right, y1: up(0), y2: up(0) }));
  for (const value of x.length > 12 ? [x[0], x[x.length >> 1], x.at(-1)] : x) {
    svg.append(drawn("text", { x: at(value), y: height - bottom + 14, "text-anchor": "middle" }, Math.round(100 * value) / 100));
  }
  svg.append(drawn("text", { x: width / 2, y: height - 4, "text-anchor": "middle" }, label));
  lines.forEach((line, n) => {
    const points = line.values.flatMap((value, i) => (value === null ? [] : [`${at(x[i])},${up(value)}`]));
    svg.append(drawn("polyline", { class: `${line.colour}${line.dashed ? " dashed" : ""}`, points: points.join(" ") }));
    if (!line.dashed) svg.append(...points.map((point) => drawn("circle", { class: line.colour, cx: point.split(",")[0], cy: point.split(",")[1], r: 3 })));
    svg.append(drawn("circle", { class: line.colour, cx: left + 6, cy: 10 + 16 * n, r: 4 }),
               drawn("text", { x: left + 16, y: 14 + 16 * n }, line.name));
  });
  return svg;
}

// ------------------------------------------------------------------------------------------ images

function choices(name, values) {
  const select = filters.elements[name];
  if (select.options.length === values.length + 1) return;
  const before = new URLSearchParams(location.hash.slice(1)).get(name) ?? "";
  select.replaceChildren(element("option", "any", { value: "" }),
                         ...values.map((value) => element("option", value, { value })));
  select.value = values.includes(before) ? before : "";
}

function wanted() {
  const values = new URLSearchParams();
  for (const [name, value] of new FormData(filters)) if (value) values.set(name, value);
  if (pageNumber) values.set("page", pageNumber);
  return values;
}

async function gallery() {
  const data = await load(`/api/gallery?${wanted()}`);
  const n_pages = Math.max(1, Math.ceil(data.n / data.per_page));
  $("gallery-count").textContent = `${count(data.n)} images, least confident first; page ${pageNumber + 1} of ${n_pages}`;
  $("before").disabled = pageNumber === 0;
  $("after").disabled = pageNumber + 1 >= n_pages;
  $("gallery").replaceChildren(...data.items.map((item) => {
    const button = element("button", undefined, { type: "button" });
    const label = item.label || "no label";
    button.append(element("img", undefined, { src: `/image/${item.row}`, alt: "", loading: "lazy" }),
                  element("span", label, { dir: "auto" }),
                  element("span", `${item.origin}${item.origin === "machine" ? ` ${item.confidence.toFixed(3)}` : ""}${item.certified ? ", certified" : ""}`));
    button.addEventListener("click", () => tell(item));
    return button;
  }));
}

async function tell(item) {
  $("story-title").textContent = `Row ${item.row}`;
  $("story-image").src = `/image/${item.row}?size=full`;
  try {
    const { lines } = await load(`/api/story/${item.row}`);
    $("story-lines").replaceChildren(...lines.map((line) => element("li", line)));
  } catch (error) {
    $("story-lines").replaceChildren(element("li", error.message));
  }
  $("story").showModal();
}

// The filters stand in the address, so that it can be kept and sent.
function fromAddress() {
  const values = new URLSearchParams(location.hash.slice(1));
  for (const field of filters.elements) field.value = values.get(field.name) ?? "";
  pageNumber = Number(values.get("page")) || 0;
  gallery().catch((error) => { $("gallery-count").textContent = error.message; });
}

function toAddress(number) {
  pageNumber = number;
  location.hash = wanted().toString();
}

choices("origin", ["seed", "human", "machine", "none"]);
choices("certified", ["yes", "no"]);
choices("disagreement", ["yes", "no"]);
filters.addEventListener("change", () => toAddress(0));
filters.addEventListener("submit", (event) => event.preventDefault());
$("before").addEventListener("click", () => toAddress(pageNumber - 1));
$("after").addEventListener("click", () => toAddress(pageNumber + 1));
$("story-close").addEventListener("click", () => $("story").close());
window.addEventListener("hashchange", fromAddress);

refresh().then(fromAddress);
setInterval(() => { if (!document.hidden) refresh(); }, REFRESH);
