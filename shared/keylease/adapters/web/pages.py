"""The claim pages: plain HTML from templates, no script, nothing loaded from anywhere."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from keylease.adapters.web.headers import Headers, page_headers
from keylease.adapters.web.paste import by_distance, snippets
from keylease.domain.telling import spell_time
from keylease.ports.handover import Gone, Offer, Page, Shown, Spent, Why

_GONE = {Why.UNKNOWN: 404, Why.LATE: 410, Why.OVER: 410}


@dataclass(frozen=True)
class WebPages:
    """Keeps `ports.handover.ClaimPages`."""

    time_zone: str = "UTC"

    def offer(self, offer: Offer, /) -> Page:
        by = self._when(offer.claim_by)
        return self._page("offer.html", 200, target=offer.target, claim_by=by)

    def shown(self, shown: Shown, /) -> Page:
        return self._page(
            "shown.html",
            200,
            shown=shown,
            password=shown.password.reveal(),
            endpoints=by_distance(shown.endpoints),
            snippets=snippets(shown),
            ends_at=self._when(shown.ends_at) if shown.ends_at else None,
        )

    def spent(self, spent: Spent, /) -> Page:
        first_at = self._when(spent.first_at)
        return self._page("spent.html", 410, spent=spent, first_at=first_at)

    def gone(self, gone: Gone, /) -> Page:
        return self._page(f"gone_{gone.why}.html", _GONE[gone.why], about=gone.about)

    def elsewhere(self) -> Page:
        return self._page("elsewhere.html", 403)

    def later(self) -> Page:
        return self._page("later.html", 503)

    def _page(self, name: str, status: int, **words: Any) -> Page:  # noqa: ANN401  # a template's words
        text = self._template(name).render(style=self._style, **words)
        return Page(status=status, headers=self._headers, body=text.encode())

    def _when(self, at: Any) -> str:  # noqa: ANN401  # any value of a template
        return spell_time(at, time_zone=self.time_zone)

    def _template(self, name: str) -> Template:
        return self._environment.get_template(name)

    @cached_property
    def _environment(self) -> Environment:
        return Environment(
            loader=PackageLoader("keylease.adapters.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )

    @cached_property
    def _style(self) -> str:
        loader = self._environment.loader
        assert loader is not None  # noqa: S101  # set two lines above
        return loader.get_source(self._environment, "style.css")[0]

    @cached_property
    def _headers(self) -> Headers:
        return page_headers(style=self._style)
