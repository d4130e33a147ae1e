"""`GET /health`, `GET /ready` and `GET /metrics`, which every role answers; alone for a role that serves nothing else.

They say what works and never a secret, so they ask for no signature: bind them to where only yourself can reach.
"""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from litestar import Litestar, Response, get
from litestar.config.app import AppConfig
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from bottrader.adapters.http.described import HealthShown, ReadyShown, components, described
from bottrader.adapters.http.metrics import CONTENT_TYPE, exposition
from bottrader.app.check_health import Health
from bottrader.app.figures import Reading

# A probe brings nothing.
PROBE_BYTES_MAX = 1024

Reply = Response[dict[str, Any]]


class Probes:
    """Answers from memory: a probe never waits for the database or the exchange."""

    def __init__(self, health: Callable[[], Health], readings: Callable[[], Sequence[Reading]]) -> None:
        self._health = health
        self._readings = readings

    def health(self) -> Reply:
        """Answer 200 while everything works and 503 with the reasons otherwise."""
        health = self._health()
        return Response(health.shown(), status_code=HTTPStatus.OK if health.is_ok else HTTPStatus.SERVICE_UNAVAILABLE)

    def ready(self) -> Reply:
        """Answer 200 once the role does what others wait for: the webhook accepts signals."""
        is_ready = self._health().is_ready
        return Response({"ready": is_ready}, status_code=HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE)

    def metrics(self) -> Response[bytes]:
        """Answer 200 with everything that is measured, healthy or not."""
        return Response(exposition(self._health, self._readings), media_type=CONTENT_TYPE)

    def handlers(self) -> list[Any]:
        """Return the routes for an application."""

        @get("/health", sync_to_thread=False, operation_class=described({200: HealthShown, 503: HealthShown}))
        def health() -> Reply:
            """Tell what works and what does not."""
            return self.health()

        @get("/ready", sync_to_thread=False, operation_class=described({200: ReadyShown, 503: ReadyShown}))
        def ready() -> Reply:
            """Tell whether others may rely on this role."""
            return self.ready()

        shown = described({200: None}, media_type=CONTENT_TYPE)

        @get("/metrics", sync_to_thread=False, media_type=CONTENT_TYPE, operation_class=shown)
        def metrics() -> Response[bytes]:
            """Tell the numbers of this process, for Prometheus."""
            return self.metrics()

        return [health, ready, metrics]


def build_probe_app(probes: Probes) -> Litestar:
    """Return the ASGI application of a role that takes nothing in."""
    return application("BotTrader probes", probes.handlers())


def application(title: str, handlers: Sequence[Any], request_bytes_max: int = PROBE_BYTES_MAX) -> Litestar:
    """Return an ASGI application of these routes."""
    return Litestar.from_config(
        AppConfig(
            route_handlers=list(handlers),
            request_max_body_size=request_bytes_max,
            # The schema as JSON only: the pages that render it load scripts from elsewhere.
            openapi_config=OpenAPIConfig(
                title, version("bottrader"), components=components(), render_plugins=[JsonRenderPlugin()]
            ),
        )
    )
