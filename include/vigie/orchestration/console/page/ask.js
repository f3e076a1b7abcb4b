// Asks before something is done to a stream, does it, and says what came of it.

import { tell } from "./make.js";

const $ = (id) => document.getElementById(id);

const QUESTIONS = {
  start: (s) => [
    `Start ${s.title}?`,
    "A driver is submitted to Spark within seconds and takes up to a minute to its first commit. " +
      "It goes on where the last commit ended: nothing is lost, nothing is counted twice.",
    "Start",
  ],
  stop: (s) => [
    `Stop ${s.title}?`,
    "The batch in hand commits, then its driver ends; after 60 seconds it is killed. It stays stopped " +
      `until somebody starts it. Meanwhile readings wait in Kafka${s.kept ? `, which keeps them for ${s.kept}` : ""}.`,
    "Stop",
  ],
  restart: (s) => [
    `Restart ${s.title}?`,
    `The batch in hand commits, then the driver of launch ${s.launch} ends and a new one is launched. ` +
      "A pause after failures is skipped. Nothing is lost, nothing is counted twice.",
    "Restart",
  ],
};

let pending = null;

export function ask(action, stream, person, then) {
  const [title, text, label] = QUESTIONS[action](stream);
  pending = { action, stream, then };
  tell($("ask-title"), title);
  tell($("ask-text"), `${text} That ${person} asked for it is kept.`);
  tell($("ask-yes"), label);
  $("ask-yes").dataset.action = action;
  $("ask-yes").disabled = false;
  $("ask-refused").hidden = true;
  $("ask").showModal();
  $("ask-no").focus();
}

export function prepareAsking() {
  $("ask-no").addEventListener("click", () => $("ask").close());
  $("ask-yes").addEventListener("click", async () => {
    const { action, stream, then } = pending;
    $("ask-yes").disabled = true;
    $("ask-refused").hidden = true;
    const { told, refused } = await send(action, stream);
    $("ask-yes").disabled = false;
    if (refused) {
      tell($("ask-refused"), refused);
      $("ask-refused").hidden = false;
      return;
    }
    $("ask").close();
    then(told);
  });
}

async function send(action, stream) {
  try {
    const reply = await fetch(`data/${encodeURIComponent(stream.feed)}/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ launch: stream.launch }),
      signal: AbortSignal.timeout(20000),
    });
    const answer = await reply.json();
    return reply.ok ? { told: answer.told } : { refused: explain(reply.status, answer.detail, stream) };
  } catch {
    return {
      refused: "Airflow's API server did not answer, so it is not known whether it was done. " +
        "Look at the stream once the page is live again.",
    };
  }
}

function explain(status, detail, stream) {
  if (status === 401) return "Your session has ended. Log in to Airflow again, then repeat it.";
  if (status === 403 && detail === "Forbidden")
    return `Your role may not edit the DAG ${stream.dag}; ask whoever administers Airflow.`;
  return typeof detail === "string" ? detail : `It was refused (${status}).`;
}
