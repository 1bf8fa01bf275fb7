"use strict";

// Labels that are confirmed or corrected many at once. What comes from the server is data: it is set as text, never as
// markup. Nothing is sent before Confirm, and nothing that was marked is lost where the server cannot be reached.

const KEYS = "123456789abcdefghijklmnopqrstuvwxy";  // without z, which shows an image large
const SMALL = 160;  // pixels; smaller pictures are enlarged with hard edges
const GUARD = 700;  // ms in which new images cannot be confirmed: that key was meant for those before
const SKIP = "skip";
const REASONS = {
  rest: (label, n) => `Left by the audit: ${label} (${n})`,
  again: (label, n) => `Given by people, doubted by the machine (${n})`,
  confirmed: (label, n) => `Labelled by the machine: ${label} (${n})`,
};

const $ = (id) => document.getElementById(id);
const cellBox = $("cells");
const classKeys = new Map();  // key -> class name

let classes = [];
let shown = null;     // {strategy, label, cells: [{row, image, given, label, marked}]}
let previous = null;  // the grid that was confirmed last, with the labels it was given
let busy = false;
let shownAt = 0;      // when the images on the screen came

async function request(method, path, body) {
  const init = { method, cache: "no-store" };
  if (body) Object.assign(init, { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  try {
    const response = await fetch(path, init);
    const data = await response.json().catch(() => ({}));
    if (response.ok) return { data };
    if (response.status === 401 || response.status === 403) return { error: "Open the address that `selflabel label` printed." };
    return { error: data.error || `The server answered with status ${response.status}.` };
  } catch {
    return { error: "The server cannot be reached." };
  }
}

// ---------------------------------------------------------------------------------------------- what is shown

async function load(strategy = "", label = "") {
  busy = true;
  render();
  for (;;) {
    const { data, error } = await request("GET", `/api/grid?${new URLSearchParams({ strategy, label })}`);
    if (data && !data.is_playing) {
      busy = false;
      return take(data);
    }
    tell(error ? `${error} It is tried again.` : "The machine is playing the next round. The images come by themselves.");
    if (error) await new Promise((done) => setTimeout(done, 2000));
  }
}

function take(data) {
  if (!classes.length) start(data);
  const group = $("group");
  group.replaceChildren(...data.groups.map((of, i) => {
    const option = element("option", REASONS[of.strategy](of.label, of.n.toLocaleString("en")));
    option.value = i;
    option.selected = of.strategy === data.strategy && of.label === data.label;
    return option;
  }));
  group.onchange = () => load(data.groups[group.value].strategy, data.groups[group.value].label);
  $("choose").hidden = !data.groups.length;
  const cells = data.cells.map((cell) => ({ ...cell, given: cell.label, marked: false }));
  tell("");
  $("message").textContent = data.message || (cells.length ? "" : nothing(data));
  show({ strategy: data.strategy, label: data.label, cells });
}

function nothing(data) {
  return data.is_audited
    ? "Nothing waits here. While there is an audit, what the machine labelled is not shown: you might judge it there."
    : "Nothing waits here: the machine has labelled nothing yet, or people have confirmed it all.";
}

function show(grid) {
  shown = grid;
  cellBox.replaceChildren(...shown.cells.map((cell, i) => {
    const button = element("button");
    button.type = "button";
    const img = new Image();
    img.src = cell.image;
    img.alt = "";
    img.draggable = false;
    img.onload = () => img.classList.toggle("small", Math.max(img.naturalWidth, img.naturalHeight) <= SMALL);
    img.onerror = () => button.classList.add("broken");
    button.append(img, isolated(""));
    button.addEventListener("click", () => mark(i));
    return button;
  }));
  cellBox.scrollTop = 0;
  shownAt = performance.now();
  render();
  cellBox.firstChild?.focus();
}

function render() {
  const cells = shown?.cells ?? [];
  [...cellBox.children].forEach((button, i) => {
    const { label, given, marked, row } = cells[i];
    const changed = label !== given;
    button.setAttribute("aria-pressed", marked);
    button.setAttribute("aria-label", `Row ${row}: ${label}${marked ? ", marked as wrong" : changed ? ", changed" : ""}`);
    button.classList.toggle("changed", changed);
    button.lastChild.textContent = marked ? "?" : label;
    button.disabled = busy;
  });
  const marked = cells.filter((cell) => cell.marked).length;
  const changed = cells.filter((cell) => cell.label !== cell.given).length;
  const words = [`${cells.length} ${cells.length === 1 ? "image" : "images"} said to be `,
                 isolated(shown?.label || "what is written below each"), "."];
  if (changed) words.push(` ${changed} changed.`);
  if (marked) words.push(` ${marked} marked: press the key of their class.`);
  $("clue").replaceChildren(...(cells.length ? words : []));
  $("confirm").disabled = $("skip").disabled = $("zoom").disabled = busy || !cells.length;
  $("before").disabled = busy || !previous;
  for (const button of $("classes").children) button.disabled = busy || !cells.length;
}

let newsTimer = 0;

function tell(text) {
  $("news").textContent = text;
  clearTimeout(newsTimer);
  if (text && !busy) newsTimer = setTimeout(() => tell(""), 8000);
}

// ---------------------------------------------------------------------------------------------- what a person does

// Wrong; and right after all.
function mark(i) {
  if (busy) return;
  const cell = shown.cells[i];
  const isTouched = cell.marked || cell.label !== cell.given;
  cell.marked = !isTouched;
  cell.label = cell.given;
  render();
}

function give(label) {
  if (busy || !shown) return;
  const focused = [...cellBox.children].indexOf(document.activeElement);
  let chosen = shown.cells.filter((cell) => cell.marked);
  if (!chosen.length && focused >= 0) chosen = [shown.cells[focused]];
  if (!chosen.length) return tell("Click the images that are wrong first.");
  for (const cell of chosen) Object.assign(cell, { label, marked: false });
  render();
}

async function confirm() {
  if (busy || !shown?.cells.length) return;
  if (performance.now() - shownAt < GUARD) return tell("The images had just changed, so the key did not count.");
  if ([...cellBox.querySelectorAll("img")].some((img) => !img.complete)) return tell("Some pictures are still loading.");
  const n = shown.cells.filter((cell) => cell.marked).length;
  if (n) return tell(`${n} marked ${n === 1 ? "image has" : "images have"} no class yet: press its key, or click it again.`);
  if (cellBox.querySelector(".broken")) {
    const broken = [...cellBox.children].findIndex((button, i) => button.classList.contains("broken") && shown.cells[i].label !== SKIP);
    if (broken >= 0) {
      cellBox.children[broken].focus();
      return tell("A picture cannot be shown. You can only skip it: press 0.");
    }
  }
  busy = true;
  render();
  const cells = shown.cells.map(({ row, label }) => ({ row, label }));
  const { data, error } = await request("POST", "/api/grid", { strategy: shown.strategy, cells });
  busy = false;
  if (error) {
    render();
    return tell(`Nothing was saved: ${error}`);
  }
  previous = shown;
  await load(shown.strategy, shown.label);
  const left = data.n_left_out;
  tell(`${cells.length - left} ${cells.length - left === 1 ? "answer" : "answers"} saved.${left ? ` ${left} waited for none any more: others were first.` : ""}`);
}

// The grid before, to be confirmed anew; the images on the screen come again.
function back() {
  if (busy || !previous) return;
  show(previous);
  previous = null;
  render();
  tell("These answers are saved. Confirm saves what you change.");
}

function zoom() {
  const focused = [...cellBox.children].indexOf(document.activeElement);
  if (focused < 0) return tell("Go to an image first.");
  const { row, label } = shown.cells[focused];
  $("large-image").src = `/image/${row}?size=full`;
  $("large-image").alt = `Row ${row}, said to be ${label}`;
  $("large").showModal();
  $("large").onclose = () => cellBox.children[focused].focus();
}

function move(key) {
  const focused = [...cellBox.children].indexOf(document.activeElement);
  const columns = getComputedStyle(cellBox).gridTemplateColumns.split(" ").length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
  if (!step || !cellBox.children.length) return false;
  cellBox.children[focused < 0 ? 0 : Math.max(0, Math.min(cellBox.children.length - 1, focused + step))].focus();
  return true;
}

function onKey(event) {
  if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  if (document.querySelector("dialog[open]") || event.target.tagName === "SELECT") return;
  const onCommand = event.target.closest?.("#pane button, a");
  if (onCommand && (event.key === "Enter" || event.key === " ")) return;
  const key = plainName(event);
  const commands = { Enter: confirm, Backspace: back, z: zoom, 0: () => give(SKIP) };
  if (move(key)) return event.preventDefault();
  if (commands[key] || classKeys.has(key)) {
    event.preventDefault();
    if (event.repeat) return;
    if (commands[key]) commands[key]();
    else give(classKeys.get(key));
  }
}

// ---------------------------------------------------------------------------------------------- start

function start(data) {
  classes = data.classes;
  $("who").textContent = `confirmed by ${data.annotator}`;
  if (classes.length > KEYS.length) {
    $("classes").hidden = true;
    $("class").hidden = false;
    $("class").append(element("option", "Another class …"), ...classes.map((name) => element("option", name)));
    $("class").addEventListener("change", () => {
      if ($("class").selectedIndex) give(classes[$("class").selectedIndex - 1]);
      $("class").selectedIndex = 0;
    });
    return;
  }
  $("classes").replaceChildren(...classes.map((name, i) => {
    classKeys.set(KEYS[i], name);
    const button = element("button");
    button.type = "button";
    button.append(element("kbd", KEYS[i].toUpperCase()), isolated(name));
    button.setAttribute("aria-keyshortcuts", KEYS[i]);
    button.addEventListener("click", () => give(name));
    return button;
  }));
}

document.addEventListener("keydown", onKey);
$("confirm").addEventListener("click", confirm);
$("skip").addEventListener("click", () => give(SKIP));
$("before").addEventListener("click", back);
$("zoom").addEventListener("click", zoom);
$("large-close").addEventListener("click", () => $("large").close());
window.addEventListener("beforeunload", (event) => {
  if (shown?.cells.some((cell) => cell.marked || cell.label !== cell.given)) event.preventDefault();
});

load();
