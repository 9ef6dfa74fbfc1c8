"""A claim that rests on something live: a chip without a file, a link, a dashboard, or what is so at this moment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.report.lints import CHIP, Found, Line, Lint, live
from workbench.report.prose import own_words
from workbench.report.prose.subjects import subject

_URL = re.compile(r"\b(?:https?|wss?)://\S+|\bwww\.\S+|\b(?:go|links?|dash|grafana|kibana)/[\w-]{3,}")
_FIXED = re.compile(
    r"/commits?/|/pull/|/merge_requests/|/pulls?/\d|/-/|/blob/[0-9a-f]{7}|/tree/[0-9a-f]{7}|/issues?/|/browse/"
    r"|/releases?/|/tags?/"
    r"|doi\.org|arxiv\.org|rfc|/docs?/|://docs\.|runbooks?|/wiki|readthedocs|/license|\.md\b|schema\.org|w3\.org"
    r"|/u/|/users/"
    r"|\bsha256\b", re.IGNORECASE)  # fmt: skip
"""Addresses of something that stays: a commit, a change request, a text."""
_PERSONAL = re.compile(r"(?:github|gitlab|bitbucket|linkedin)\.(?:com|org)/[\w.-]+/?\W*$")
_TOOL = (r"(?:grafana|datadog|looker|kibana|superset|tableau|power ?bi|prometheus|splunk|new relic|metabase|redash"
         r"|honeycomb"
         r"|cloudwatch|tensorboard|sentry|jaeger|zabbix|nagios|icinga|opsgenie|pagerduty|chronograf|quicksight"
         r"|databricks|snowsight"
         r"|mlflow|w&b|wandb|weights (?:and|&) biases|airflow ui|spark ui|google sheets?|sheets?|spreadsheet"
         r"|confluence|amplitude"
         r"|mixpanel|statuspage|nvidia-smi|nvtop|htop|kubectl|consul|arize|evidently|lens|dynatrace|appdynamics"
         r"|graphite)")  # fmt: skip
_BOARD = (r"(?:dashboards?|boards?|panels?|charts?|graphs?|tiles?|monitors?|status ?page|control room screen|wall"
          r" screen|screens?"
          r"|cockpit|explorer|heatmaps?|live (?:view|feed|query|table|chart|data|numbers?)|console|ui|web ui|widget"
          r"|plots?|tab"
          r"|scoreboard|wallboards?|cards?|workbooks?|explores?|leaderboard|overview page|metrics page|report page"
          r"|big screen)")  # fmt: skip
_POINT = (r"(?:see|cf|pull(?:ed)? up|query|ask|screen|open|check|look(?:ing)? (?:at|up|into)|consult|refer to|visit"
          r"|browse|click|follow|view"
          r"|watch|find\w* (?:\w+ )?(?:in|on|at)|go to"
          r"|(?:can|may|could) be (?:\w+ )?(?:seen|read|found|looked up|checked|verified|followed|watched"
          r"|inspected)(?: (?:live|best|there|directly))?"
          r"|visible|(?:as )?(?:shown|displayed|plotted|seen|listed|reported|given|documented|tracked)|available"
          r"|details|numbers?|figures?|source|evidence|proof|per|via"
          r"|according to|linked|link to|is|are|remains?|according|evident|taken|read off|pulled|copied|comes?"
          r"|came)")  # fmt: skip
_SHOWS = (r"(?:(?:still |now |also |clearly |all |currently |again |today )*(?:shows?|says?|displays?|reads?"
          r"|confirms?|proves?|tells?|indicates?|reports?"
          r"|looks?|stays?|remains?|keeps?|has|agrees?|gives|lists|suggests?|(?:is|are) (?:all |still |now |back "
          r"|again |at )*(?:green|red|amber"
          r"|healthy|flat|quiet|normal|clean|ok|okay|fine|calm|yellow|good|clear|silent|stable|up|down"
          r"|empty)))")  # fmt: skip
_POINTED = (
    re.compile(rf"\b{_POINT}\b\.?(?:\s+(?:\w+|&)){{0,2}}?\s+(?:in|on|at|from|by|of|to|with)?\s*(?:(?:the|our|this|that"
               rf"|its|a)\s+)?(?:[\w'’-]+\s+){{0,3}}?"
               rf"(?:{_TOOL}|{_BOARD})\b(?!\.yaml|-)", re.IGNORECASE),
    re.compile(rf"\b(?:{_TOOL}|{_BOARD})(?: (?:\w+ ){{0,4}}?)?\s*{_SHOWS}\b", re.IGNORECASE),
    re.compile(rf"(?:^|[(,;:–—-]\s*)(?:{_TOOL})(?: (?:{_BOARD}|link|query|export link))?\s*(?=$"
               rf"|[).,;:])", re.IGNORECASE),
    re.compile(rf"\b(?:is|are|looks?|seems?|appears?|stays?) \w+ (?:on|in) (?:the |our )?(?:[\w-]+"
               rf" ){{0,3}}(?:{_TOOL}|{_BOARD})\b", re.IGNORECASE),
    re.compile(rf"\b(?:{_BOARD}|view|query|search) (?:in|on|of) (?:our |the )?(?:{_TOOL})\b", re.IGNORECASE),
    re.compile(r"\b(?:dashboard|grafana|looker|kibana|datadog|panel) (?:link|url)\b", re.IGNORECASE),
)  # fmt: skip
_ONLY_NOUN = re.compile(
    r"^\s*(?:is|are|remains?|comes?|came|numbers?|figures?|details|per|via|linked)\b", re.IGNORECASE
)
_STILL = re.compile(
    r"\b(?:frozen|freez\w+|export(?:ed|s)?|snapshot\w*|screenshot\w*|archiv\w+|cop(?:y|ies) of|saved|stored"
    r"|recorded|digest|pinned|parquet"
    r"|definition|version of|code of|config(?:uration)? of|template|provision\w*)\b", re.IGNORECASE)  # fmt: skip
"""What was taken from something live stays as it was."""
_NARRATED = re.compile(
    r"\b(?:had no|has no|lacks?|lacked|without an?|did not (?:have|show|exist|load|hold)|was (?:down|unreachable"
    r"|stale|empty|slow|missing|hidden|opened|looked"
    r"|added|removed|changed|built|used|muted|read)|were (?:down|stale|empty|missing|added|removed|muted)|averages?"
    r"|aggregates?|colou?rs?|hides?|hid|showed|covers?"
    r"|covered|excludes?|excluded|queries|queried|reads? from|pages? (?:the|on)|does not|do not|cannot|only"
    r" (?:shows?|lists?|covers?|draws?)|draws|drew"
    r"|was (?:only )?(?:named|called|titled)|by default|one (?:line|series|curve) per|per (?:region|site|host|model"
    r"|day))\b", re.IGNORECASE)  # fmt: skip
"""What a dashboard does or lacks is a fact about the dashboard."""
_NOW = re.compile(
    r"(?<![`\w.-])(?:as of (?:now|today|this (?:morning|afternoon|evening|moment|writing)|writing|right now|the"
    r" time of writing|late|yesterday)"
    r"|right now|for the (?:moment|time being)|at this point(?: in time)?|for the (?:current|latest|newest) (?:state"
    r"|value"
    r"|figure|number|status|count)s?|(?:the )?(?:number|figure|value|count|state|status|reading)s? of today"
    r"|newest (?:figures?"
    r"|numbers?|values?|state)|(?:re-?)?run the (?:\w+ )?(?:quer(?:y|ies)|select|notebook|sql|command|report"
    r"|search)(?: \w+)? "
    r"(?:again|to|and|on prod\w*|yourself|for)|(?:is|are) (?:\w+ )?(?:again|back) (?:on|at|to) (?:the |its "
    r"|their )?(?:old|usual"
    r"|normal|former)|at (?:the|this|present) ?(?:moment|time|minute|hour)?(?<=moment|minute)|at present|presently"
    r"|currently|as we speak|as (?:i|we) (?:write|speak)"
    r"|at (?:the )?time of writing|(?:up )?(?:till|until|to|up to) (?:now|today|date|this day)(?! and)|so far|these"
    r" days|nowadays|just now|this very moment"
    r"|in real[- ]time (?:on|at|in)|today['’]s (?:value|figure|number|reading)|(?:the )?(?:latest|current|live"
    r"|today['’]s|real-?time|up-to-date) (?:value|figure|number|reading|count|status|state of|level|loss|total"
    r"|query result|result|data)s?(?: (?:is|are|on|in|at|shows?|says?|of|can|under|,|:))"
    r"|(?:is|are|was|were|'s) (?:now|today) (?:at |back |again |all )?(?:back|normal|green|healthy|fine|stable|ok"
    r"|okay|good|quiet|flat|low|high|open|empty|idle|gone|over|done|resolved|steady|calm|usual|recovered|complete"
    r"|running|working|serving|responding|closed|clear|clean|at|around|about|rising|falling|\d[\d,.]*)"
    r"|now (?:shows?|says?|reads?|stands?|sits?|is at|at \d|back (?:to|at|in)|looks?)"
    r"|(?:is|are|keeps?|stays?|remains?) still (?:\w+ly )?(?:\w+ing|open|elevated|red|high|low|up|down|green|above"
    r"|below|at|affected|broken|degraded|there|visible|ongoing|wrong)"
    r"|still (?:\w+ing|open|red|elevated|ongoing) (?:today|at the time|now|in)|still (?:coming|rising|growing"
    r"|falling|climbing|counting|trickling|arriving)"
    r"|today (?:is|are|it|the|all|we|there|\w+s) (?:is|are|see|show|look|have|has)|(?:is|are|looks?|shows?|sees?)"
    r" [^.;,]{0,30}\btoday\b"
    r"|(?:last|past) (?:\d+|few|24|couple of)?\s*(?:minutes|hours|h|min|days)(?: (?:on|in|of) (?:the|our))?"
    r" (?:dashboard|panel|graph|grafana|chart)"
    r"|(?:updates|updated|refreshes|refreshed|auto-?refresh\w*) (?:every|hourly|each|live|continuously"
    r"|automatically|by itself|daily|itself)"
    r"|\(live\)|\blive\s*[\])]|\blive\s*:)", re.IGNORECASE)  # fmt: skip


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find words that point at something live, and chips whose index names no frozen file."""
    moving = live(lines)
    for line in lines:
        if line.section == "Evidence index" or line.text.startswith("#"):
            continue
        if said := pointed(line.bare, line.section):
            yield line, f"rests on live evidence: {said}"
        if cited := [chip for chip in CHIP.findall(line.text) if chip in moving]:
            yield line, f"rests on {cited[0]}, which is live: the index names no frozen file of it"


def pointed(text: str, section: str) -> str:
    """Return the first words of a text that point at something live; empty where there are none."""
    for link in _URL.finditer(text):
        if not _FIXED.search(link[0]) and not _PERSONAL.search(link[0]):
            return link[0]
    told = own_words(text)
    if now := _NOW.search(told):
        return now[0].strip()
    if section == "Actions" or _STILL.search(told):
        return ""
    for place, pattern in enumerate(_POINTED):
        for found in pattern.finditer(told):
            if (
                place == 0
                and _ONLY_NOUN.match(found[0])
                and not re.search(r"\b(?:on|in|at|from|by|to)\s+(?:the|our|[A-Z])", found[0])
            ):
                continue
            looks = re.match(
                r"(?:see|open|check|view|watch|consult|visit|browse|follow|click|ask|query)\b", found[0], re.IGNORECASE
            )
            if looks and _told_of(told, found.start()):
                continue
            if not _NARRATED.search(told):
                return found[0].strip(" ,;:(–—-")
    return ""


def _told_of(told: str, at: int) -> bool:
    """Say whether somebody else is told to look at something, as a fact: "reviewers see only the chart"."""
    clause = re.split(r"[,;:.(–—]\s|\b(?:and|or|please|just|so|but|then)\b", told[:at])[-1]
    who = subject(clause, len(clause)) if clause.strip(" -*") else []
    return bool(who) and who[-1].lower() not in ("we", "you", "i", "one", "anyone", "anybody", "please", "everybody")


LINT = Lint("live evidence", "Ask the question in the case, so that the answer is frozen, and cite its chip.", check)
