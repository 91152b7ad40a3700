// The pages work without this script. It puts times into the reader's zone, and keeps the page of
// a running execution up to date while the page is visible.

const utc = document.documentElement.dataset.zone === "utc";

function localTimes(within) {
  if (utc) return;
  for (const time of within.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.textContent = at.toLocaleString();
  }
}

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

const first = 500, last = 5000; // milliseconds between two looks
let pause = first;

async function look() {
  const before = document.getElementById("live");
  if (!before?.dataset.last) return;
  if (document.visibilityState === "visible" && !before.contains(document.activeElement)) {
    try {
      const response = await fetch(location.href, {credentials: "same-origin"});
      if (response.redirected || !response.ok) return;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const after = page.getElementById("live");
      if (after && after.dataset.last !== before.dataset.last) {
        keep(before, after);
        before.replaceWith(document.importNode(after, true));
        localTimes(document.getElementById("live"));
        pause = first;
        if (!after.dataset.last) location.reload();
      }
    } catch {
      // The server is away; the next look may find it.
    }
  }
  pause = Math.min(pause * 1.3, last);
  setTimeout(look, pause);
}

localTimes(document);
setTimeout(look, pause);
document.addEventListener("visibilitychange", () => { pause = first; });
