"""The documentation pages of our DAGs, each with notes for whoever sees it red."""

from __future__ import annotations

from textwrap import dedent

from vigie.supervision.states import State, advice


def triage(*, does: str, red: str, todo: str) -> str:
    """A DAG's page in Markdown: what it does, what red means, what to do."""
    parts = {"What it does": does, "What red means": red, "What to do": todo}
    return "\n\n".join(f"### {title}\n\n{dedent(text).strip()}" for title, text in parts.items())


def stream_page(feed: str, title: str) -> str:
    """The page of the DAG that keeps a feed's stream running."""
    does = f"""
        Starts the Spark stream of **{title}**, or adopts the one that runs, then watches it and
        relaunches it when it dies or stalls. The task stays *deferred* (it holds no worker slot)
        until its lease ends, and the next run adopts the stream: the driver does not notice.
        Running or stopped is set with `vigie stream start {feed}` and `vigie stream stop {feed}`;
        a stopped stream's task stays deferred too. Clear, mark failed and mark success restart
        the driver gracefully. Pausing ends the watch when the lease ends, not the stream.
    """
    red = """
        The watch itself failed: a fault in our code or in Airflow. A stream that fails does not
        make the task red; its state, its error and each relaunch are in the task's log.
    """
    table = "\n".join(f"| {state} | {advice(state, feed)} |" for state in State)
    todo = f"See `vigie status`.\n\n| state | what to do |\n| --- | --- |\n{table}"
    return triage(does=does, red=red, todo=todo)
