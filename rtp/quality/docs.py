"""Great Expectations' Data Docs of what was checked: HTML that opens without a network and shows no personal values."""

import re
import secrets
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rtp.quality.runner import Checked

_REMOTE = re.compile(
    r"<script[^>]*\ssrc=\"?https?://[^>]*>\s*</script>|<link[^>]*href=\"?https?://[^>]*>|<img[^>]*src=\"?https?://[^>]*>"
    r"|url\('https?://[^)]*\)",
    re.IGNORECASE | re.DOTALL,
)
"""What a browser would fetch from elsewhere when the page opens."""
_FOOTER = re.compile(r"<footer.*?</footer>", re.DOTALL)


def write_docs(checked: Sequence[Checked], folder: Path, now: datetime) -> Path:
    """Writes the site for these checks in place of an earlier one, and gives its index page."""
    aside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.tmp")
    try:
        _build(checked, aside, now)
        for page in aside.rglob("*.html"):
            page.write_text(_at_home(page.read_text(encoding="utf-8")), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder / "index.html"


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
        meta={"run_id": run, "expectation_suite_name": suite, "active_batch_definition": {"data_asset_name": suite}},
    )
    identifier = ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(suite), run_id=run, batch_identifier=suite
    )
    context.validation_results_store.set(identifier, answer)


def _at_home(page: str) -> str:
    local = _REMOTE.sub("", page).replace("Sampled Unexpected Values", "Failing rows")
    local = _FOOTER.sub("", local)
    return local.replace("</head>", f"<style>{_STYLE}</style></head>", 1)


_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem auto;max-width:72rem;padding:0 1rem;
color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%;margin:.5rem 0}td,th{border:1px solid #d0d7de;padding:.35rem .6rem;
text-align:left;vertical-align:top}code{background:#eef1f4;padding:0 .25em}.text-danger{color:#b42318}
.text-success{color:#1a7f37}.modal,.cooltip,form[action*="http"],#ge-cta-footer{display:none}a{color:#0b5cad}
.badge{border:1px solid #d0d7de;border-radius:.4em;padding:0 .4em}ul{padding-left:1.2rem}svg,img{max-height:2.5rem}
"""
