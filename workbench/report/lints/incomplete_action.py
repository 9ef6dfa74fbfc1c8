"""An action without owner, due date or the check that verifies it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from workbench.report.lints import Found, Line, Lint

_OPEN = re.compile(
    r"[\W_]*|x+|n\W*n\W*|[\W_]*\(?(?:see|ask|tb).*|t\W*b\W*[adcn]\W*|n\W*a\W*|.* or .*|(?:not |un)(?:known"
    r"|assigned|decided|clear|owned|set"
    r"|agreed|yet)\b.*|tb[adc]\b.*|n/?a|none\b.*|nil|null"
    r"|nobody\b.*|no[ -]?one\b.*|no owner.*|nothing\b.*|open|pending\b.*|later|(?:to be|to follow|to come)\b.*|\?.*"
    r"|.*\?"
    r"|(?:we|i|you) (?:will|shall) see|wait and see|to do|todo|see (?:above|below)|same|as (?:above|needed|usual)"
    r"|(?:the )?(?:owner|assignee|name|person|someone|date|check)(?: here| to be .*)?|<.*>|\{.*\}|\[.*\]|vacant|me"
    r"|myself|i|you|him|her"
    r"|volunteers?"
    r"(?: .*)?|whoever\b.*|needs? (?:an )?(?:owner|check|discussion)"
)
"""What stands where nothing has been agreed on."""
_EVERYBODY = re.compile(
    r"(?:all|every|both|each|any|some|various|several|multiple|other) (?:of )?(?:the |our )?\w+(?: \w+)?"
    r"|(?:every(?:one|body)|some(?:one|body)|any(?:one|body))\b.*"
    r"|(?:all|us|we|both|others?|they|them|various|multiple|several|shared)(?: of us| (?:the )?(?:teams?|people"
    r"|engineers?"
    r"|developers?|on-?calls?|groups?|owners?))?|(?:the |our |a |an )?(?:whole |entire |same |right |responsible "
    r"|relevant |appropriate |other )?"
    r"(?:teams?|groups?|people|folks|company|org(?:ani[sz]ation)?|departments?|devs?|developers?|engineers?|engineering"
    r"|management|leadership|business|community|crew|guild|squad|stakeholders?|volunteers?)")  # fmt: skip
"""Nobody in particular."""
_ACT = (r"(?:keep(?:ing)? an eye|monitor(?:ing|ed)?|watch(?:ing|ed)?|observ(?:e|ing|ed)|eyeball\w*|glance|look(?:ing"
        r"|ed|s)?"
        r"|check(?:ing|ed|s)?|test(?:ing|ed|s)?|verif(?:y|ied|ication)|confirm(?:ed|ation)?|see|review(?:ing|ed)?"
        r"|inspect(?:ion|ing|ed)?|track(?:ing|ed)?|follow(?:ing)?[- ]?up|discuss(?:ion|ed)?|ask(?:ing)?|qa"
        r"|validat(?:e|ed|ion)|peer|code|pair|second|lgtm|approv(?:e|ed|al)|sign(?:ed)?[- ]?off|retro(?:spective)?"
        r"|demo|standup|meeting|sync"
        r"|merged|closed|deployed|shipped|released|implemented|complete[d]?|finished|yes|no|sure|obvious|trivial"
        r"|self-evident|call|ticket|pr|mr|feedback"
        r"|make sure|ensure|wait|observation|sanity|spot|try it)")  # fmt: skip
_LOOSE = (r"(?:it|this|that|them|things?|everything|all|on|at|for|in|the|a|an|to|of|with|if|whether|is|are|has|have"
          r"|been|be"
          r"|will|we|i|and|or|after|once|again|later|closely|manual(?:ly)?|visual(?:ly)?|quick(?:ly)?|careful(?:ly)?"
          r"|regular(?:ly)?"
          r"|periodic(?:ally)?|some|more|time|while|prod(?:uction)?|staging|works?|working|worked|fixed|fine"
          r"|ok(?:ay)?|good"
          r"|well|better|done|results?|changes?|fix|dashboards?|graphs?|metrics?|logs?|numbers?|situation|team|people"
          r"|us|them"
          r"|by|as|needed|usual|week|day|days|weeks|next|few|common|sense|happens?|out|up|over)")  # fmt: skip
_VAGUE = re.compile(
    rf"(?:(?:{_ACT}|{_LOOSE})[\s,;/&-]*)+"
    r"|.*\b(?:(?:looks?|looking|seems?|feels?|appears?|is|are|should be|all|works?|working|runs?) (?:\w+ )?"
    r"(?:good|fine|ok|okay|better|right|healthy|happy|normal|stable|well|nice|as expected|under control))\b(?!.*\d).*"
    r"|(?:we|i|they)(?: will|['\u2019]ll| shall)? (?:see|know|notice|find out|hear)\b.*"
    r"|.*\b(?:keep an eye|gut|impression|feeling|trust|hope(?:fully)?|intuition|best effort|common sense)\b.*"
    r"|(?:it |this |that |the \w+ )?(?:won['\u2019]t|will not|does(?:n['\u2019]t| not)|never) (?:happen|recur|occur"
    r"|come back)\b.*"
    r"|(?:when|once|if) (?:it(?:['\u2019]s| is)|this is|we are|everyone is|all is|done|fixed|ready|finished"
    r"|complete)\b.*"
    r"|(?:nobody|no ?one|users?|customers?|no more|no further|fewer|less) (?:\w+ )?(?:complain\w*|issues?|problems?"
    r"|incidents?"
    r"|pages?|noise|happy)\b.*")  # fmt: skip
"""An activity or an impression: nothing in it can come out false."""

_CHECKABLE = re.compile(
    r"\d|[(_/=<>*:]|\w\.\w|--|\b(?:tests?|pytest|runs?|ran|drills?|rehears\w+|replay\w*|quer(?:y|ies)|alerts?"
    r"|alarms?|guards?|ci|builds?|pipelines?"
    r"|counts?|diffs?|lists?|listed|logs?|logged|rows?|digests?|hash\w*|exits?|fails?|fires?|pass(?:es)?|rejects?"
    r"|refus\w+|returns?|absent|present|missing|gone"
    r"|equals?|match\w*|zero|no|none|nothing|hold(?:s|ing)?|contains?|includ\w+|ends?|reach\w*|pages?|pager|raises?"
    r"|green|red|rules?|lint\w*|reports?|exports?"
    r"|snapshots?|files?|contracts?|links?|joins?|leaves?|keeps?|stays?|remains?|drops?|falls?|below|above|under"
    r"|within|over|at (?:least|most)|less|more|fewer"
    r"|empty|null|nulls|error|errors|4xx|5xx|answers?|sends?|arrives?|appears?|blocks?|blocked|stops?|starts?"
    r"|restores?|restored|recovers?|opens?|prints?|warns?"
    r"|complains?|asserts?|assertions?|checks? (?:of|on|that|for|in)|compar\w+|scan\w*|explain|select|probe\w*"
    r"|canary|shadow|backtest\w*|simulat\w+|inject\w*|chaos|fault"
    r"|fixture|golden|audit(?: log| trail)?|checklist|entry|entries|record\w*|ticket (?:holds|lists|shows)|schema"
    r"|config|dry[- ]run|benchmark|load test|recall|precision"
    r"|p\d\d|latency|rate|share|ratio|limit|threshold|metric (?:is|of)|deleted|removed|renewed|expires?|expir\w+"
    r"|signed|signature|version|pinned|attached|resolves?"
    r"|identical|same|differs?|unchanged|reproduc\w+|accepts?|denies|denied|forbidden|shows?|screenshot|covers?"
    r"|covered|coverage|complete|applied|disabled|enabled|off|on)\b"
)
"""What a check holds: something to run or to count, or a state that can be otherwise."""


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find rows of the actions in which a needed cell is empty, a placeholder, or no answer to its question."""
    for line in lines:
        if line.section != "Actions" or not line.cells:
            continue
        owner, due, verify = (*(cell.lower() for cell in line.cells[2:5]), "", "", "")[:3]
        missing = [name for name, lacks in (
            ("owner", _OPEN.fullmatch(owner) or _EVERYBODY.fullmatch(owner)),
            ("due date such as 2026-03-15", not _day(due)),
            ("verify-by check", _unchecked(verify)),
        ) if lacks]  # fmt: skip
        if missing:
            yield line, f"has no {', no '.join(missing)}"


def _unchecked(verify: str) -> bool:
    """Say whether a verify-by names nothing that can come out false."""
    if _OPEN.fullmatch(verify) or _VAGUE.fullmatch(verify.rstrip(" .!")):
        return True
    return not _CHECKABLE.search(verify)


def _day(due: str) -> bool:
    """Say whether a due date is a day of the calendar, written 2026-03-15."""
    try:
        return dt.date.fromisoformat(due).isoformat() == due
    except ValueError:
        return False


LINT = Lint("incomplete action", "Say case.action(…, owner=…, due=…, verify_by=…) again with the same words.", check)
