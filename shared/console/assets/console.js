// The pages work without this script. It puts times into the reader's zone, copies texts, and keeps a
// page that can change up to date while it is visible.

const utc = document.documentElement.dataset.zone === "utc";

function localTimes(within) {
  if (utc) return;
  for (const time of within.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.textContent = at.toLocaleString();
  }
}

function copyButtons(within) {
  if (!navigator.clipboard) return;
  for (const button of within.querySelectorAll("button.copy")) button.hidden = false;
}

document.addEventListener("click", event => {
  const button = event.target.closest("button.copy");
  const text = button?.closest("details")?.querySelector("pre");
  if (text) navigator.clipboard.writeText(text.textContent);
});

// What the reader has opened, typed or selected must survive an update.
function keep(before, after) {
  const open = new Set([...before.querySelectorAll("details[open] > summary")].map(s => s.textContent));
  for (const summary of after.querySelectorAll("details > summary")) {
    if (open.has(summary.textContent)) summary.parentElement.open = true;
  }
  const fields = after.querySelectorAll("input, textarea");
  before.querySelectorAll("input, textarea").forEach((field, i) => {
    if (fields[i] && fields[i].name === field.name && field.value !== field.defaultValue) {
      fields[i].value = field.value;
    }
  });
}

const parts = within => [...within.querySelectorAll("[data-part]")];
const served = new Map(); // each part as it last came, to see whether it has changed
const rowsMax = 200;

// update takes over the parts of an answer that have changed, and its new events. It reports whether
// there was anything new.
function update(live, answer) {
  let news = false;
  for (const part of parts(answer)) {
    const name = part.dataset.part;
    const before = parts(live).find(p => p.dataset.part === name);
    if (!before || served.get(name)?.isEqualNode(part) || before.contains(document.activeElement)) {
      continue;
    }
    const after = document.importNode(part, true);
    served.set(name, part);
    keep(before, after);
    before.replaceWith(after);
    localTimes(after);
    news = true;
  }
  const newest = document.getElementById("newest");
  for (const row of answer.querySelectorAll("#newest > tr")) {
    if (!newest || document.getElementById(row.id)) continue;
    const after = newest.appendChild(document.importNode(row, true));
    localTimes(after);
    copyButtons(after);
    news = true;
  }
  while (newest && newest.rows.length > rowsMax && !newest.contains(document.activeElement)) {
    newest.deleteRow(0);
  }
  return news;
}

const pauseMin = 150, pauseMax = 15000; // milliseconds between two requests
let pause = pauseMin, asked = null, timer = 0;

const soon = () => { clearTimeout(timer); timer = setTimeout(look, pause * (0.9 + Math.random() / 5)); };

async function look() {
  const live = document.getElementById("live");
  if (!live?.dataset.live || asked || document.visibilityState !== "visible") return;
  asked = new AbortController();
  const began = performance.now();
  let news = false, answered = false;
  try {
    const address = new URL(live.dataset.live, location.href);
    if (live.dataset.after) {
      address.searchParams.set("after", live.dataset.after);
      address.searchParams.set("state", live.dataset.state);
    }
    const response = await fetch(address, {credentials: "same-origin", signal: asked.signal});
    answered = response.ok && !response.redirected;
    if (response.status === 404 || response.redirected) return; // gone, or signed out
    const answer = answered &&
      new DOMParser().parseFromString(await response.text(), "text/html").getElementById("live");
    if (answer) {
      news = update(live, answer);
      const before = live.dataset.state;
      live.dataset.after = answer.dataset.after ?? live.dataset.after;
      live.dataset.state = answer.dataset.state ?? "";
      if (!live.dataset.state) {
        delete live.dataset.live;
        if (before === "running") location.reload(); // it has ended: what can be done is different
        return;
      }
      news ||= live.dataset.state === "reading";
    }
  } catch {
    // The server is away, or the page was left; the next request may find it.
  } finally {
    asked = null;
  }
  const held = answered && performance.now() - began > 5000;
  pause = news || held ? pauseMin : Math.min(Math.max(pause, 400) * 1.4, pauseMax);
  soon();
}

for (const part of parts(document)) served.set(part.dataset.part, part.cloneNode(true));
localTimes(document);
copyButtons(document);
soon();
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") {
    asked?.abort();
    clearTimeout(timer);
    return;
  }
  pause = pauseMin;
  soon();
});
