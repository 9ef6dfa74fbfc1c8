"""Say in a service's own OpenTelemetry spans which run, model, features and data made each decision.

>>> from opentelemetry.sdk.trace import TracerProvider
>>> watch = instrument(model="fraud", model_version=lambda: "42", tracer_provider=TracerProvider())
>>> with watch.predicting("order-17"):
...     watch.record_fallback("feature store timed out", instead="yesterday's values")

Needs ``opentelemetry-sdk`` and a tracer provider that exports; nothing of it is imported before the call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Span
    from opentelemetry.util.types import AttributeValue

Stamp = str | int | Callable[[], "str | int | None"] | ContextVar[str] | None
"""A value, or where to ask for it each time a span starts; None says nothing."""

ATTRIBUTES: Mapping[str, str] = {
    "run_id": "mlflow.run_id",
    "model": "mlflow.model.name",
    "model_version": "mlflow.model.version",
    "feature_version": "feature.version",
    "data_version": "data.version",
    "prediction_id": "prediction.id",
}
"""What is stamped -> the span attribute that carries it; the OTLP source reads them back into columns."""

_SCOPED: ContextVar[Mapping[str, Stamp] | None] = ContextVar("workbench_stamps", default=None)
_UNANSWERED = (LookupError, AttributeError, TypeError, ValueError, RuntimeError, OSError)
"""What asking for a value may raise: the span then goes without it, and the service is not disturbed."""


@dataclass(frozen=True)
class Instrumentation:
    """Hold what every span of a service is stamped with; made by ``instrument``."""

    stamps: Mapping[str, Stamp]

    @contextmanager
    def scope(
        self,
        *,
        run_id: Stamp = None,
        model: Stamp = None,
        model_version: Stamp = None,
        feature_version: Stamp = None,
        data_version: Stamp = None,
        prediction_id: Stamp = None,
    ) -> Iterator[None]:
        """Stamp spans inside the block, and the span that is open around it; the innermost block counts.

        Follows threads and tasks as ``contextvars`` do.
        """
        given = {
            "run_id": run_id,
            "model": model,
            "model_version": model_version,
            "feature_version": feature_version,
            "data_version": data_version,
            "prediction_id": prediction_id,
        }
        inner = {name: stamp for name, stamp in given.items() if stamp is not None}
        token = _SCOPED.set({**(_SCOPED.get() or {}), **inner})
        try:
            _current_span().set_attributes(_asked(inner))
            yield
        finally:
            _SCOPED.reset(token)

    @contextmanager
    def predicting(self, prediction_id: str) -> Iterator[None]:
        """Stamp the id of one decision on the open span and on all that start in the block."""
        with self.scope(prediction_id=prediction_id):
            yield

    def record_fallback(self, reason: str, *, instead: str | None = None) -> None:
        """Record on the open span that something else was used, why, and what."""
        said: dict[str, AttributeValue] = {"fallback.reason": reason}
        if instead is not None:
            said["fallback.instead"] = instead
        span = _current_span()
        span.set_attributes(said)
        span.add_event("fallback", said)

    def record_timeout(self, operation: str, *, limit_ms: float) -> None:
        """Record on the open span that an operation was given up after its limit, in milliseconds."""
        said: dict[str, AttributeValue] = {"timeout.operation": operation, "timeout.limit_ms": float(limit_ms)}
        span = _current_span()
        span.set_attributes(said)
        span.add_event("timeout", said)

    def record_exception(self, error: BaseException) -> None:
        """Record an error that was handled; one that leaves a span is recorded by OpenTelemetry itself."""
        _current_span().record_exception(error)


def instrument(
    *,
    run_id: Stamp = None,
    model: Stamp = None,
    model_version: Stamp = None,
    feature_version: Stamp = None,
    data_version: Stamp = None,
    tracer_provider: TracerProvider | None = None,
) -> Instrumentation:
    """Stamp every span that starts from now on; an attribute that the service sets itself is left alone.

    Without *tracer_provider* the global one is used; UsageError where it cannot take a
    span processor, because no OpenTelemetry SDK was set up.
    """
    stamps = {
        "run_id": run_id,
        "model": model,
        "model_version": model_version,
        "feature_version": feature_version,
        "data_version": data_version,
    }
    given = {name: stamp for name, stamp in stamps.items() if stamp is not None}
    _sdk_provider(tracer_provider).add_span_processor(_processor(given))
    return Instrumentation(given)


def _sdk_provider(given: TracerProvider | None) -> TracerProvider:
    try:
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
    except ImportError as error:
        raise UsageError("instrument() needs the OpenTelemetry SDK: pip install opentelemetry-sdk.") from error
    provider = trace.get_tracer_provider() if given is None else given
    if not isinstance(provider, TracerProvider):
        raise UsageError(
            f"instrument() needs a tracer provider of the OpenTelemetry SDK, not {type(provider).__name__}. Call "
            "opentelemetry.trace.set_tracer_provider(TracerProvider()) first, or pass tracer_provider=."
        )
    return provider


def _processor(stamps: Mapping[str, Stamp]) -> SpanProcessor:
    """Return the processor; its class is made here because its base is imported only when needed."""
    from opentelemetry.sdk.trace import SpanProcessor

    class StampProcessor(SpanProcessor):
        """Stamp spans as they start."""

        def on_start(self, span: Any, parent_context: Any = None) -> None:  # noqa: ARG002
            """Add what is known now, without overwriting what the service said."""
            own = span.attributes or {}
            said = _asked({**stamps, **(_SCOPED.get() or {})})
            span.set_attributes({name: value for name, value in said.items() if name not in own})

    return StampProcessor()


def _asked(stamps: Mapping[str, Stamp]) -> dict[str, str]:
    """Return attribute names with the values that are known now."""
    values = {ATTRIBUTES[name]: _ask(stamp) for name, stamp in stamps.items()}
    return {name: value for name, value in values.items() if value}


def _ask(stamp: Stamp) -> str | None:
    try:
        value = stamp.get() if isinstance(stamp, ContextVar) else stamp() if callable(stamp) else stamp
    except _UNANSWERED:
        return None
    return None if value is None else str(value)


def _current_span() -> Span:
    from opentelemetry import trace

    return trace.get_current_span()


class _CallableModule(ModuleType):
    """Let ``workbench.instrument(...)`` work after this module was imported too.

    Importing a submodule puts it into its package under its own name, where the
    public function of the same name is looked up.
    """

    def __call__(
        self,
        *,
        run_id: Stamp = None,
        model: Stamp = None,
        model_version: Stamp = None,
        feature_version: Stamp = None,
        data_version: Stamp = None,
        tracer_provider: TracerProvider | None = None,
    ) -> Instrumentation:
        """Call ``instrument``."""
        return instrument(
            run_id=run_id,
            model=model,
            model_version=model_version,
            feature_version=feature_version,
            data_version=data_version,
            tracer_provider=tracer_provider,
        )


sys.modules[__name__].__class__ = _CallableModule
