// One stream on the page: what it does, its figures, what to do, and on demand its history.

import { Chart } from "./chart.js";
import { draw, make, tell } from "./make.js";
import { ago, clock, duration, number, when } from "./words.js";

// A shape for each state, so that none is told by its colour alone.
const SHAPES = {
  running: "M6 4l14 8-14 8z",
  starting: "M12 3a9 9 0 1 1-9 9",
  waiting: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v5l4 2",
  stalled: "M8 4v16M16 4v16",
  dead: "M5 5l14 14M19 5L5 19",
  stopping: "M12 21a9 9 0 1 1 9-9",
  stopped: "M5 5h14v14H5z",
  blocked: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M6 6l12 12",
  unknown: "M9 9a3 3 0 1 1 4 2.8c-.8.4-1 1-1 2.2M12 18v.5",
};
const LABELS = { start: "Start", stop: "Stop", restart: "Restart" };

export class Card {
  constructor(onAsk) {
    this.onAsk = onAsk;
    this.lags = [];
    this.shape = draw("path");
    this.word = make("span");
    const icon = draw("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, this.shape);
    this.badge = make("span", { class: "badge" }, icon, this.word);
    this.title = make("h2");
    this.phase = make("p", { class: "phase" });
    this.buttons = make("div", { class: "actions" });
    this.todo = make("div", { class: "todo", hidden: "" });
    this.figures = Object.fromEntries(
      ["Rate", "Lag", "Last commit", "Quarantined", "Launch"].map((name) => [name, new Figure(name)]),
    );
    this.rate = new Chart("area", "Messages committed", "/s");
    this.lag = new Chart("line", "Lag while you look", "messages");
    this.charts = make("div", { class: "charts" }, this.rate.element, this.lag.element);
    this.more = make("div", { class: "more" });
    this.details = make("details", {}, make("summary", {}, "Details"), this.more);
    this.details.addEventListener("toggle", () => this.details.open && this.fetchMore());
    this.element = make(
      "li",
      { class: "stream" },
      make("div", { class: "head" }, make("div", { class: "name" }, this.badge, this.title), this.buttons),
      this.phase,
      this.todo,
      make("dl", { class: "figures" }, ...Object.values(this.figures).map((figure) => figure.element)),
      this.charts,
      this.details,
    );
  }

  show(stream, seen) {
    const before = this.stream;
    Object.assign(this, { stream, seen });
    const now = Date.parse(seen.at);
    this.element.dataset.feed = stream.feed;
    this.element.dataset.state = stream.state;
    this.element.classList.toggle("needs", stream.needs_somebody);
    this.shape.setAttribute("d", SHAPES[stream.state]);
    tell(this.word, stream.state);
    tell(this.title, stream.title);
    const phase = stream.phase === stream.state ? stream.meaning : `${stream.meaning} Now: ${stream.phase}.`;
    tell(this.phase, stream.state === "unknown" ? `Unknown since ${clock(seen.away_since)} UTC. ${stream.meaning}` : phase);
    this.showButtons();
    this.showTodo();
    this.showFigures(now);
    this.showCharts(now / 1000);
    if (this.details.open && this.facts) this.showFacts(now);
    const anew = before && (before.launch !== stream.launch || before.state !== stream.state);
    if (this.details.open && anew) this.fetchMore();
    return before && before.state !== stream.state ? `${stream.title} is now ${stream.state}` : "";
  }

  showButtons() {
    const wanted = this.stream.actions.join();
    if (this.buttons.dataset.actions === wanted) return;
    const held = this.buttons.contains(document.activeElement);
    this.buttons.dataset.actions = wanted;
    this.buttons.replaceChildren(
      ...this.stream.actions.map((action) =>
        make(
          "button",
          {
            type: "button",
            "data-action": action,
            "aria-label": `${LABELS[action]} ${this.stream.title}`,
            onclick: () => this.onAsk(action, this.stream),
          },
          LABELS[action],
        ),
      ),
    );
    if (held) this.buttons.querySelector("button")?.focus();
  }

  showTodo() {
    const s = this.stream;
    const lines = [];
    if (!["running", "stopping", "stopped"].includes(s.state) && s.needs_somebody) lines.push(s.advice);
    if (s.contract_fault) lines.push(`It cannot be launched: ${s.contract_fault}`);
    if (s.contract_differs)
      lines.push("Its driver runs on an older contract. If tables change, run `vigie warehouse plan` and `apply`; then restart it.");
    if (s.desired === "running" && !s.supervised && s.state !== "unknown")
      lines.push(`Nobody watches it ${s.watched_at ? `since ${when(s.watched_at)} UTC` : "yet"}: unpause the DAG ${s.dag}.`);
    lines.push(...s.gaps.map((gap) => `Gap: ${gap}`));
    if (s.error) lines.push(`Launch ${s.error.launch} ended with ${s.error.class}: ${s.error.message}`);
    if (s.unaccounted) lines.push(`The last account misses: ${s.unaccounted}`);
    const text = lines.join("\n");
    if (this.todoText !== text) {
      this.todoText = text;
      this.todo.hidden = !lines.length;
      this.todo.replaceChildren(...lines.map((line) => make("p", {}, ...withCode(line))));
    }
  }

  showFigures(now) {
    const s = this.stream;
    const known = s.state !== "unknown";
    const minute = s.traffic.filter(([begin]) => begin >= now / 1000 - 70 && begin < now / 1000 - 10);
    const rate = minute.reduce((sum, [, read]) => sum + read, 0) / 60;
    this.figures.Rate.show(known ? number(rate) : "–", "messages/s");
    const behind = s.lag_seconds >= 1 ? `${duration(s.lag_seconds)} behind` : s.lag_messages ? "under 1 s behind" : "up to date";
    this.figures.Lag.show(number(s.lag_messages), s.lag_messages === null ? "not known" : behind);
    this.figures["Last commit"].show(known ? ago(s.last_commit, now) : "–", s.last_commit ? `${clock(s.last_commit)} UTC` : "");
    this.figures.Quarantined.show(known ? number(s.quarantined) : "–", "in 24 h");
    this.figures.Launch.show(known && s.launch ? `#${s.launch}` : "–", s.supervised ? "watched" : "not watched");
  }

  showCharts(now) {
    const { slice, length } = this.seen;
    const from = now - length;
    const counted = new Map(this.stream.traffic.map(([begin, read]) => [begin, read / slice]));
    const rates = [];
    for (let begin = Math.ceil(from / slice) * slice; begin <= now - slice; begin += slice)
      rates.push([begin, counted.get(begin) ?? 0]);
    this.rate.show(this.stream.state === "unknown" && !counted.size ? [] : rates, from, now);
    this.lags.push([now, this.stream.lag_messages]);
    this.lags = this.lags.filter(([at]) => at >= from);
    this.lag.show(this.lags, Math.min(this.lags[0][0], now - 60), now);
    this.charts.hidden = !counted.size && this.lags.every(([, lag]) => lag === null);
  }

  async fetchMore() {
    try {
      const reply = await fetch(`data/${encodeURIComponent(this.stream.feed)}`, { signal: AbortSignal.timeout(10000) });
      if (!reply.ok) throw new Error(String(reply.status));
      this.facts = await reply.json();
      this.showFacts(Date.parse(this.seen.at));
      this.showHistory();
    } catch {
      if (!this.facts) this.more.replaceChildren(make("p", {}, "Its history could not be read; close and open it again."));
    }
  }

  showFacts(now) {
    const s = this.stream;
    const by = s.changed_by ? ` by ${s.changed_by}, ${when(s.changed_at)} UTC` : "";
    const facts = {
      Feed: s.feed,
      "Set to": s.desired ? `${s.desired}${by}` : "nothing yet: it was never started",
      Watched: s.watched_at ? ago(s.watched_at, now) : "never",
      Model: s.model ?? "none",
      "Every offset accounted for": s.accounted_at ? `${s.unaccounted ? "NO" : "yes"}, ${ago(s.accounted_at, now)}` : "not looked at yet",
      "Into the lake": ago(s.archived_at, now),
      Compacted: ago(s.compacted_at, now),
    };
    this.list ??= make("dl", { class: "facts" });
    const texts = Object.entries(facts).map(([name, value]) => `${name}\n${value}`);
    if (this.list.dataset.text !== texts.join("\n")) {
      this.list.dataset.text = texts.join("\n");
      this.list.replaceChildren(
        ...Object.entries(facts).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))),
      );
    }
  }

  showHistory() {
    const s = this.stream;
    const dag = `../dags/${encodeURIComponent(s.dag)}`;
    const links = make(
      "p",
      { class: "links" },
      make("a", { href: dag }, "DAG"),
      this.facts.run ? make("a", { href: `${dag}/runs/${encodeURIComponent(this.facts.run)}` }, "Current DAG run") : null,
      s.driver_ui ? make("a", { href: s.driver_ui, target: "_blank" }, "Spark application ↗") : null,
    );
    this.more.replaceChildren(
      this.list,
      links,
      ...(s.error?.tail ? [lines(`Last lines of launch ${s.error.launch}`, s.error.tail)] : []),
      ...(this.facts.output ? [lines("Last lines of the newest driver", this.facts.output)] : []),
      table(
        "Launches",
        ["Launch", "Began (UTC)", "First commit", "Ended", "Outcome"],
        this.facts.launches.map((l) => [
          `#${l.launch}`,
          when(l.created_at),
          l.first_commit_at ? clock(l.first_commit_at) : "–",
          l.ended_at ? when(l.ended_at) : "–",
          l.outcome ?? "goes on",
        ]),
      ),
      table(
        "What was done",
        ["At (UTC)", "What", "Who", "Detail"],
        this.facts.events.map((e) => [when(e.at), e.kind, e.person, e.detail ?? ""]),
      ),
    );
  }
}

class Figure {
  constructor(name) {
    this.value = make("span", { class: "value" });
    this.hint = make("span", { class: "hint" });
    this.element = make("div", {}, make("dt", {}, name), make("dd", { "data-figure": name }, this.value, this.hint));
  }

  show(value, hint) {
    tell(this.value, value);
    tell(this.hint, hint);
  }
}

// What stands between backticks is something to type.
function withCode(text) {
  return text.split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part));
}

function lines(title, text) {
  return make("details", { class: "lines" }, make("summary", {}, title), make("pre", { tabindex: "0" }, text));
}

function table(title, columns, rows) {
  const head = make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name)));
  const body = rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell))));
  if (!rows.length) body.push(make("tr", {}, make("td", { colspan: columns.length }, "Nothing yet.")));
  return make(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
    make("table", {}, make("caption", {}, title), make("thead", {}, head), make("tbody", {}, ...body)),
  );
}
