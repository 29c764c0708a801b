"""The front page of the Data Docs. Great Expectations' own needs scripts from the network to show its table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape

from rtp.quality.result import CheckResult, blocking, by_suite

STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem auto;max-width:72rem;padding:0 1rem;
color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%;margin:.5rem 0}td,th{border:1px solid #d0d7de;padding:.35rem .6rem;
text-align:left;vertical-align:top}code{background:#eef1f4;padding:0 .25em}a{color:#0b5cad}
.text-danger{color:#b42318}.text-warning{color:#9a6700}.text-success{color:#1a7f37}ul{margin:0;padding-left:1.2rem}
"""
"""No colours but these three, which also come with a word."""


def index_page(results: Sequence[CheckResult], links: Mapping[str, str], now: datetime) -> str:
    """One row a suite: its verdict, what failed and the keys of rows at fault, and a link to all of its checks."""
    suites = by_suite(results)
    stopped = sum(bool(blocking(found)) for found in suites.values())
    verdict = f"{stopped} of {len(suites)} suites stop the build." if stopped else "Nothing stops the build."
    rows = "".join(_row(suite, found, links.get(suite, "")) for suite, found in suites.items())
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Data quality</title>'
        f"<style>{STYLE}</style></head><body><h1>Data quality</h1>"
        f"<p>{verdict} Checked at {now:%Y-%m-%d %H:%M} UTC.</p>"
        "<table><thead><tr><th>suite</th><th>verdict</th><th>checks that hold</th><th>what does not hold</th></tr>"
        f"</thead><tbody>{rows}</tbody></table></body></html>"
    )


def _row(suite: str, found: Sequence[CheckResult], link: str) -> str:
    failed = [result for result in found if not result.passed]
    kind, word = ("danger", "stops") if blocking(found) else ("warning", "warns") if failed else ("success", "holds")
    name = f'<a href="{escape(link)}">{escape(suite)}</a>' if link else escape(suite)
    told = "".join(_failure(result) for result in failed)
    return (
        f'<tr><td>{name}</td><td class="text-{kind}">{word}</td><td>{len(found) - len(failed)} of {len(found)}</td>'
        f"<td>{f'<ul>{told}</ul>' if told else ''}</td></tr>"
    )


def _failure(result: CheckResult) -> str:
    keys = "; ".join(" ".join(f"{name}={value}" for name, value in key.items()) for key in result.failing_keys[:5])
    more = f"<br><code>{escape(keys)}</code>" if keys else ""
    return f"<li>{escape(result.severity)}: {escape(result.description)}: {escape(result.observed)}{more}</li>"
