"""P27: any valid settings together are accepted; each violated bound is refused by its name."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal, get_args, get_origin

from hypothesis import given
from hypothesis import strategies as st

from gridkit.settings import SECTION, Section, Settings, SettingsError
from gridkit.settings.catalogue import values

TIMEFRAMES = ("5m", "15m", "30m", "1h", "4h", "1d")
FAR = 1_000.0  # where a number has no bound on that side
Tree = dict[str, Any]


def rules_of(metadata: Any) -> dict[str, float]:
    """The bounds among what stands beside a type."""
    found = [rule for one in metadata for rule in getattr(one, "metadata", [one])]
    kinds = ("ge", "gt", "le", "lt")
    return {k: getattr(rule, k) for rule in found for k in kinds if hasattr(rule, k)}


def numbers(kind: Any, rules: dict[str, float]) -> st.SearchStrategy[Any]:
    low = rules.get("ge", rules.get("gt", -FAR))
    high = rules.get("le", rules.get("lt", max(low, 0) + FAR))
    if kind is int:
        return st.integers(math.ceil(low), math.floor(high))
    return st.floats(low, high, exclude_min="gt" in rules, exclude_max="lt" in rules)


def valid(annotation: Any, metadata: Any, name: str) -> st.SearchStrategy[Any]:
    """Values a field accepts on its own."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return valid(inside[0], [*metadata, *inside[1:]], name)
    if origin is tuple:
        return listed(inside, metadata, name)
    if origin is dict:
        return named(inside[1], metadata, name)
    if type(None) in inside:
        return st.none() | valid(inside[0], metadata, name)
    if origin is Literal:
        return st.sampled_from(inside)
    return single(annotation, metadata, name)


def listed(inside: tuple[Any, ...], metadata: Any, name: str) -> st.SearchStrategy[Any]:
    """Values of a tuple, or of a list of any length."""
    if inside[-1] is Ellipsis:
        return st.lists(valid(inside[0], metadata, name), min_size=1, unique=True)
    return st.tuples(*(valid(one, metadata, name) for one in inside)).map(list)


def single(annotation: Any, metadata: Any, name: str) -> st.SearchStrategy[Any]:
    """A text, a switch or a number."""
    is_length = "timeframe" in name or "horizon" in name
    texts = st.sampled_from(TIMEFRAMES if is_length else ("BTC", "index.csv"))
    if annotation is str:
        return texts
    return st.booleans() if annotation is bool else numbers(annotation, rules_of(metadata))


def named(annotation: Any, metadata: Any, name: str) -> st.SearchStrategy[Any]:
    """Numbers by pair, or by timeframe: of those three at least."""
    if name == "timeframes":
        keys, least = st.sampled_from(TIMEFRAMES), 3
    else:
        keys, least = st.sampled_from(("BTC/USDT", "ETH/USDT:USDT")), 0
    return st.dictionaries(keys, valid(annotation, metadata, name), min_size=least)


def is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)


def trees(section: type[Section]) -> st.SearchStrategy[Tree]:
    """Any of a section's settings, each valid on its own."""
    parts = {
        name: trees(field.annotation)
        if is_section(field.annotation)
        else valid(field.annotation, field.metadata, name)
        for name, field in section.model_fields.items()
    }
    return st.fixed_dictionaries({}, optional=parts)


# The rules between settings, said once more: each section's values, defaults included, must pass.
RULES: dict[str, Callable[[Tree], bool]] = {
    "spacing": lambda one: (
        one["min_step"] <= one["max_step"]
        and one["micro_min_step"] <= one["micro_max_step"]
        and one["regime_min_step"] <= one["regime_max_step"]
    ),
    "density": lambda one: one["near"] <= one["around"],
    "grid": lambda one: (
        not one["infinity"] or (one["trailing_up"] and not one["trailing_up_limit"])
    ),
    "sizing": lambda one: one["least_risk"] <= one["risk"] <= one["most_risk"],
    "recovery": lambda one: rises(one["ladder"]),
    "breakers": lambda one: (
        one["yellow"] <= one["orange"] <= one["red"] <= one["black"]
        and one["correlation_to"] < one["correlation_from"]
    ),
    "volatility.weights": lambda one: sum(one.values()) > 0,
    "volatility.regimes": lambda one: rises([0, *one["regimes"]]),
    "regime": lambda one: (
        one["ema_fast"] < one["ema_slow"]
        and one["adx_calm"] <= one["adx_strong"]
        and one["tight_below"] <= one["volatile_above"]
    ),
    "confluence.weights": lambda one: sum(one.values()) > 0,
    "confluence.periods": lambda one: rises(one["averages"]) and rises(one["macd"][:2]),
    "thresholds": lambda one: one["at_lowest"] <= one["at_median"] <= one["at_highest"],
    "orderflow": lambda one: (
        one["imbalance_depth"] <= one["depth"] and one["significant"] <= one["one_sided"]
    ),
    "exits": lambda one: sum(one["parts"]) < 1 and rises(one["targets"]),
    "portfolio": lambda one: one["risk_per_trade"] <= one["total_risk"],
    "prediction": lambda one: (
        one["blocks"] < one["raises"] and one["main_horizon"] in one["horizons"]
    ),
}
DEFAULTS = values(Settings())


def rises(values: Sequence[float]) -> bool:
    return all(one < other for one, other in pairwise(values))


def whole(tree: Tree, path: str) -> Tree:
    """A section's own values, given or default."""
    start = f"{path}."
    found = {key.removeprefix(start): one for key, one in DEFAULTS.items() if key.startswith(start)}
    given: Any = tree
    for name in path.split("."):
        given = given.get(name, {})
    return {**found, **given}


def broken(tree: Tree) -> set[str]:
    """The rules between settings that a tree does not keep."""
    sections = {name: name.removesuffix(".regimes") for name in RULES}
    return {name for name, path in sections.items() if not RULES[name](whole(tree, path))}


def mended(tree: Tree) -> Tree:
    """Leave out the sections in which a rule is broken."""
    wrong = {name.partition(".")[0] for name in broken(tree)}
    return {name: one for name, one in tree.items() if name not in wrong}


def leaves(tree: Tree, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, one in tree.items():
        if f"{prefix}{name}" in DEFAULTS:
            yield prefix + name, one
        else:
            yield from leaves(one, f"{prefix}{name}.")


def refusal(tree: Tree) -> set[str]:
    """The keys that are named when a tree is refused; none if it is accepted."""
    try:
        Settings.from_config({SECTION: tree})
    except SettingsError as error:
        keys = [str(one).split(" = ")[0].split(": ")[0] for one in error.args]
        assert len(keys) == len(set(keys))
        return {key.removeprefix(f"{SECTION}.") for key in keys}
    return set()


@given(trees(Settings))
def test_settings_that_are_valid_one_by_one_are_refused_for_the_rules_they_break_alone(tree):
    assert refusal(tree) == broken(tree)


@given(trees(Settings))
def test_valid_settings_are_accepted_together_and_nothing_else_changes(tree):
    given = mended(tree)
    found = values(Settings.from_config({SECTION: given}))
    expected = {**DEFAULTS, **dict(leaves(given))}
    assert {key: plain(one) for key, one in found.items()} == {
        key: plain(one) for key, one in expected.items()
    }


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def bounded(section: type[Section], prefix: str = "") -> Iterator[tuple[str, str, float]]:
    """Each bound of each number: key, kind, where."""
    for name, field in section.model_fields.items():
        if is_section(field.annotation):
            yield from bounded(field.annotation, f"{prefix}{name}.")
        else:
            yield from ((prefix + name, *one) for one in rules_of(field.metadata).items())


BEYOND = {"ge": -1, "gt": 0, "le": 1, "lt": 0}
BOUNDS = list(bounded(Settings))
several = st.lists(st.sampled_from(BOUNDS), min_size=1, max_size=6, unique_by=lambda one: one[0])


@given(trees(Settings), several)
def test_among_valid_settings_each_violated_bound_is_named_and_nothing_else(tree, violated):
    given = mended(tree)
    for key, kind, bound in violated:
        *parents, last = key.split(".")
        section = given
        for name in parents:
            section = section.setdefault(name, {})
        section[last] = bound + BEYOND[kind]
    assert refusal(given) == {key for key, _, _ in violated}


def test_every_rule_of_the_model_is_among_those_said_here():
    ruled = {name.removesuffix(".regimes") for name in RULES}
    assert ruled == {path.rstrip(".") for path in with_rules(Settings)}


def with_rules(section: type[Section], path: str = "") -> Iterator[str]:
    checks = section.__pydantic_decorators__
    own = any(one.info.mode == "after" for one in checks.model_validators.values())
    # The only rule that stands with a field: the others say what a timeframe is.
    if own or "_ascending" in checks.field_validators:
        yield path
    for name, field in section.model_fields.items():
        if is_section(field.annotation):
            yield from with_rules(field.annotation, f"{path}{name}.")
