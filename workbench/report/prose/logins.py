"""Logins and initials of people where a text says whose something is, or who did it."""

from __future__ import annotations

import re

from workbench.report.given_names import given_name
from workbench.report.prose import vocabulary
from workbench.report.prose.addresses import role_name
from workbench.report.prose.grammar import HUMAN_ACTS, MACHINE_ACTS, SYSTEM, past
from workbench.report.prose.proper_names import ACRONYMS

_HOME = re.compile(r"(?:/home/|/Users/|(?<![\w/.])~|\bu/|\bgh:|\bgithub:|\bgitlab:|\bslack:)([a-z][\w.-]{2,})")
_WHOSE = re.compile(
    r"\b(?:by|of|from|as|user(?:name)?|login|account|owner|author|approver|committer|handle|says?|assignee|shows?"
    r"|session"
    r"|belongs? to|via|for|under|name|principal|identity|person|colleague|reviewer|requested|ping(?:ed)?|asked)"
    r"(?:\s+(?:user|login|account|handle|of|was|is|as|=|:))?(?:\s*[:=]\s*|\s+)[`'\"]?([a-z][a-z0-9._-]{2,}\w)[`'\"]?"
    r"(?=$|[\s,.;:)\]])")  # fmt: skip
_NUMBERED = re.compile(r"[a-z][a-z._-]{2,}[a-z]\d{1,4}")
_NO_ONSET = re.compile(
    r"(?:b[cdfghjkmnpqstvwxz]|c[bdfgjkmnpqstvwxz]|d[bcdfghjklmnpqstvxz]|f[bcdghjkmnpqstvwxz]|g[bcdfgjkmpqstvxz]"
    r"|h[bcdfghjklmnpqrstvwxz]|j[bcdfghjklmnpqrstvwxz]|k[bcdfgjkmpqstvxz]|l[bcdfghjkmnpqrstvwxz]"
    r"|m[bcdfghjklmnpqrstvwxz]"
    r"|n[bcdfghjklmnpqrstvwxz]|p[bcdfgjkmnpqtvwxz]|r[bcdfgjklmnpqrstvwxz]|t[bcdfgjklmnpqtvxz]|v[bcdfghjkmnpqrstvwxz])"
    r"[a-z]{0,2}[aeiouy][a-z]{2,}|s[bdfgjrvxz][aeiouy][a-z]{2,}")  # fmt: skip
"""An initial before a surname begins as no English word does: ``kmueller``, ``ljohansson``."""
_TECH = vocabulary("""kubectl kubelet kserve mlflow mlops dbt dbutils nginx numpy npm nvidia pgbouncer psql pnpm
    tfrecord
    tfserving tflite tmux jdbc jvm jsonl kdb kcat ksql ksqldb llama llamacpp lmdb lgbm lgtm mmap mqtt mcli nccl nfs
    ngram
    nginx-ingress nvme pvc pdb pgvector rclone rpc rsync rtree sftp svc sqs sdk srv svn tcp tls tsdb ttl vpc vllm vscode
    vmware gitops grpc devops dataops http2 postgres mysql airflow xgboost xml zfs zstd gcloud gcsfuse gpu hdfs html
    http https hbase hpa fsspec ffmpeg fsync dvc dns cdn cpu
    cgroup cgroups csv ctl bfloat bgp btree bcrypt jwt mtls ndarray nvtop pkl ptx rdbms rwlock kstest""")
_NAMED = re.compile(r"[a-z]{3,}(?:[._-][a-z]+)+|[a-z]{3,}_")
_INITIALS = r"(?:[A-Z](?:[a-z]{1,2})?[A-Z]{1,2}|[A-Z]{2,3}|[A-Z]\. ?(?:-?[A-Z]\.? ?)+|[A-Z]\.-[A-Z]\.(?: [A-Z]\.)?)"
_MIXED = re.compile(r"(?<![\w/.@-])([A-Z](?:v|vd|vdr|de|d|da|vo)[A-Z]{1,2})(?![\w/.-])")
_DONE_BY = re.compile(rf"\b([\w-]+)(?: [\w-]+){{0,3}} by ({_INITIALS})(?:/[A-Z]{{2,3}})?(?![\w-])")
_OF = re.compile(
    rf"\b(commits?|notebooks?|sheets?|branch|laptop|scripts?|handover|merge|PR|request|edits?|changes?|approval|account"
    rf"|queries|query|mail|message|hands?|request|fork|desk|ok|OK|sign-off|review|idea|patch|hotfix|note|login|shift"
    rf"|token)"
    rf" (?:of|from|by) ({_INITIALS})(?![\w-])")  # fmt: skip
_PARENS = re.compile(rf"\((?:by |edited by |per |i\.e\. |c/o )?({_INITIALS})(?:,[^)]*)?\)")
_STARTS = re.compile(rf"(?:^\W*|[.:;(–—]\s+|\b(?:when|after|because|that|since|as|and|where|while|so|until) )"
                     rf"({_INITIALS}) ((?:had|has|have|was|also|then|just|only|did|\w+ly) )*([\w-]+)")  # fmt: skip
_POSSESSES = re.compile(
    r"(?<![\w/.-])([A-Z]{2,3})['’]s (?:notebook|laptop|branch|script|commit|merge|token|account|idea|query|sheet"
    r"|mistake"
    r"|hotfix|fork|machine|change|PR|holiday|leave|edit|patch)\b")  # fmt: skip
_RESTARTS = HUMAN_ACTS | vocabulary("""restarted killed paused resumed unpaused cancelled canceled dropped removed
    swapped deleted truncated changed set added forced started stopped moved loaded""")
_SYSTEM_ACTS = vocabulary("""ran rolled went left put raised lowered checked tested dropped added started stopped
    loaded moved selected entered picked skipped""")
_ALSO = ACRONYMS | vocabulary("""CDC KS PSI MRR NDCG CI CT TS WAL DLQ IVF ANN KV GBM NN ML PT BN FP INT BF FX PR MR HQ
    VAE GAN CNN DNN MLP EMA SGD AUC MAE MSE KL JS IV WOE SHAP PDP TCP OCR ASR PACS DICOM HIS LIS EHR ATM POS ERP CMS AD
    LDAP SSO DSP SSP ALB ELB NLB EBS EFS MSK SNS SES OTP PIN FPR TPR CVR CPC CPM CPA LTV GMV AOV NPS ETL UAT PRD DEV
    STG CLI GUI OS VM QA BOM SBOM AML KYC EKG ECG MRI CT ICU ER FIFO LIFO LRU LFU KNN SVD TCO OKR ADR BST CET UTC GMT
    EST PST CEST IST JST BI DE DS""")
_MAIL = re.compile(
    r"(?<![\w/.@-])(?:mailto:|user:|author:|by:|owner=)?([\w.+'-]+)@([\w-]+(?:\.[\w-]+)*\.[A-Za-z][\w-]+)"
)


def quoted_address(text: str) -> str:
    """Return a person's mail address or home anywhere in a line, in code or quotes, too; empty where there is none."""
    for found in _MAIL.finditer(text):
        if not role_name(found[1]) and not any(p in ("lists", "groups", "list", "iam") for p in found[2].split(".")):
            return found[0]
    return next((m[0] for m in _HOME.finditer(text) if not _program(m[1])), "")


def login_of(text: str) -> str:
    """Return a login after words that say whose something is or who did it; empty where there is none."""
    for found in _WHOSE.finditer(text):
        name = found[1].rstrip(".")
        if not _program(name) and _shaped(name):
            return name
    return ""


def _shaped(name: str) -> bool:
    """Say whether a token is built as people's logins are: a number, an initial before a surname, a given name."""
    if _NUMBERED.fullmatch(name):
        return name.rstrip("0123456789") not in SYSTEM
    if name.endswith("_") and name.count("_") == 1:
        return True
    if any(len(part) > 3 and given_name(part.capitalize()) for part in re.split(r"[._-]", name)[:2]):
        return bool(_NAMED.fullmatch(name))
    return name.isalpha() and len(name) > 4 and bool(_NO_ONSET.fullmatch(name))


def _program(name: str) -> bool:
    parts = [p.rstrip("0123456789") for p in re.split(r"[._/-]", name.lower()) if p]
    return role_name(name) or any(p in SYSTEM or p in _TECH for p in parts)


def initials_of(text: str) -> str:
    """Return initials where a text says that they did or own something; empty where there are none."""
    if mixed := _MIXED.search(text):
        return mixed[1]
    for found in _DONE_BY.finditer(text):
        near = found[0].lower().split(" by ")[0].split()
        human = any((past(w) or w in _OF_NOUNS) and w not in MACHINE_ACTS for w in near)
        if human and _nobody_else(found[2], text[found.end() :]):
            return found[2]
    for pattern, group in ((_OF, 2), (_PARENS, 1), (_POSSESSES, 1)):
        for found in pattern.finditer(text):
            acted = pattern is not _PARENS or _acted(text[: found.start()])
            if acted and _nobody_else(found[group], text[found.end() :]):
                return found[group]
    for found in _STARTS.finditer(text):
        if found[3].lower() in _RESTARTS - _SYSTEM_ACTS and _nobody_else(found[1], ""):
            return found[1]
    return ""


_OF_NOUNS = vocabulary("merge edit change commit approval hand request push override restart upload hotfix")


def _acted(before: str) -> bool:
    """Say whether an act of people stands shortly before initials in parentheses."""
    near = re.findall(r"[\w-]+", before)[-4:]
    return any(w.lower() in HUMAN_ACTS or w.lower() in _OF_NOUNS or w.lower() in _RESTARTS for w in near)


def _nobody_else(initials: str, rest: str) -> bool:
    """Say whether letters are no abbreviation known and stand for themselves."""
    letters = re.sub(r"[^A-Za-z]", "", initials)
    noun = re.match(r"\s+([a-z][\w-]*)", rest)
    attribute = noun is not None and noun[1] in SYSTEM
    return ("." in initials or letters not in _ALSO) and not attribute
