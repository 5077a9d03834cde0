"""The report as one page that works offline: figures, equity and drawdown, each pair's fills."""

from html import escape
from string import Template

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from gridkit.reports.catalogue import (
    HEADLINE,
    LABELS,
    SECTIONS,
    beside,
    fill_rule_sentences,
    shown,
)
from gridkit.reports.drawing import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    Dots,
    Segments,
    drawing_of,
    traded_pairs,
)
from gridkit.reports.figures import drawdowns
from gridkit.reports.portfolio_view import as_page
from gridkit.reports.records import Floats, Ints
from gridkit.reports.report import Report
from gridkit.reports.sampling import kept_indices, spread_evenly
from gridkit.reports.text import describe

# The page carries plotly's own 4.8 MB; what we draw stays well under one.
CURVE_POINTS = 4_000
PAIR_POINTS = 20_000  # over all pairs: price, fills and lots together
LIGHT_THEME = "plotly_white"

PAGE = Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1180px; padding: 1.5rem;
  color: #1c2330; background: #fff; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.what { color: #5a6270; margin: .2rem 0 1.2rem; }
.warning { background: #fff3cd; border-left: 6px solid #e69f00; padding: .7rem 1rem;
  margin: 0 0 1rem; font-weight: 600; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: .8rem; }
.card { border: 1px solid #dfe3e8; border-radius: 8px; padding: .7rem .9rem; }
.card .name { color: #5a6270; font-size: .8rem; } .card .value { font-size: 1.25rem; }
.card .beside { color: #a06a00; font-size: .8rem; }
.rule { background: #f4f7fa; border-left: 6px solid #0072b2; padding: .6rem 1rem; margin: 1rem 0; }
.tables { columns: 2 460px; column-gap: 2rem; }
table { border-collapse: collapse; width: 100%; break-inside: avoid; margin: 0 0 1.2rem; }
caption { text-align: left; font-weight: 600; padding: .2rem 0; }
td { border-top: 1px solid #e8ebef; padding: .2rem .3rem; } td + td { text-align: right;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.unknown { color: #8a8f98; }
</style>
<script>$plotly</script>
</head>
<body>
<h1>$title</h1>
<p class="what">$what</p>
$warnings
<div class="cards">$cards</div>
<p class="rule">$rule</p>
<h2>Equity and drawdown, marked to market</h2>
$account
<h2>Price, fills and lots</h2>
$pairs
$portfolio
<h2>All figures</h2>
<div class="tables">$tables</div>
</body>
</html>
"""
)


def page(report: Report) -> str:
    """Return the whole page, with everything it needs inside."""
    return PAGE.substitute(
        title=escape(f"{report.run.strategy}, marked to market"),
        what=escape(describe(report)),
        plotly=get_plotlyjs(),
        warnings="".join(f'<p class="warning">{escape(text)}</p>' for text in report.warnings),
        cards="".join(_card(report, key) for key in HEADLINE),
        rule="<br>".join(escape(sentence) for sentence in fill_rule_sentences(report)),
        account=_chart(account_chart(report)),
        pairs=_chart(pairs_chart(report)),
        portfolio=as_page(report),
        tables="".join(_table(report, i) for i in range(len(SECTIONS))),
    )


def _card(report: Report, key: str) -> str:
    unit = report.run.stake_currency
    value = escape(shown(key, report.figures[key], unit))
    held = escape(beside(report, key))
    under = f'<div class="beside">buy and hold: {held}</div>' if held else ""
    return (
        f'<div class="card"><div class="name">{escape(LABELS[key])}</div>'
        f'<div class="value">{value}</div>{under}</div>'
    )


def _table(report: Report, index: int) -> str:
    section = SECTIONS[index]
    rows = "".join(_row(report, key, label) for key, label in section.figures)
    return f"<table><caption>{escape(section.title)}</caption>{rows}</table>"


def _row(report: Report, key: str, label: str) -> str:
    value = report.figures[key]
    mark = ' class="unknown"' if value is None else ""
    text = escape(shown(key, value, report.run.stake_currency))
    return f"<tr><td>{escape(label)}</td><td{mark}>{text}</td></tr>"


def _chart(figure: go.Figure) -> str:
    return str(
        figure.to_html(
            full_html=False,
            include_plotlyjs=False,
            config={"displaylogo": False, "responsive": True, "scrollZoom": True},
        )
    )


def account_chart(report: Report) -> go.Figure:
    """Equity above, drawdown below, both beside buy and hold."""
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.68, 0.32], vertical_spacing=0.04
    )
    curves = [(report.run.strategy, report.equity.equity, BLUE)]
    if report.benchmark is not None:
        curves.insert(0, ("buy and hold", report.benchmark, ORANGE))
    for name, curve, colour in curves:
        seconds, values = _thinned(report.marks.seconds, curve)
        figure.add_scatter(x=seconds, y=values, name=name, line_color=colour, row=1, col=1)
        seconds, values = _thinned(report.marks.seconds, -100 * drawdowns(curve))
        figure.add_scatter(
            x=seconds, y=values, name=name, line_color=colour, showlegend=False, row=2, col=1
        )
    figure.update_yaxes(title=f"equity, {report.run.stake_currency}", row=1, col=1)
    figure.update_yaxes(title="drawdown, %", row=2, col=1)
    return _laid_out(figure, 560)


def pairs_chart(report: Report) -> go.Figure:
    """Price with fills and lots, one pair at a time, chosen from a list."""
    figure = go.Figure()
    pairs = traded_pairs(report)
    owners: list[str] = []
    for pair in pairs:
        before = len(figure.data)
        _add_pair(figure, report, pair, PAIR_POINTS // len(pairs), visible=pair == pairs[0])
        owners += [pair] * (len(figure.data) - before)
    buttons = [
        {
            "label": pair,
            "method": "update",
            "args": [{"visible": [owner == pair for owner in owners]}],
        }
        for pair in pairs
    ]
    menu = {"buttons": buttons, "x": 0, "xanchor": "left", "y": 1.12, "yanchor": "bottom"}
    figure.update_layout(updatemenus=[menu])
    figure.update_yaxes(title="price", exponentformat="none")
    return _laid_out(figure, 620).update_layout(margin_t=110)


def _add_pair(figure: go.Figure, report: Report, pair: str, budget: int, *, visible: bool) -> None:
    """Add a pair's traces: a quarter of the points each for price and lots, half for fills."""
    drawing = drawing_of(report, pair)
    for name, lots, colour in (
        ("lot, sold with profit", drawing.won, GREEN),
        ("lot, sold with loss", drawing.lost, RED),
    ):
        x, y = _broken_lines(lots, budget // 24)
        figure.add_scatter(
            x=x, y=y, name=name, mode="lines", line={"color": colour, "width": 3}, visible=visible
        )
    kept = kept_indices(drawing.close, budget // 4)
    figure.add_scatter(
        x=_milliseconds(drawing.seconds[kept]),
        y=drawing.close[kept],
        name="close",
        line={"color": GREY, "width": 1},
        visible=visible,
    )
    for name, dots, colour, symbol in (
        ("bought", drawing.buys, BLUE, "triangle-up"),
        ("sold", drawing.sells, ORANGE, "triangle-down"),
    ):
        some = dots.at(spread_evenly(len(dots.seconds), budget // 4))
        left_out = len(dots.seconds) - len(some.seconds)
        label = f"{name} ({len(some.seconds)} of {len(dots.seconds)} shown)" if left_out else name
        figure.add_scatter(**_markers(some, label, colour, symbol), visible=visible)


def _markers(dots: Dots, name: str, colour: str, symbol: str) -> dict[str, object]:
    return {
        "x": _milliseconds(dots.seconds),
        "y": dots.price,
        "text": list(dots.tags),
        "name": name,
        "mode": "markers",
        "marker": {"color": colour, "symbol": symbol, "size": 8},
    }


def _broken_lines(segments: Segments, most: int) -> tuple[Floats, Floats]:
    """Join horizontal pieces to one trace, with a gap after each."""
    chosen = spread_evenly(len(segments), most)
    gap = np.full(len(chosen), np.nan)
    starts, ends = segments.start[chosen] * 1_000.0, segments.end[chosen] * 1_000.0
    x = np.column_stack([starts, ends, ends]).ravel()
    y = np.column_stack([segments.price[chosen], segments.price[chosen], gap]).ravel()
    return x, y


def _thinned(seconds: Ints, values: Floats) -> tuple[Floats, Floats]:
    kept = kept_indices(values, CURVE_POINTS)
    return _milliseconds(seconds[kept]), values[kept].astype("float32")


def _milliseconds(seconds: Ints) -> Floats:
    """Dates as plotly takes them in the smallest form."""
    return (seconds * 1_000).astype("float64")


def _laid_out(figure: go.Figure, height: int) -> go.Figure:
    figure.update_xaxes(type="date")
    return figure.update_layout(
        template=LIGHT_THEME,
        height=height,
        margin={"l": 70, "r": 20, "t": 60, "b": 40},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        hovermode="closest",
    )
