// The pages work without this: it looks again by itself, fetches what takes seconds, and listens to keys.
"use strict";

const busy = () =>
  document.hidden || document.querySelector("#live details[open]") !== null || document.activeElement?.matches("input, select");

const rows = () => [...document.querySelectorAll("table.rows tbody tr")];

async function fetched(address) {
  const answer = await fetch(address, { headers: { accept: "text/html" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function lookAgain(live) {
  const row = rows().indexOf(document.querySelector("tr.here"));
  const made = (await fetched(location.href)).querySelector("#live");
  if (made === null || busy()) return;
  live.replaceChildren(...made.childNodes);
  if (!("refresh" in made.dataset)) delete live.dataset.refresh;
  if (row >= 0) choose(row);
}

function every(seconds, look) {
  const turn = async () => {
    try {
      if (!busy()) await look();
      document.body.classList.remove("away");
    } catch {
      document.body.classList.add("away"); // the command has ended, or the stack is away: what is shown is old
    }
    setTimeout(turn, seconds * 1000);
  };
  return turn;
}

const live = document.querySelector("#live[data-refresh]");
if (live) {
  const seconds = Number(live.dataset.refresh);
  setTimeout(every(seconds, async () => { if ("refresh" in live.dataset) await lookAgain(live); }), seconds * 1000);
}

for (const part of document.querySelectorAll("[data-part]")) {
  const look = async () => {
    part.replaceChildren(...(await fetched(part.dataset.part)).body.childNodes);
    part.dataset.done = "";
  };
  if (part.dataset.every) every(Number(part.dataset.every), look)();
  else look().catch(() => { part.textContent = "not found out"; });
}


function choose(index) {
  const all = rows();
  if (all.length === 0) return;
  document.querySelector("tr.here")?.classList.remove("here");
  const row = all[Math.min(Math.max(index, 0), all.length - 1)];
  row.classList.add("here");
  row.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const here = rows().indexOf(document.querySelector("tr.here"));
  if (event.key === "j") choose(here + 1);
  else if (event.key === "k") choose(here - 1);
  else if (event.key === "Enter" && here >= 0 && event.target === document.body) rows()[here].querySelector("a")?.click();
  else if (event.key === "r") location.reload();
  else if (event.key === "/") document.querySelector("[data-filter]")?.focus();
  else if (/^[a-z]$/.test(event.key)) document.querySelector(`nav a[data-key="${event.key}"]`)?.click();
  else return;
  event.preventDefault();
});
