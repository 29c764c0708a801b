"""Figures of a model as pictures in the Dagster UI: PNG inside Markdown, no file beside the run."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from rtp.identity.linkage.model import Weight
from rtp.identity.linkage.threshold import Point

MOST_BARS = 15


def importance_picture(importance: Mapping[str, float]) -> dg.MarkdownMetadataValue:
    """The features that brought most, as horizontal bars."""
    shown = sorted(importance.items(), key=lambda item: item[1])[-MOST_BARS:]
    figure, axes = _canvas(height=0.28 * len(shown) + 1.0)
    axes.barh([name for name, _ in shown], [share for _, share in shown], color="#4f43dd")
    axes.set_xlabel("share of the total gain")
    return _markdown(figure, "Feature importance")


def calibration_picture(bins: Sequence[tuple[float, float, int]]) -> dg.MarkdownMetadataValue:
    """What was said against what came true; on the diagonal the model can be taken at its word."""
    figure, axes = _canvas(height=4.0)
    top = max([0.01, *(value for said, true, _ in bins for value in (said, true))])
    axes.plot([0, top], [0, top], color="#999999", linestyle="--", label="perfect")
    axes.plot([said for said, _, _ in bins], [true for _, true, _ in bins], marker="o", color="#4f43dd", label="model")
    axes.set_xlabel("probability said")
    axes.set_ylabel("share that came true")
    axes.legend()
    return _markdown(figure, "Calibration")


def weights_picture(weights: Sequence[Weight]) -> dg.MarkdownMetadataValue:
    """What each outcome of each comparison is worth: to the right it speaks for one person, to the left against."""
    figure, axes = _canvas(height=0.24 * len(weights) + 1.0)
    names = [f"{each.comparison}: {each.outcome[:48]}" for each in weights][::-1]
    values = [each.weight for each in weights][::-1]
    axes.barh(range(len(names)), values, color=["#4f43dd" if value > 0 else "#c0504d" for value in values])
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.axvline(0.0, color="#999999")
    axes.set_xlabel("match weight (log2 of the odds)")
    return _markdown(figure, "Match weights")


def threshold_picture(points: Sequence[Point], threshold: float) -> dg.MarkdownMetadataValue:
    """What thresholds would come to, as the model expects it, and the one chosen."""
    figure, axes = _canvas(height=4.0)
    weights = [point.weight for point in points]
    axes.plot(weights, [point.precision for point in points], color="#4f43dd", label="precision")
    axes.plot(weights, [point.recall for point in points], color="#e08f24", label="recall of the pairs compared")
    axes.axvline(threshold, color="#999999", linestyle="--", label=f"threshold {threshold:.1f}")
    axes.set_xlabel("match weight")
    axes.set_ylabel("expected share")
    axes.legend()
    return _markdown(figure, "Threshold")


def _canvas(*, height: float) -> tuple[Any, Any]:
    # The object interface: pyplot keeps global state and wants a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _markdown(figure: Any, title: str) -> dg.MarkdownMetadataValue:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=90)
    encoded = base64.b64encode(data.getvalue()).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{encoded})")
