"""Word classes, as far as a rule needs them: past forms, function words, and nouns that are machines or data."""

from __future__ import annotations

import re

from workbench.report.prose import vocabulary

WORD = re.compile(r"[^\W\d_](?:[\w'’]|-(?=\w))*")
_NOT_PAST = vocabulary("""feed seed speed need bed embed shed red indeed exceed proceed succeed breed bleed weed
    hundred sacred naked
    reed deed greed steed unneeded""")
_IRREGULAR = vocabulary("""was were been had did done went gone took taken gave given made got gotten said told
    thought knew known saw seen
    found kept left let put set ran run wrote written read broke broken brought bought built caught chose chosen came
    become became began begun cut drew drawn drove driven fell fallen felt forgot forgotten held hid hidden hit lost
    meant met misread mistook mistaken overrode overridden overwrote overwritten paid quit rose risen sent shook shut
    slept slid sold spent split spoke spoken spread stole stood stuck struck swept threw thrown understood undid undone
    woke woken wore worn won withdrew withdrawn heard led fed bound dealt grown grew fought sought taught hung shot
    shown rung sung begun flown thrown shaken stolen worn torn grown blown ridden rebuilt reset resent foreseen
    overseen""")
AUXILIARY = vocabulary(
    "had has have was were is are be been being did does do could would should might may must can will shall"
)
MODAL = vocabulary("can could may might must will would shall should needs need has have is are cannot")
NEGATION = vocabulary("not never no didn't didn’t doesn't doesn’t hadn't wasn't weren't couldn't")
DETERMINER = vocabulary(
    """the a an this that these those our their his her my your its one some another any each every all both no"""
)
PREPOSITION = vocabulary("""of in on at by from with without for to into onto over under between during before after
    since until against
    about around through across within via per than as like behind beside among upon toward towards out off up
    down""")
CONJUNCTION = vocabulary("""and or but so because that which who whom whose while when where if although though then
    whereas than
    unless""")
_ADVERBS = vocabulary("""just also then again even only still already later once simply never not first soon ever
    always often quite
    rather too almost nearly yet twice alone here there together instead anyway himself herself themselves
    ourselves probably apparently basically""")
SYSTEM = vocabulary("""job jobs service services platform table tables system systems store stores server servers
    lake queue queues
    cluster clusters feed feeds pipeline pipelines model models region regions index indexes indices alert alerts limit
    limits cache caches consumer consumers producer producers broker brokers topic topics node nodes pod pods host hosts
    worker workers scheduler schedulers query queries check checks script scripts loader loaders connector connectors
    gateway gateways router routers proxy balancer shard shards replica replicas partition partitions snapshot snapshots
    checkpoint checkpoints container containers image images volume volumes disk disks mirror registry database
    databases
    warehouse dag dags task tasks step steps stage stages trainer trainers scorer scorers ranker rankers classifier
    classifiers detector detectors encoder decoder tokenizer tokenizers parser parsers crawler crawlers sampler
    optimizer optimiser optimizers solver filter filters endpoint endpoints api apis client clients library libraries
    driver drivers kernel kernels compiler runtime daemon agent agents bot bots monitor monitors guard guards rule rules
    gate gates webhook hook hooks controller controllers operator operators planner dispatcher dashboard dashboards
    panel app apps application tool tools plugin plugins package packages module modules function functions method
    process processes thread threads stream streams log logs logger exporter importer collector scraper probe probes
    sensor sensors device devices card cards gpu gpus machine machines network networks link links request requests
    response responses upload uploads download downloads deploy deploys deployment deployments release releases build
    builds migration migrations backfill backfills import imports export exports join joins schema schemas column
    columns
    feature features file files record records row rows key keys token tokens certificate certificates config
    configuration flag flags setting settings version versions branch tenant sync refresh retry retries failover
    autoscaler orchestrator engine engines framework simulator predictor predictors forecast forecaster estimator
    recommender retriever embedder embedding embeddings assistant chatbot llm lambda cron cronjob ingester ingestion
    writer reader publisher subscriber listener poller watcher handler handlers transformer adapter wrapper sdk
    thing validation validator linter test tests suite ci all-reduce allreduce lock lease logic routine heuristic
    loop layer formula regex procedure trigger hardware firmware software sampler bucketizer algorithm expression
    heartbeat canary rollout
    rollback restart resolver dns firewall vpn switch storage bucket buckets cdn edge batch batches window policy
    policies workflow workflows runner runners operation message messages event events page pager notification
    notifications email mail""")
"""Nouns whose subject acts without anybody: what they miss or fail is a fact, no blame."""
THING = SYSTEM | vocabulary("""on-call oncall checklist checklists feedback process form forms list lists console
    input inputs override overrides
    pool team guide role roles rota rotation schedule portal account accounts review reviews id ids time times latency
    count counts share shares score scores rate rates latent group groups board boards office law laws theorem method
    methods scaling smoothing sampling correlation coefficient distance divergence inequality interval intervals
    statistic statistics criterion loss kernel prior posterior process chain rule error matrix transform
    entropy kappa alpha curve paradox tree trees forest hash initialization initialisation init regression correction
    optimizer rating similarity integral equation formula constant number noise diagram plot value values algorithm
    search decomposition factorization adjustment approximation bound estimator estimate family shuffle bandit bandits
    bank banks city street station airport hospital university institute airport depot depots hub hubs warehouse
    data set dataset datasets corpus benchmark format zone day days holiday holidays season market markets
    office offices site sites campaign campaigns placeholder workspace namespace repo repository repositories
    environment
    project projects library drive center centre mirror suite campus plant plants substation line lines grid
    notebook-server instance instances fleet vocabulary ontology taxonomy mapping mappings calendar effect
    syndrome scale cut hypothesis hypotheses inference""")
"""Nouns that make the word before them the name of something, not of somebody."""
MACHINE_ACTS = vocabulary("""evicted retried crashed returned served dequeued sharded replicated compacted rebalanced
    scaled throttled cached
    emitted parsed computed scored ingested flushed polled leaked deadlocked stalled degraded buffered indexed swallowed
    logged ran-out expired overflowed timed spilled batched streamed synced resynced replayed ranked routed scheduled
    provisioned reconciled preempted drained failed-over hung lagged saturated overheated rebooted froze fired
    materialized materialised tokenized rendered deduplicated enqueued partitioned prefetched garbage-collected""")
"""What only machines do."""

HUMAN_ACTS = vocabulary("""approved merged pushed committed signed reviewed asked told decided forgot forgotten
    agreed thought believed
    assumed knew clicked typed pressed edited wrote written authored tweaked flipped toggled copied pasted uploaded
    muted silenced snoozed acknowledged ignored overruled overrode vetoed requested ordered insisted promised hurried
    rushed guessed wanted hoped planned negotiated reverted cherry-picked rebased force-pushed hard-coded hardcoded
    hotfixed patched misread mislabeled mislabelled annotated misunderstood overlooked neglected skipped bypassed
    fat-fingered bothered left went felt preferred chose chosen said reported noticed emailed mailed phoned called
    suggested proposed warned assured joined resigned slept drafted scribbled commented prepared exported renamed raised
    lowered bumped disabled enabled switched turned touched deployed shipped released rolled ran introduced overwrote
    put entered keyed mistyped misconfigured hand-edited checked tested signed-off published granted waved green-lit
    greenlit misjudged confused picked selected rotated tried""")
"""What people do, told of the past."""

STRICT_ACTS = HUMAN_ACTS - vocabulary(
    "left went put ran raised lowered disabled enabled switched turned touched "
    "deployed shipped released rolled checked "
    "tested published granted called joined reported rotated introduced overwrote chose chosen picked selected tried "
    "bypassed skipped ignored copied exported renamed merged pushed committed requested entered planned promised "
    "patched reverted"
)
"""What no machine is said to do."""


def words(text: str) -> list[str]:
    """Return the words of a text, as written; hyphens and apostrophes belong to a word."""
    return WORD.findall(text)


def past(word: str) -> bool:
    """Say whether a word can be a past form or participle: ``merged``, ``wrote``, ``been``."""
    lower = word.lower()
    return lower in _IRREGULAR or (lower.endswith("ed") and len(lower) > 3 and lower not in _NOT_PAST)


def adverb(word: str) -> bool:
    """Say whether a word can stand between a subject and its verb without changing either."""
    lower = word.lower()
    return lower in _ADVERBS or lower in NEGATION or (lower.endswith("ly") and len(lower) > 4)


def ends_phrase(word: str) -> bool:
    """Say whether a word after a noun shows that the noun ends its phrase: a verb, auxiliary, preposition and so on."""
    lower = word.lower()
    return (
        past(lower) or adverb(lower) or lower in PREPOSITION or lower in CONJUNCTION or lower in AUXILIARY
        or lower in DETERMINER or lower in NEGATION or lower in ("on-duty", "again", "today")
    )  # fmt: skip


def present(word: str) -> bool:
    """Say whether a word can be a verb of the third person in the present: ``confirms``, ``needs``."""
    lower = word.lower()
    return lower.endswith("s") and not lower.endswith(("ss", "us", "is", "'s", "’s")) and len(lower) > 3
