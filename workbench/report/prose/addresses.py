"""Handles, mail addresses and logins of people, told from those of teams, lists, programs and notations."""

from __future__ import annotations

import re

from workbench.report.prose import vocabulary

_ROLE_PART = vocabulary("""alert alerts oncall on-call call team teams ops noreply no-reply reply donotreply support
    info list lists group
    groups bot bots svc service services system sys admin admins root postmaster ci cd cron jenkins airflow git github
    gitlab dba sre eng engineering data ml ai ds platform infra security sec billing finance legal hr sales marketing
    press help helpdesk desk hello contact feedback notifications notify notification monitoring pager pagers pagerduty
    incidents incident abuse dev devs devops mlops dataops dev-null office all everyone here channel everybody
    deploy deployer deployments release releases build builds robot automation scheduler runner worker app apps api
    kafka spark etl prod production staging test tests user users reports report jobs job batch daemon mailer nobody
    oncalls rotation owners leads reviewers maintainers analytics search ads fraud risk payments growth research ranking
    reco pricing forecasting forecast serving inference training features store crew squad guild tribe core backend
    frontend mobile web checkout catalog catalogue logistics fleet grid trading claims underwriting
    customer-care care vendor partner partners github-actions actions renovate dependabot codeowners warehouse
    labs lab quality trust safety content moderation messaging network storage""")
"""Parts of an address that stand for a role, a list or a program."""
_NOTATIONS = vocabulary("""property staticmethod classmethod dataclass retry cache cached lru_cache task dag op asset
    step flow fixture
    override deprecated nullable notnull transactional scheduled autowired bean test param parametrize jit njit vmap
    pmap tool entity id column table media import charset keyframes component injectable input output wraps
    contextmanager
    validator root_validator overload final abstractmethod pytest app router remote ray serve async sync timeout timed
    once memoize trace traced batch latest next stable""")
"""Decorators, annotations and tags of packages."""
_MAIL = re.compile(r"(?<![\w/:.@-])([\w.+'-]+)@([\w-]+(?:\.[\w-]+)*\.[A-Za-z][\w-]+)")
_HANDLE = re.compile(r"(?<![\w/.@`])@([A-Za-z][\w.-]*\w)(?![\w(/])")
_MENTION = re.compile(r"<@[UW][A-Z0-9]{4,}>")
_PROFILE = re.compile(r"https?://(?:www\.)?(?:github|gitlab|bitbucket|linkedin|twitter|x)\.(?:com|org)/(?:in/|u/"
                      r"|users/)?"
                      r"([\w.-]+)/?(?=[\s)>\],.]|$)")  # fmt: skip
_LOGIN = re.compile(
    r"\b(?:user(?:name)?|login|account|logged in as|signed in as|handle|author|committer|committed by|pushed by"
    r"|approved by|merged by|assignee|requester|initiator|actor|principal|uid)(?:\s+(?:of|was|is|=|:))?\s*[:=]?\s*"
    r"[`'\"]?([a-z]{1,2}[._-]?[a-z]{3,}\d{0,3})[`'\"]?(?=$|[\s,.;)\]])")  # fmt: skip
_DOTTED = re.compile(r"(?<![\w/.@-])([a-z]{1,12}[._][a-z]{3,})(?![\w/.(=@-])")
_KNOWN_WORDS = re.compile(r"\b(?:decorator|annotation|package|npm|scope|tag|image|pip|directive)s?\s*$", re.IGNORECASE)


def address(text: str) -> str:
    """Return the first handle or address of a person in a text; empty where there is none."""
    if found := _MENTION.search(text):
        return found[0]
    for found in _MAIL.finditer(text):
        if not _role(found[1]) and not _role(found[2].split(".")[0], lists_only=("lists", "groups", "list")):
            return found[0]
    for found in _HANDLE.finditer(text):
        name = found[1].rstrip(".")
        if name.lower() in _NOTATIONS or _role(name) or _KNOWN_WORDS.search(text[: found.start()]):
            continue
        if re.match(r"\s+(?:decorator|annotation|directive|tag)\b", text[found.end() :]):
            continue
        return found[0]
    profile = _PROFILE.search(text)
    return profile[0] if profile and not _role(profile[1]) else ""


def _role(local: str, lists_only: tuple[str, ...] = ()) -> bool:
    """Say whether a name is a role's or a program's; with *lists_only*, whether it is one of those words."""
    parts = [p for p in re.split(r"[._+-]", local.lower()) if p]
    if lists_only:
        return any(part in lists_only for part in parts)
    return any(part.rstrip("0123456789") in _ROLE_PART for part in parts) or local.isdigit() or local.isupper()


def role_name(name: str) -> bool:
    """Say whether the name of an account is a role's, a list's or a program's."""
    return _role(name)


def login(text: str) -> str:
    """Return the login of a person after a word that announces one, such as ``user`` or ``merged by``."""
    for found in _LOGIN.finditer(text):
        if re.search(r"[._\d]|(?:^[a-z]{1,2}[._-])", found[1]) and not _role(found[1]):
            return found[0]
    return ""
