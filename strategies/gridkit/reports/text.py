"""The report as text: warnings first, then the headline beside buy and hold, then every figure."""

from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.table import Table

from gridkit.reports.catalogue import (
    HEADLINE,
    LABELS,
    SECTIONS,
    beside,
    fill_rule_sentences,
    shown,
)
from gridkit.reports.portfolio_view import (
    CORRELATIONS,
    SYMBOLS,
    Rows,
    correlation_rows,
    sentences,
    symbol_rows,
)
from gridkit.reports.report import Report


def show(report: Report, console: Console) -> None:
    """Write the whole report to `console`."""
    console.print(f"\n[bold]{report.run.strategy}, marked to market[/bold]")
    console.print(describe(report), style="dim", markup=False)
    if report.warnings:
        console.print(warning_panel(report))
    console.print(headline(report))
    for sentence in fill_rule_sentences(report):
        console.print(sentence, markup=False)
    if report.portfolio:
        console.print(cells_table(SYMBOLS, symbol_rows(report)))
        console.print(cells_table(CORRELATIONS, correlation_rows(report)))
        for sentence in sentences(report):
            console.print(sentence, markup=False)
    console.print(all_figures(report))


def describe(report: Report) -> str:
    """One line: what ran, where, when."""
    run = report.run
    first, last = (str(report.marks.seconds[i].astype("datetime64[s]"))[:16] for i in (0, -1))
    fine = f", filled in {run.fill_step // 60}m" if run.fill_step != run.step else ""
    return (
        f"{first.replace('T', ' ')} to {last.replace('T', ' ')} UTC, {run.step // 60}m candles"
        f"{fine}, {run.trading_mode}, fee {run.fee_fraction:.3%}, {', '.join(run.pairs)}"
    )


def warning_panel(report: Report) -> RenderableType:
    """All warnings, hard to overlook."""
    text = "\n".join(f"! {warning}" for warning in report.warnings)
    return Panel(text, title="WARNING", style="bold yellow", title_align="left")


def headline(report: Report) -> Table:
    """Set the marked figures beside buy and hold."""
    table = Table()
    table.add_column("")
    table.add_column(report.run.strategy, justify="right", style="bold")
    table.add_column("Buy and hold", justify="right")
    currency = report.run.stake_currency
    for key in HEADLINE:
        table.add_row(
            LABELS[key],
            shown(key, report.figures[key], currency),
            beside(report, key),
        )
    return table


def cells_table(title: str, rows: Rows) -> Table:
    """Set rows of cells, the heading first, under a title."""
    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name, justify="right" if len(table.columns) else "left")
    for row in rows[1:]:
        table.add_row(*row)
    return table


def all_figures(report: Report) -> Table:
    """Every figure, under its section."""
    table = Table(show_header=False)
    for section in SECTIONS:
        table.add_row(f"[bold]{section.title}[/bold]", "")
        for key, label in section.figures:
            value = shown(key, report.figures[key], report.run.stake_currency)
            table.add_row(f"  {label}", value)
        table.add_section()
    table.columns[1].justify = "right"
    return table
