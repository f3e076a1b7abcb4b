// The Streams page: asks every two seconds, shows what came, and says so when nothing comes.

import { ask, prepareAsking } from "./ask.js";
import { Card } from "./card.js";
import { make, tell } from "./make.js";
import { followAirflowsColours, letLinksLeave } from "./outside.js";
import { clock } from "./words.js";

const EVERY = 2000;
const SEARCH_FROM = 8;
const $ = (id) => document.getElementById(id);
const GROUPS = {
  All: () => true,
  "Needs attention": (s) => s.needs_somebody,
  Running: (s) => s.state === "running",
  Stopped: (s) => s.state === "stopped",
};

const cards = new Map();
let seen = null;
let group = "All";
let silentSince = null;

async function poll() {
  try {
    const reply = await fetch("data", { signal: AbortSignal.timeout(10000) });
    if (reply.status === 401) return logIn();
    if (!reply.ok) throw new Error(String(reply.status));
    seen = await reply.json();
    silentSince = null;
    show();
  } catch {
    silentSince ??= new Date();
    showSilence();
  }
}

async function run() {
  if (!document.hidden) await poll();
  setTimeout(run, EVERY);
}

function show() {
  showBanner(seen.away_since && `The warehouse does not answer since ${clock(seen.away_since)} UTC: ${seen.away}. ` +
    "Nothing is done to any stream until it is back; this page goes on by itself.");
  document.body.classList.toggle("stale", false);
  $("live").classList.toggle("quiet", Boolean(seen.away_since));
  tell($("live-text"), seen.away_since ? "Warehouse away" : `Live, ${clock(seen.at)} UTC`);
  const said = seen.streams.map((stream) => card(stream).show(stream, seen)).filter(Boolean);
  if (said.length) tell($("said"), said.join(". "));
  for (const [feed, gone] of cards)
    if (!seen.streams.some((stream) => stream.feed === feed)) {
      gone.element.remove();
      cards.delete(feed);
    }
  showLinks();
  showNote();
  showFilters();
  choose();
}

function card(stream) {
  if (!cards.has(stream.feed)) {
    const made = new Card((action, of) => ask(action, of, seen.person, done));
    cards.set(stream.feed, made);
    $("streams").append(made.element);
  }
  return cards.get(stream.feed);
}

function showSilence() {
  document.body.classList.add("stale");
  $("live").classList.add("quiet");
  tell($("live-text"), "Not live");
  showBanner(`Airflow's API server does not answer since ${clock(silentSince)} UTC. ` +
    `${seen ? `What is shown is from ${clock(seen.at)} UTC. ` : ""}Trying again every two seconds.`);
}

function logIn() {
  document.body.classList.add("stale");
  tell($("live-text"), "Logged out");
  showBanner("Your session in Airflow has ended. ", make("a", { href: "../auth/login" }, "Log in again"));
}

function showBanner(text, ...more) {
  $("banner").hidden = !text;
  if ($("banner").dataset.text === text) return;
  $("banner").dataset.text = text;
  $("banner").replaceChildren(text || "", ...more);
}

function showLinks() {
  const { pages, spark, registry } = seen.links;
  const refresh = seen.refresh && `Power BI refresh: ${seen.refresh.state}, ${clock(seen.refresh.asked_at)} UTC`;
  const text = [pages, spark, registry, refresh].join();
  if ($("links").dataset.text === text) return;
  $("links").dataset.text = text;
  $("links").replaceChildren(
    ...[
      refresh ? make("span", { title: seen.refresh.why ?? "" }, refresh) : null,
      pages ? make("a", { href: pages, target: "_blank" }, "Readings ↗") : null,
      spark ? make("a", { href: spark, target: "_blank" }, "Spark ↗") : null,
      registry ? make("a", { href: registry, target: "_blank" }, "Models ↗") : null,
    ].filter(Boolean),
  );
}

function showNote() {
  const onlooker = seen.streams.length && !seen.streams.some((stream) => stream.may_act);
  $("note").hidden = !onlooker;
  tell($("note"), "You see the streams; to start, stop or restart one, your role must be allowed to edit its DAG.");
}

function showFilters() {
  const counts = Object.entries(GROUPS).map(([name, belongs]) => [name, seen.streams.filter(belongs).length]);
  if (!$("filters").children.length)
    $("filters").append(
      ...counts.map(([name]) =>
        make(
          "button",
          { type: "button", "data-group": name, onclick: () => { group = name; showFilters(); choose(); } },
          make("span", {}, name),
          make("b"),
        ),
      ),
    );
  counts.forEach(([name, count], index) => {
    const button = $("filters").children[index];
    button.setAttribute("aria-pressed", String(name === group));
    button.classList.toggle("alarm", name === "Needs attention" && count > 0);
    tell(button.lastChild, String(count));
  });
  $("find-label").hidden = seen.streams.length < SEARCH_FROM;
}

function choose() {
  const text = $("find").value.trim().toLowerCase();
  let shown = 0;
  for (const { element, stream } of cards.values()) {
    const named = `${stream.feed} ${stream.title}`.toLowerCase().includes(text);
    element.hidden = !(GROUPS[group](stream) && named);
    shown += element.hidden ? 0 : 1;
  }
  $("empty").hidden = shown > 0;
  tell($("empty"), seen.streams.length ? "No stream is like that now." : "There is no stream that you may see.");
}

function done(told) {
  tell($("toast"), told);
  $("toast").classList.add("shown");
  setTimeout(() => $("toast").classList.remove("shown"), 8000);
  poll();
}

followAirflowsColours();
letLinksLeave();
prepareAsking();
$("find").addEventListener("input", choose);
document.addEventListener("visibilitychange", () => document.hidden || poll());
run();
