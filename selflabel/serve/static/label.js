"use strict";

// The labelling page. One key is one answer: the next picture is shown at once, and the answer is posted behind it.
//
// Answers wait in `queue` (and in localStorage) until the server has acknowledged them. A single loop, `work`, makes
// all requests one after the other, so that the server's state can never be older than what the page knows.

const SEARCH_ABOVE = 30;      // classes; with more, they are found by typing
const MOST_OPTIONS = 60;      // classes listed at once while searching
const LATE = 2000;            // ms until an unsaved answer is worth a line
const LONGEST_PAUSE = 30000;  // ms between two tries
const GUARD = 400;            // ms without answers after a picture that the person did not expect
const SMALL = 160;            // pixels; smaller pictures are enlarged with hard edges
const LOGIN = "Open the address that `selflabel label` printed.";
const REFUSED = [400, 404, 409, 410, 413, 422];  // the same answer will not be taken later either

const $ = (id) => document.getElementById(id);
const stage = $("stage");
const classBox = $("classes");
const search = $("search");
const note = $("note");

let state = null;       // what the server said last
let tasks = [];         // what is to be answered here, the one on the screen first
let queue = [];         // answers that the server has not acknowledged, the oldest first
let sending = null;     // the one of them that is under way
let stale = true;       // the state must be loaded before anything else
let undos = 0;          // undo steps that the server has to take
let fails = 0;          // requests that failed, one after the other
let trouble = "";       // why the last of them failed

let current = null;     // the task whose picture is on the stage, or loads there
let placed = false;     // its picture can be seen
let broken = false;     // its picture cannot be shown
let shownAt = 0;        // when it was first seen
let guardUntil = 0;
let zoomed = false;
let keyAt = null;       // when the key was pressed that led to the current picture
let lastLabel = null;
let answerTimes = [];   // of this page, for the pace
const pictures = new Map();  // address -> {img, state}: fetched ahead

let searching = false;
let folded = [];        // the class names as they are searched
let options = [];       // class names in the list, in search
let chosen = -1;        // the one that Enter answers
let listed = null;      // what the list was made from, so that it is not made again

window.selflabelTimes = [];  // ms from key to picture, for tests

const COMMANDS = [
  { id: "undo", text: "Undo", keys: ["ArrowLeft", "Backspace"], alt: "u", run: undo,
    help: "Go back one answer, as often as you like" },
  { id: "skip", text: "Skip", keys: ["0", " "], alt: "s", run: () => answer("skip"),
    help: "Skip this image: you cannot tell" },
  { id: "zoom", text: "Zoom", keys: ["z"], alt: "z", run: zoom,
    help: "Show the full size, or fit it again" },
  { id: "write", text: "Note", keys: ["Enter"], alt: "n", run: () => current && note.focus(),
    help: "Write a note for the next answer; Enter or Escape leaves it" },
  { id: "name", text: "New class", keys: ["+"], alt: "c", run: nameClass,
    help: "Name a class that is not there yet; this image gets it" },
  { id: "help-open", text: "Help", keys: ["?"], alt: "h", run: () => $("help").showModal(),
    help: "Show these keys" },
];
const KEY_NAMES = { " ": "Space", ArrowLeft: "←", Backspace: "Backspace", Enter: "Enter" };

// ---------------------------------------------------------------------------------------------- answering

function answer(label) {
  const now = performance.now();
  const task = tasks[0];
  if (!task) return;
  if (undos) return tell("Undo is still under way.");
  if (!placed && !broken) return tell("The picture is still loading.");
  if (broken && label !== "skip") return tell("This picture cannot be shown. You can only skip it.");
  if (now < guardUntil) return tell("The picture had just changed, so the key did not count.");

  const entry = { id: newId(), at: Date.now(), task, label, note: note.value.trim(),
                  seconds: Math.round(now - shownAt) / 1000 };
  queue.push(entry);
  tasks.shift();
  keyAt = tasks.length ? pressedAt : null;
  note.value = "";
  lastLabel = label;
  answerTimes.push(entry.at);
  tell("");
  flash(label);
  clearSearch();
  show({ own: true });
  store(entry);
  wake();
}

function nameClass() {
  if (!current) return;
  if (!state.may_name_classes) return tell("All labels of this data set are known, so it has all its classes.");
  setText($("class-error"), "");
  $("class-name").value = searching ? search.value.trim() : "";
  $("class-dialog").showModal();
}

// The server knows the class before it is given its first image.
async function addClass(event) {
  event.preventDefault();
  const name = $("class-name").value.trim().normalize("NFC");
  const task = current;
  $("class-add").disabled = true;
  const reply = await request("POST", "/api/class", { name });
  $("class-add").disabled = false;
  if (!reply.ok) return setText($("class-error"), reply.error);
  $("class-dialog").close();
  takeState(reply.data);
  if (current === task) answer(name);
}

function undo() {
  if (!state) return;
  answerTimes.pop();
  lastLabel = null;
  tell("");
  // One that is under way may be saved or not: `work` undoes it when that is known.
  if (queue.length && queue.at(-1) !== sending) takeBack();
  else undos += 1;
  wake();
  retry();
}

// The newest answer is not saved by the server: undone here.
function takeBack() {
  const newest = queue.at(-1);
  forget(newest);
  newest.task.label = newest.label;
  tasks.unshift(newest.task);
  note.value = newest.note;
  show({ own: true });
}

function takeState(data, { own = false } = {}) {
  const isNew = data.classes.length !== state?.classes.length;
  state = data;
  if (isNew) makeClasses();
  // Answered here but not yet there: not to be shown again. Known tasks stay the same objects, and the picture on the
  // screen stays where it is for as long as the server wants it answered.
  const answered = new Set(queue.map((entry) => nameOf(entry.task)));
  const known = new Map(tasks.map((task) => [nameOf(task), task]));
  const fresh = new Map();
  for (const task of state.tasks) {
    const name = nameOf(task);
    if (!answered.has(name) && !fresh.has(name)) fresh.set(name, known.get(name) ?? task);
  }
  tasks = [...fresh.values()];
  if (!own && tasks.includes(current)) tasks = [current, ...tasks.filter((task) => task !== current)];
  show({ own });
}

// The same row may come once as a question and once more ("again", "audit").
function nameOf(task) {
  return `${task.kind} ${task.row}`;
}

// ---------------------------------------------------------------------------------------------- the server

async function work() {
  for (;;) {
    if (stale) await loadState();
    else if (undos) await undoNewest();
    else if (queue.length) await sendOldest();
    else if (!tasks.length && state.phase !== "done") await poll();
    else await rest();
  }
}

async function loadState() {
  const reply = await request("GET", "/api/state");
  if (!reply.ok) return failed(reply);
  worked();
  stale = false;
  if (!state) start(reply.data);
  takeState(reply.data);
}

async function sendOldest() {
  const entry = queue[0];
  if (entry.adopted && !isStored(entry)) return forget(entry);  // another tab has sent it
  sending = entry;
  const { label, seconds } = entry;
  const reply = await request("POST", "/api/answer", { row: entry.task.row, label, note: entry.note, seconds });
  sending = null;
  if (reply.ok) {
    worked();
    forget(entry);
    takeState(reply.data);
  } else if (REFUSED.includes(reply.status)) {
    worked();
    stale = true;
    undos = 0;
    // Where it is no longer stored, another tab has sent this very answer.
    if (isStored(entry)) tell(`Your answer for row ${entry.task.row} was not taken: ${reply.error}`, { keep: true });
    forget(entry);
  } else {
    await failed(reply);
  }
}

async function undoNewest() {
  if (queue.length) {
    undos -= 1;
    return takeBack();
  }
  const reply = await request("POST", "/api/undo", {});
  if (reply.ok) {
    undos -= 1;
    worked();
    note.value = "";
    takeState(reply.data, { own: true });
  } else {
    undos = 0;
    stale = true;
    tell(`Nothing was undone: ${reply.error}`, { keep: true });
  }
}

async function poll() {
  const began = performance.now();
  const stop = new AbortController();
  endWait = () => stop.abort();
  const reply = await request("GET", "/api/state?wait=1", undefined, stop);
  endWait = null;
  if (stop.signal.aborted && !reply.late) return;  // there is something better to do
  if (!reply.ok) return failed(reply);
  worked();
  takeState(reply.data);
  // A server that does not wait is not to be flooded.
  if (!tasks.length && performance.now() - began < 1000) await rest(1000);
}

let endWait = null;   // ends the idle wait
let endPause = null;  // ends the pause after a failure

function wake() {
  endWait?.();
}

function retry() {
  endPause?.();
}

function rest(longest) {
  return new Promise((done) => {
    endWait = done;
    if (longest) setTimeout(done, longest);
  }).then(() => { endWait = null; });
}

function worked() {
  fails = 0;
  trouble = "";
  renderTrouble();
}

// A new answer does not end this pause, or every key would be another try.
async function failed(reply) {
  fails += 1;
  trouble = reply.status === 507 ? `The server could not save: ${reply.error}` : reply.error;
  render();
  if (undos) return;
  await new Promise((done) => {
    endPause = done;
    setTimeout(done, Math.min(LONGEST_PAUSE, 500 * 2 ** fails));
  });
  endPause = null;
}

// Never throws: {ok, status, data, error}, with status 0 where there was no answer.
async function request(method, path, body, stop = new AbortController()) {
  let late = false;
  const timer = setTimeout(() => { late = true; stop.abort(); }, path.endsWith("wait=1") ? 40000 : 15000);
  const init = { method, cache: "no-store", signal: stop.signal };
  if (body) Object.assign(init, { body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, keepalive: true });
  try {
    const response = await fetch(path, init);
    const data = response.ok ? await response.json() : await response.json().catch(() => ({}));
    let error = data.error || `The server answered with status ${response.status}.`;
    if (response.status === 401 || response.status === 403) error = LOGIN;
    return { ok: response.ok, status: response.status, data, error };
  } catch {
    return { ok: false, status: 0, late, data: {}, error: "The server cannot be reached." };
  } finally {
    clearTimeout(timer);
  }
}

// ---------------------------------------------------------------------------------------------- kept answers

// Each answer has its own key, so that two tabs do not overwrite each other's.
let storePrefix = "";
let lastId = 0;

function newId() {
  lastId = Math.max(lastId + 1, Date.now());  // ids sort as the answers were given
  return `${lastId}-${Math.random().toString(36).slice(2, 8)}`;
}

function store(entry) {
  try {
    localStorage.setItem(storePrefix + entry.id, JSON.stringify(entry));
  } catch {
    // Full or forbidden: the answer is still in memory, and leaving the page still warns.
  }
}

function isStored(entry) {
  try {
    return localStorage.getItem(storePrefix + entry.id) !== null;
  } catch {
    return true;
  }
}

function forget(entry) {
  queue = queue.filter((other) => other !== entry);
  try {
    localStorage.removeItem(storePrefix + entry.id);
  } catch {
    // It was never stored.
  }
  renderTrouble();
}

function storedAnswers() {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(storePrefix)).sort();
    return keys.flatMap((key) => {
      const entry = JSON.parse(localStorage.getItem(key));
      return entry?.task ? [{ ...entry, adopted: true }] : [];
    });
  } catch {
    return [];  // nothing can be read
  }
}

// ---------------------------------------------------------------------------------------------- pictures

// Puts tasks[0] on the stage. `own`: the person did it, and so expects another picture.
function show({ own = false } = {}) {
  const task = tasks[0] ?? null;
  if (task !== current) {
    // Keys meant for a picture that was taken away must not answer another one.
    if (!own && task && placed) guardUntil = performance.now() + GUARD;
    current = task;
    leavePicture();
  }
  if (task && !placed && !broken) place(task);
  fetchAhead();
  render();
}

function leavePicture() {
  placed = broken = zoomed = false;
  stage.classList.remove("zoomed");
  stage.removeAttribute("tabindex");
  stage.replaceChildren();
}

function place(task) {
  const picture = pictureOf(task);
  if (picture.state === "broken" && !picture.tried) {
    // It may have failed while the server was away: one more try now that it is needed.
    pictures.delete(task.image);
    pictureOf(task).tried = true;
    return stage.replaceChildren(element("p", "Loading the picture …"));
  }
  broken = picture.state === "broken";
  if (broken) {
    const again = element("button", "Load again");
    again.type = "button";
    again.addEventListener("click", () => {
      pictures.delete(task.image);
      broken = false;
      show();
    });
    const text = element("p", "This picture cannot be shown. ");
    text.append(again);
    return stage.replaceChildren(text);
  }
  if (picture.state === "loading") return stage.replaceChildren(element("p", "Loading the picture …"));
  stage.replaceChildren(dress(picture.img, task));
  placed = true;
  shownAt = performance.now();
  if (keyAt !== null) measure(keyAt);
  keyAt = null;
}

function pictureOf(task) {
  const address = task.image;
  let picture = pictures.get(address);
  if (picture) return picture;
  const img = new Image();
  picture = { img, state: "loading" };
  pictures.set(address, picture);
  img.decoding = "sync";  // painted in the same frame as it is placed
  img.src = address;
  img.decode().catch(() => {}).then(() => {
    picture.state = img.complete && img.naturalWidth ? "ready" : "broken";
    if (current?.image === address && !placed) show({ own: true });
  });
  return picture;
}

function fetchAhead() {
  tasks.forEach(pictureOf);
  // The last ones are kept for undo; older ones go.
  const needed = new Set(tasks.map((task) => task.image));
  for (const address of pictures.keys()) {
    if (pictures.size <= 24) break;
    if (!needed.has(address)) pictures.delete(address);
  }
}

function dress(img, task) {
  img.alt = `Image to label, row ${task.row}`;
  img.draggable = false;
  img.classList.toggle("small", Math.max(img.naturalWidth, img.naturalHeight) <= SMALL);
  return img;
}

function measure(start) {
  requestAnimationFrame(() => requestAnimationFrame(() => window.selflabelTimes.push(performance.now() - start)));
}

async function zoom() {
  if (!placed) return;
  const task = current;
  zoomed = !zoomed;
  stage.classList.toggle("zoomed", zoomed);
  if (!zoomed) {
    stage.removeAttribute("tabindex");
    const { img } = pictureOf(task);
    img.removeAttribute("width");
    stage.replaceChildren(dress(img, task));
    return render();
  }
  stage.tabIndex = 0;  // so that it can be scrolled by keyboard
  enlarge(stage.firstChild);
  render();
  const original = new Image();
  original.src = task.original;
  await original.decode().catch(() => {});
  if (!zoomed || current !== task) return;
  if (!original.naturalWidth) return tell("The full size cannot be loaded.");
  // What the person has scrolled to meanwhile stays in view.
  const middle = [(stage.scrollLeft + stage.clientWidth / 2) / stage.scrollWidth,
                  (stage.scrollTop + stage.clientHeight / 2) / stage.scrollHeight];
  stage.firstChild.removeAttribute("width");
  stage.replaceChildren(dress(original, task));
  enlarge(original, middle);
}

// Full size; a picture that is smaller than the stage is shown at twice what fits.
function enlarge(img, [x, y] = [0.5, 0.5]) {
  const fits = Math.min(stage.clientWidth / img.naturalWidth, stage.clientHeight / img.naturalHeight);
  img.width = Math.round(img.naturalWidth * (fits < 1 ? 1 : 2 * fits));
  stage.scrollTo(x * stage.scrollWidth - stage.clientWidth / 2, y * stage.scrollHeight - stage.clientHeight / 2);
}

function pan(key) {
  const step = 80;
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  if (!zoomed || !moves[key]) return false;
  stage.scrollBy(...moves[key]);
  return true;
}

// ---------------------------------------------------------------------------------------------- what is on the page

function render() {
  if (!state) {
    $("pane").hidden = stage.hidden = true;
    $("pause").hidden = false;
    setText($("pause-title"), "Loading …");
    return renderTrouble();
  }
  const view = current ? "task" : queue.length || stale ? "waiting" : state.phase;
  const playing = view !== "task" && view !== "done" && view !== "failed";

  document.title = (view === "task" ? "" : view === "done" ? "Done: " : "Please wait: ") + state.project;
  const bars = { round: `Round ${state.round}`, budget: "Budget", audit: "Audit" };
  for (const [name, text] of Object.entries(bars)) renderBar($(name), text, state.progress[name]);
  setText($("pace"), pace());

  const audit = current ? current.kind === "audit" : state.phase === "audit";
  setText($("banner"), audit ? "Audit: your answers here judge the machine's labels. There are no hints." : "");
  setText($("message"), view === "task" ? state.message : "");

  const shownBefore = !stage.hidden;
  stage.hidden = classBox.hidden = $("note-line").hidden = $("clue").hidden = view !== "task";
  $("pane").hidden = false;
  search.hidden = !searching || view !== "task";
  $("pause").hidden = view === "task";
  if (view !== "task") {
    const titles = { waiting: "Saving your answers", done: "All done", failed: "Something went wrong" };
    const texts = { waiting: "The next images come when the server has your answers.",
                    done: state.message || "There is nothing left to label. Thank you." };
    setText($("pause-title"), titles[view] ?? "Please wait");
    setText($("pause-text"), texts[view] ?? (state.message || "The machine is working. The next images come by themselves."));
  }
  $("pause-bar").hidden = !playing;
  $("finish").hidden = view !== "done";

  for (const name of ["skip", "zoom", "write", "name"]) $(name).disabled = view !== "task";
  $("zoom").setAttribute("aria-pressed", zoomed);
  renderClue();
  renderClasses();
  renderTrouble();
  if (!shownBefore && view === "task") focusSearch();
}

function renderBar(box, text, [done, all] = [0, 0]) {
  box.hidden = !all;
  const [label, bar, count] = box.children;
  setText(label, text);
  bar.max = all || 1;
  bar.value = done;
  setText(count, `${done} of ${all}`);
}

// Answers a minute over the last five minutes of activity; a pause of over 30 s is none.
function pace() {
  let time = 0;
  let answers = 0;
  for (let i = answerTimes.length - 1; i > 0 && time < 300000; i--) {
    const gap = answerTimes[i] - answerTimes[i - 1];
    if (gap > 30000) continue;
    time += gap;
    answers += 1;
  }
  if (answers < 3 || !time) return "";
  const perMinute = answers / (time / 60000);
  const { round, budget, audit } = state.progress;
  const left = ([done, all] = [0, 0]) => Math.max(0, all - done);
  const open = Math.max(0, (budget?.[1] ? left(budget) : left(round)) + left(audit) - queue.length);
  return `${Math.round(perMinute)} a minute, about ${Math.ceil(open / perMinute)} min left`;
}

function renderClue() {
  const parts = [];
  if (current?.label) parts.push("Your answer was ", isolated(current.label), ". ");
  hintsOf(current).forEach((name, i) => parts.push(i ? ", " : "Hints: ", isolated(name)));
  if (!parts.length && lastLabel !== null) parts.push("Last answer: ", isolated(lastLabel));
  $("clue").replaceChildren(...parts);
}

// Where there is an audit there are no hints, whatever the server sends.
function hintsOf(task) {
  return task && task.kind !== "audit" ? task.hints ?? [] : [];
}

function renderTrouble() {
  const late = queue.length && Date.now() - queue[0].at > LATE;
  const unsaved = queue.length && (late || trouble)
    ? `${queue.length} ${queue.length === 1 ? "answer" : "answers"} not saved yet.` : "";
  const text = [trouble, unsaved].filter(Boolean).join(" ");
  setText($("trouble-text"), text);
  $("trouble").classList.toggle("calm", !text);
  $("retry").hidden = !text;
}

let newsTimer = 0;
let newsKept = false;

// `keep`: the next answers, which come fast, do not take the message away.
function tell(text, { keep = false } = {}) {
  if (newsKept && !text) return;
  newsKept = keep;
  setText($("news"), text);
  clearTimeout(newsTimer);
  newsTimer = setTimeout(() => {
    newsKept = false;
    setText($("news"), "");
  }, 8000);
}

// A live line that is set to the same words again would be read out again.
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// ---------------------------------------------------------------------------------------------- classes

function classButton(name, key) {
  const button = element("button");
  button.type = "button";
  button.dataset.name = name;
  if (key) {
    button.append(element("kbd", key.toUpperCase()));
    button.setAttribute("aria-keyshortcuts", key);
  }
  button.append(isolated(name));
  return button;
}

function renderClasses() {
  if (searching) renderOptions();
  const hints = hintsOf(current);
  for (const button of classBox.children) {
    button.classList.toggle("hint", hints.includes(button.dataset.name));
    button.classList.toggle("former", current?.label === button.dataset.name);
  }
}

function renderOptions() {
  const query = fold(search.value.trim());
  const made = JSON.stringify([query, hintsOf(current)]);
  if (made === listed) return;
  listed = made;
  const found = query ? matches(query) : [...new Set([...hintsOf(current), ...state.classes])];
  options = found.slice(0, MOST_OPTIONS);
  classBox.replaceChildren(...options.map((name, i) => {
    const button = classButton(name);
    button.id = `option-${i}`;
    button.tabIndex = -1;
    button.setAttribute("role", "option");
    return button;
  }));
  const rest = found.length - options.length;
  setText($("more"), !found.length ? "No class matches." : rest ? `${rest} more: type to find them.` : "");
  // Without a word typed nothing is chosen, so that a stray Enter answers nothing.
  choose(query && options.length ? 0 : -1);
}

// Small and capital letters, and letters with and without accents, are the same.
function fold(text) {
  return text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
}

// Names that begin with the words first, then those with a word that does, then the rest.
function matches(query) {
  const ranks = [[], [], []];
  folded.forEach((name, i) => {
    const at = name.indexOf(query);
    if (at === 0) ranks[0].push(state.classes[i]);
    else if (at > 0) ranks[name.includes(` ${query}`) ? 1 : 2].push(state.classes[i]);
  });
  return ranks.flat();
}

function choose(index) {
  chosen = index;
  [...classBox.children].forEach((button, i) => button.setAttribute("aria-selected", i === chosen));
  if (chosen < 0) {
    search.removeAttribute("aria-activedescendant");
    classBox.scrollTop = 0;
  } else {
    search.setAttribute("aria-activedescendant", `option-${chosen}`);
    classBox.children[chosen].scrollIntoView({ block: "nearest" });
  }
}

function clearSearch() {
  if (!searching) return;
  search.value = "";
  if (chosen >= 0) choose(-1);
  focusSearch();
}

// On a touch screen the field is left alone: its keyboard would cover the image.
function focusSearch() {
  const touch = matchMedia("(hover: none) and (pointer: coarse)").matches;
  if (searching && !touch && document.activeElement !== note) search.focus();
}

function flash(label) {
  const button = label === "skip" ? $("skip") : [...classBox.children].find((one) => one.dataset.name === label);
  if (!button) return;
  button.classList.add("flash");
  setTimeout(() => button.classList.remove("flash"), 180);
}

// ---------------------------------------------------------------------------------------------- keys and clicks

let pressedAt = 0;
const classKeys = new Map();  // key -> class name

function onKey(event) {
  pressedAt = performance.now();
  if (event.isComposing || document.querySelector("dialog[open]")) return;
  if (event.target === note) return noteKey(event);
  const onButton = event.target.closest?.("button");
  if (onButton && (event.key === "Enter" || event.key === " ")) {
    if (event.repeat) event.preventDefault();  // a key held down would click again and again
    return;
  }
  if (searching) searchKey(event);
  else plainKey(event);
}

function plainKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const key = plainName(event);
  if (pan(key)) return event.preventDefault();
  const command = COMMANDS.find(({ keys }) => keys.includes(key));
  if (!command && !classKeys.has(key)) return;
  event.preventDefault();
  if (event.repeat) return;
  if (command) command.run();
  else answer(classKeys.get(key));
}

function searchKey(event) {
  const { key } = event;
  if (event.altKey && !event.ctrlKey && !event.metaKey && !event.getModifierState("AltGraph")) {
    const command = COMMANDS.find(({ alt }) => alt === plainName(event));
    if (!command) return;
    event.preventDefault();
    if (!event.repeat) command.run();
    return;
  }
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target === stage && pan(key)) return event.preventDefault();
  if (key === "ArrowDown" || key === "ArrowUp") {
    event.preventDefault();
    if (options.length) choose(Math.max(0, Math.min(options.length - 1, chosen + (key === "ArrowDown" ? 1 : -1))));
  } else if (key === "Enter") {
    event.preventDefault();
    if (event.repeat) return;
    if (chosen >= 0) answer(options[chosen]);
    else if (current) tell("Type to choose a class.");
  } else if (key === "Escape") {
    search.value = "";
    renderClasses();
    focusSearch();
  } else if (key.length === 1 && event.target !== search) {
    search.focus();  // what is typed anywhere else is meant for the field
  }
}

function noteKey(event) {
  if (event.key !== "Escape" && event.key !== "Enter") return;
  event.preventDefault();
  note.blur();
  focusSearch();
}

function onClassClick(event) {
  const button = event.target.closest("button");
  if (!button) return;
  pressedAt = performance.now();
  // The second half of a double click was not meant for the next picture.
  if (event.detail < 2 || pressedAt - shownAt > 250) answer(button.dataset.name);
  releaseFocus(event, button);
}

// After a click with the mouse, Space and Enter must not press that button again.
function releaseFocus(event, button) {
  if (event.detail) button.blur();
  focusSearch();
}

function dragToPan(event) {
  if (!zoomed || event.pointerType !== "mouse" || !(event.buttons & 1)) return;
  stage.scrollBy(-event.movementX, -event.movementY);
}

// ---------------------------------------------------------------------------------------------- finish

async function finish() {
  $("finish-dialog").close();
  $("finish").disabled = true;
  $("log").hidden = false;
  $("log").textContent = "";
  const started = await request("POST", "/api/finish", {});
  // 409: it runs already, so follow it.
  if (started.ok || started.status === 409) await followFinish(started.ok ? "" : started.error);
  else printLine(started.error);
  $("finish").disabled = false;
}

async function followFinish(words) {
  if (words) printLine(words);
  for (let from = 0; ;) {
    const reply = await request("GET", `/api/finish?from=${from}`);
    if (reply.ok) {
      reply.data.lines.forEach(printLine);
      from = reply.data.next;
      if (reply.data.ended) {
        return printLine(reply.data.ok ? "Finished: everything is up to date." : "It failed. The lines above say why.");
      }
    } else if (REFUSED.includes(reply.status)) {
      return printLine(reply.error);
    }
    await new Promise((done) => setTimeout(done, 1000));
  }
}

function printLine(line) {
  const log = $("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 30;
  log.append(`${line}\n`);
  if (atEnd) log.scrollTop = log.scrollHeight;
}

// ---------------------------------------------------------------------------------------------- start

// Once, with the first state.
function start(first) {
  state = first;
  setText($("project"), state.project);
  setText($("who"), `labelled by ${state.annotator}`);
  storePrefix = `selflabel/unsaved/${state.project}/${state.annotator}/`;
  queue = storedAnswers();

  makeClasses();
}

// Again when somebody has named another one.
function makeClasses() {
  searching = state.classes.length > SEARCH_ABOVE;
  folded = state.classes.map(fold);
  listed = null;
  classKeys.clear();
  if (searching) {
    classBox.setAttribute("role", "listbox");
    classBox.replaceChildren();
  } else {
    const keys = "123456789abcdefghijklmnopqrstuvwxy";
    state.classes.forEach((name, i) => classKeys.set(keys[i], name));
    classBox.replaceChildren(...[...classKeys].map(([key, name]) => classButton(name, key)));
  }
  makeCommands();
  makeHelp();
}

const altName = (command) => `Alt+${command.alt.toUpperCase()}`;
const keyName = (key) => KEY_NAMES[key] ?? key.toUpperCase();

function makeCommands() {
  $("commands").replaceChildren();
  for (const command of COMMANDS) {
    const button = element("button", `${command.text} `);
    button.type = "button";
    button.id = command.id;
    button.append(element("kbd", searching ? altName(command) : keyName(command.keys[0])));
    button.addEventListener("click", (event) => {
      pressedAt = performance.now();
      if (event.detail) button.blur();
      command.run();
      if (!["write", "help-open", "name"].includes(command.id)) focusSearch();
    });
    $("commands").append(button);
  }
  // The note has a field of its own on the page; its key stands there.
  $("write").hidden = true;
  $("name").hidden = !state.may_name_classes;
  const write = COMMANDS.find(({ id }) => id === "write");
  setText($("note-key"), searching ? altName(write) : "Enter");
}

function makeHelp() {
  const row = (keys, text) => {
    const line = element("tr");
    const cell = element("td");
    keys.forEach((key, i) => cell.append(i ? " or " : "", element("kbd", key)));
    const what = element("td");
    what.append(text);
    line.append(cell, what);
    $("help-keys").append(line);
  };
  $("help-keys").replaceChildren();
  for (const command of COMMANDS) row(searching ? [altName(command)] : command.keys.map(keyName), command.help);
  if (searching) {
    row(["↑", "↓"], "Choose a class in the list");
    row(["Enter"], "Answer with the chosen class");
    row(["Escape"], "Empty the search field");
  } else {
    for (const [key, name] of classKeys) row([key.toUpperCase()], isolated(name));
  }
  setText($("help-text"), "While the image is zoomed, the arrow keys move it.");
}

document.addEventListener("keydown", onKey);
classBox.addEventListener("click", onClassClick);
search.addEventListener("input", renderClasses);
stage.addEventListener("pointermove", dragToPan);
stage.addEventListener("click", focusSearch);
note.addEventListener("focus", () => document.body.classList.add("noting"));
note.addEventListener("blur", () => document.body.classList.remove("noting"));
$("retry").addEventListener("click", (event) => {
  retry();
  releaseFocus(event, $("retry"));
});
$("help-close").addEventListener("click", () => $("help").close());
$("help").addEventListener("close", focusSearch);
$("class-form").addEventListener("submit", addClass);
$("class-cancel").addEventListener("click", () => $("class-dialog").close());
$("class-dialog").addEventListener("close", focusSearch);
$("finish").addEventListener("click", () => $("finish-dialog").showModal());
$("finish-start").addEventListener("click", finish);
$("finish-cancel").addEventListener("click", () => $("finish-dialog").close());
window.addEventListener("online", retry);
window.addEventListener("beforeunload", (event) => {
  if (!queue.length) return;
  event.preventDefault();
  event.returnValue = "";  // older browsers ask only with this
});
setInterval(renderTrouble, 500);

render();
work();
