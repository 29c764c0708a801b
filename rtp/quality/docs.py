"""Great Expectations' Data Docs of what was checked: HTML that opens without a network and shows no personal values."""

import re
import secrets
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rtp.quality.index_page import STYLE, index_page
from rtp.quality.runner import Checked

_REMOTE = re.compile(
    r"<script[^>]*\ssrc=\"?https?://[^>]*>\s*</script>|<link[^>]*href=\"?https?://[^>]*>|<img[^>]*src=\"?https?://[^>]*>"
    r"|url\('https?://[^)]*\)",
    re.IGNORECASE | re.DOTALL,
)
"""What a browser would fetch from elsewhere when the page opens."""

_MENDED = (
    (_REMOTE, ""),
    (re.compile(r"<footer.*?</footer>", re.DOTALL), ""),
    (re.compile(r"Data asset: None<br>"), ""),
    (re.compile(r'<a href="[./]*/expectations/[^"]*" *>([^<]*)</a>'), r"\1"),
    (re.compile("Sampled Unexpected Values"), "Failing rows"),
)
"""What is taken out of their pages: fetches, advertising, links to pages that are not made."""


def write_docs(checked: Sequence[Checked], folder: Path, now: datetime) -> Path:
    """Writes the site for these checks in place of an earlier one, and gives its index page."""
    aside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.tmp")
    try:
        _build(checked, aside, now)
        for page in aside.rglob("*.html"):
            page.write_text(_at_home(page.read_text(encoding="utf-8")), encoding="utf-8")
        index = index_page([one.result for one in checked], _links(aside), now)
        (aside / "index.html").write_text(index, encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder / "index.html"


def _links(folder: Path) -> dict[str, str]:
    pages = [page.relative_to(folder) for page in (folder / "validations").rglob("*.html")]
    return {"/".join(page.parts[1:3]): page.as_posix() for page in pages}


def _build(checked: Sequence[Checked], folder: Path, now: datetime) -> None:
    import great_expectations as gx
    from great_expectations.core.run_identifier import RunIdentifier

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    run = RunIdentifier(run_name="quality", run_time=now)
    for suite, validations in _by_suite(checked).items():
        _store(context, suite, validations, run)
    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    context.add_data_docs_site("quality", site)
    context.build_data_docs(site_names=["quality"])


def _by_suite(checked: Sequence[Checked]) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for one in checked:
        if one.validation is not None:
            grouped.setdefault(one.result.suite.replace("/", "."), []).append(one.validation)
    return grouped


def _store(context: Any, suite: str, validations: list[Any], run: Any) -> None:
    import great_expectations as gx
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    held = sum(bool(validation.success) for validation in validations)
    answer = ExpectationSuiteValidationResult(
        success=held == len(validations),
        results=validations,
        suite_name=suite,
        statistics={
            "evaluated_expectations": len(validations),
            "successful_expectations": held,
            "unsuccessful_expectations": len(validations) - held,
            "success_percent": 100 * held / len(validations),
        },
        meta={"run_id": run, "great_expectations_version": gx.__version__},
    )
    identifier = ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(suite), run_id=run, batch_identifier=suite
    )
    context.validation_results_store.set(identifier, answer)


def _at_home(page: str) -> str:
    for pattern, replacement in _MENDED:
        page = pattern.sub(replacement, page)
    return page.replace("</head>", f"<style>{_STYLE}</style></head>", 1)


_STYLE = (
    STYLE
    + """
.fa-check-circle::before{content:"\\2713"}.fa-times::before{content:"\\2717"}.fa-exclamation-triangle::before{content:"!"}
h5,h6,.h5,.h6{font-weight:600}.modal,.cooltip,.card:has(.btn-group-toggle),a[data-toggle=collapse]{display:none}
"""
)
"""Great Expectations' pages without the style sheets that they would fetch, and without what needs their scripts."""
