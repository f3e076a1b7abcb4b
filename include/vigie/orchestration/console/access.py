"""Who may see and do what on the Streams page: Airflow's login, Airflow's roles.

A plugin's routes are open to everybody unless they ask for more. What they ask here is not part of
Airflow's public interface; were it to move, importing this module, and with it the plugin, fails.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.configuration import conf
from airflow.models.dag import DagModel
from fastapi import HTTPException, Request, status

from vigie.orchestration.stream_feed import dag_of

User = GetUserDep
"""Whoever is logged in, by Airflow's cookie or a bearer token of Airflow's."""


def require_login(user: User) -> None:
    """Answer 401 to whoever is not logged in to Airflow."""


def person(user: User) -> str:
    """The name under which what this user asks for is kept."""
    return str(user.get_name())


def permitted(user: User, feeds: Iterable[str], method: Literal["GET", "PUT"]) -> set[str]:
    """The feeds whose DAG this user may read (`GET`) or edit (`PUT`)."""
    feed_of = {dag_of(feed): feed for feed in feeds}
    by_team = defaultdict(set)
    teams = DagModel.get_dag_id_to_team_name_mapping(list(feed_of))
    for dag in feed_of:
        by_team[teams.get(dag)].add(dag)
    allowed: set[str] = set()
    for team, dags in by_team.items():
        allowed |= get_auth_manager().filter_authorized_dag_ids(
            dag_ids=dags, user=user, method=method, team_name=team
        )
    return {feed_of[dag] for dag in allowed}


def require_reader(feed: str, request: Request, user: User) -> None:
    """Answer 403 to whoever may not read the feed's DAG."""
    requires_access_dag("GET", param_dag_id=dag_of(feed))(request, user)


def require_editor(feed: str, request: Request, user: User) -> None:
    """Answer 403 to whoever may not edit the feed's DAG."""
    requires_access_dag("PUT", param_dag_id=dag_of(feed))(request, user)


def require_own_page(request: Request) -> None:
    """Answer 403 to what another site makes a browser send with the cookie of its user.

    A browser tells where a request comes from. What tells nothing is no browser, and must show a
    token of its own.
    """
    headers = request.headers
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if site is not None:
        own = site == "same-origin"
    elif origin is not None:
        base = urlsplit(conf.get("api", "base_url", fallback=""))
        own = urlsplit(origin).netloc in {headers.get("host"), base.netloc}
    else:
        own = headers.get("authorization", "").lower().startswith("bearer ")
    if not own:
        detail = "this request comes from another site; use the Streams page itself"
        raise HTTPException(status.HTTP_403_FORBIDDEN, detail)
