"""The company as a program needs it to name things: topics, queues, agents, its own token."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from zabota.api import answers
from zabota.api.door import Bearer, caller
from zabota.api.values import QueryId
from zabota.staff import policy
from zabota.staff.models import Level

router = Router(tags=["company"])
ANY = Bearer()


@router.get("/token", auth=ANY, response=answers.Me, operation_id="get_token", summary="Who asks")
def me(request: HttpRequest) -> Any:
    """The token that asks: as whom it works and what it may do."""
    who = caller(request)
    return {
        "token": who.token.name,
        "agent": {"id": who.agent.pk, "name": who.agent.full_name},
        "scopes": who.token.scopes,
        "expires_at": who.token.expires_at,
    }


@router.get(
    "/topics", auth=ANY, response=answers.Topics, operation_id="list_topics", summary="List topics"
)
def topics(request: HttpRequest) -> Any:
    """Topics in use that lead to queues in which the token's agent may write."""
    agent = caller(request).agent
    queues = policy.queues_at(agent, Level.REPLY)
    return {
        "items": [
            {
                "id": one.pk, "name_ru": one.name_ru, "name_en": one.name_en,
                "parent": one.parent_id, "queue": one.queue_id,
            }
            for one in policy.company(agent).topics.values()
            if one.is_active and one.queue_id in queues
        ]
    }  # fmt: skip


@router.get(
    "/queues", auth=ANY, response=answers.Queues, operation_id="list_queues", summary="List queues"
)
def queues(request: HttpRequest) -> Any:
    """Queues in use; a ticket may be moved to one that the token's agent does not see."""
    agent = caller(request).agent
    levels = policy.levels(agent)
    return {
        "items": [
            {
                "id": one.pk, "name_ru": one.name_ru, "name_en": one.name_en, "line": one.line,
                "access": levels[one.pk].name.lower() if one.pk in levels else "",
            }
            for one in policy.company(agent).queues.values()
            if one.is_active and not one.is_quarantine
        ]
    }  # fmt: skip


@router.get(
    "/agents", auth=ANY, response=answers.Agents, operation_id="list_agents", summary="List agents"
)
def agents(
    request: HttpRequest,
    queue: Annotated[
        QueryId | None, Query(description="Only who may answer in this queue.")
    ] = None,
) -> Any:
    """Agents who may answer in a queue that the token's agent sees, or in any of them."""
    agent = caller(request).agent
    now = policy.company(agent)
    wanted = policy.queues_at(agent) & ({queue} if queue else set(now.queues))
    able = {one.pk for pk in wanted for one in policy.agents_in(now, pk)}
    people = [one for one in now.by_name if one.pk in able]
    return {"items": [{"id": one.pk, "name": one.full_name} for one in people]}
