"""What people write for the postmortem: actions, lessons, and how far the review has come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from workbench.case.operations import Operation, Outcome, Standing
from workbench.errors import UsageError

ReviewStatus = Literal["draft", "in review", "reviewed", "closed"]
ActionType = Literal["prevent", "detect", "mitigate", "process"]
ActionState = Literal["open", "done", "dropped"]
LessonKind = Literal["well", "badly", "luck", "lesson"]
_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")


def action(
    _: object, what: str, owner: str = "", due: str = "", verify_by: str = "",
    kind: ActionType = "prevent", state: ActionState = "open",
) -> Outcome:  # fmt: skip
    """Agree on an action; saying it again with the same words updates owner, due date (ISO) and state.

    *verify_by* is the check that shows that it works. What is not known yet may
    stay empty; ``workbench lint`` says so until it is filled.
    """
    facts = ", ".join(text for text in (kind, state, f"owner {owner or 'nobody yet'}", f"due {due or 'unknown'}",
                                        f"verified by {verify_by or 'nothing yet'}"))  # fmt: skip
    return Outcome(
        values={"what": what, "owner": owner or None, "due": due or None, "verify_by": verify_by or None,
                "kind": kind, "state": state},
        summary=f"Action: {what} ({facts}).",
    )  # fmt: skip


def _settle_action(_: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    if not arguments["what"].strip():
        raise UsageError("An action needs words: what will be done; empty text was given.")
    if arguments["due"] and not _DATE.fullmatch(arguments["due"]):
        raise UsageError(f"An action is due on a date such as 2026-03-15; got {arguments['due']!r}.")
    return arguments


def lesson(_: object, text: str, kind: LessonKind = "lesson") -> Outcome:
    """Write down what went well, what went badly, where one was lucky, or what was learnt."""
    if not text.strip():
        raise UsageError("A lesson needs text; an empty one was given.")
    return Outcome(values={"kind": kind, "text": text}, summary=text)


def review(_: object, status: ReviewStatus) -> Outcome:
    """Say how far the review of the postmortem has come: draft, in review, reviewed or closed."""
    return Outcome(values={"status": status}, summary=f"Postmortem: {status}.")


_NEXT: Mapping[str, tuple[str, ...]] = {
    "draft": ("draft", "in review"),
    "in review": ("in review", "draft", "reviewed"),
    "reviewed": ("reviewed", "in review", "closed"),
    "closed": ("closed", "in review"),
}
"""Status of the postmortem -> what may follow; a closed one goes back into review to be changed."""


def _settle_review(case: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    newest = case.state.newest("review")
    now = newest.arguments["status"] if newest is not None else "draft"
    if arguments["status"] not in _NEXT[now]:
        raise UsageError("A postmortem goes draft, in review, reviewed, closed; "
                         f"it is {now}, so {arguments['status']!r} "
                         f"cannot follow. Next: {', '.join(repr(s) for s in _NEXT[now][1:])}.")  # fmt: skip
    return arguments


def close(_: object, cause: str | int | None = None, helped: str = "") -> Outcome:
    """Close the case with its cause, named by rank or as ``kind entity``, and say what helped; later cases learn it.

    ``None`` says that no cause was found.
    """
    what = f"with the cause {cause}" if cause else "without a cause"
    return Outcome(
        values={"cause": cause or None, "helped": helped or None},
        summary=f"Closed {what}." + (f" What helped: {helped}" if helped else ""),
    )


def _settle_close(case: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    cause = arguments["cause"]
    if isinstance(cause, int):
        ranks = {c.rank: f"{c.kind} {c.entity}" for c in case.ranking or ()}
        if cause not in ranks:
            raise UsageError(f"No cause has rank {cause}; ranks: {', '.join(map(str, sorted(ranks))) or 'none yet'}.")
        return {**arguments, "cause": ranks[cause]}
    if cause is not None and not re.fullmatch(r"\w+ [a-z_]+:.+", cause):
        raise UsageError(f"A cause is a rank, or kind and entity such as 'bad_deploy service:scoring'; got {cause!r}.")
    return arguments


def _action_slot(arguments: Mapping[str, Any]) -> str:
    return f"action:{arguments['what']}"


OPERATIONS = (
    Operation("action", "human", action, action.__doc__ or "", settle=_settle_action, slot=_action_slot),
    Operation("lesson", "human", lesson, lesson.__doc__ or ""),
    Operation(
        "close",
        "human",
        close,
        close.__doc__ or "",
        settle=_settle_close,
        slot=lambda _: "close",
        apply=lambda state, _: replace(state, status="closed"),
    ),
    Operation("review", "human", review, review.__doc__ or "", settle=_settle_review, slot=lambda _: "review"),
)
"""Registered with the other human operations, so that every case has them."""
