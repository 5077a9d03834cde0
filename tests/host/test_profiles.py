"""The profiles and overlays in user_data/configs: right, read by freqtrade, and they trade."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode

from backtests import runs
from gridkit import cli
from gridkit.grid import spacing
from gridkit.host.directional import checks
from gridkit.settings import Settings
from gridkit.settings.catalogue import values

CONFIGS = runs.ROOT / "user_data" / "configs"
PROFILES = ("conservative", "balanced", "active", "micro_account")
OVERLAYS = ("spot", "futures")
ON_EXCHANGE = "stop_on_exchange"
STRATEGIES = ("AdaptiveGrid", "Confluence")
CAUTIOUS_TO_DARING = ("conservative", "balanced", "active")
TRADED = "20251205-20251209"
# The simulated days are few: what the regime thinks of them is not what is tried here.
ANY_REGIME = {"regime": {"uncertain": {"new_cycles": True}}}


def files(*names: str) -> list[Path]:
    return [runs.CONFIG, *(CONFIGS / f"{name}.json" for name in names)]


def loaded(folder: Path, *names: str) -> dict[str, Any]:
    """A configuration as freqtrade reads it."""
    arguments = {
        "config": [str(path) for path in files(*names)],
        "user_data_dir": str(folder),
        "datadir": str(folder),
    }
    return Configuration(arguments, RunMode.BACKTEST).get_config()


def settings_of(profile: str) -> Settings:
    return Settings.from_config(json.loads((CONFIGS / f"{profile}.json").read_text()))


@pytest.mark.parametrize(("overlay", "profile"), [*product(OVERLAYS, PROFILES)])
def test_freqtrade_reads_a_profile_over_an_overlay_and_all_of_it_arrives(
    tmp_path, overlay, profile
):
    config = loaded(tmp_path, overlay, profile)
    assert config["trading_mode"] == overlay
    ours = values(settings_of(profile))
    assert values(Settings.from_config(config)) == ours
    given = json.loads((CONFIGS / f"{profile}.json").read_text())
    assert config["max_open_trades"] == given.get("max_open_trades", 5)


@pytest.mark.parametrize(
    ("strategy", "overlay", "profile"), [*product(STRATEGIES, OVERLAYS, PROFILES)]
)
def test_every_profile_is_right_for_both_strategies_and_without_a_warning(
    capsys, strategy, overlay, profile
):
    words = [word for path in files(overlay, profile) for word in ("-c", str(path))]
    assert cli.main(["check", *words, "--strategy", strategy]) == 0
    printed, complained = capsys.readouterr()
    assert (complained, "warning" in printed) == ("", False)


@pytest.mark.parametrize("name", sorted(path.stem for path in CONFIGS.glob("*.json")))
def test_every_overlay_passes_the_check_after_config_json(capsys, name):
    # Grids above the market are for futures.
    before = ("futures",) if name == "short" else ()
    words = [word for path in files(*before, name) for word in ("-c", str(path))]
    strategy = "Confluence" if name == ON_EXCHANGE else "AdaptiveGrid"
    assert cli.main(["check", *words, "--strategy", strategy]) == 0, capsys.readouterr().err


def test_a_stop_on_the_exchange_is_for_confluence_alone(capsys):
    words = [word for path in files(ON_EXCHANGE) for word in ("-c", str(path))]
    assert cli.main(["check", *words]) == 1
    assert "order_types.stoploss_on_exchange = True: must be false" in capsys.readouterr().err


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_with_the_stop_on_the_exchange_what_leaves_still_does_so_at_the_market(tmp_path, overlay):
    kinds = loaded(tmp_path, overlay, ON_EXCHANGE)["order_types"]
    assert kinds.pop("stoploss_on_exchange_interval") == 60
    assert kinds == {**checks.ORDER_TYPES, "force_exit": "market", "stoploss_on_exchange": True}


def test_spot_is_what_config_json_has(tmp_path):
    plain, overlaid = loaded(tmp_path), loaded(tmp_path, "futures", "spot")
    for key in ("trading_mode", "dry_run_wallet", "margin_mode", "max_open_trades"):
        assert (overlaid.get(key) or "") == (plain.get(key) or "")
    assert overlaid["exchange"]["pair_whitelist"] == plain["exchange"]["pair_whitelist"]
    assert Settings.from_config(overlaid) == Settings.from_config(plain)


def test_balanced_is_the_defaults_written_out():
    assert settings_of("balanced") == Settings()
    given = json.loads((CONFIGS / "balanced.json").read_text())["gridkit"]
    others = [json.loads((CONFIGS / f"{one}.json").read_text()) for one in CAUTIOUS_TO_DARING]
    for section, keys in others[0]["gridkit"].items():
        assert keys.keys() <= given[section].keys()


@pytest.mark.parametrize(
    "key",
    [
        "grid.levels", "sizing.risk", "sizing.most_risk", "caps.inventory", "caps.max_lots",
        "stops.cycle_stop", "recovery.budget", "breakers.yellow", "breakers.red", "breakers.black",
        "entries.most_per_hour", "portfolio.risk_per_trade", "portfolio.total_risk",
        "portfolio.single",
    ],
)  # fmt: skip
def test_from_conservative_to_active_more_is_risked(key):
    found = [values(settings_of(one))[key] for one in CAUTIOUS_TO_DARING]
    assert found[0] < found[2]
    assert found == sorted(found)


@pytest.mark.parametrize("key", ["spacing.volatility_factor", "spacing.min_step"])
def test_from_conservative_to_active_lines_come_nearer(key):
    found = [values(settings_of(one))[key] for one in CAUTIOUS_TO_DARING]
    assert found[0] > found[1] > found[2]


def test_active_lines_are_as_near_as_the_fees_of_spot_allow():
    narrowest = spacing.narrowest(settings_of("active").spacing)
    floor = 2 * 0.001 + 2 * 0.0001 + settings_of("active").grid.min_profit
    assert floor <= narrowest < floor + 0.0005


@pytest.fixture(scope="module")
def traded(spot, tmp_path_factory):
    """What AdaptiveGrid did with each profile in the same days."""

    def run(profile: str) -> runs.Run:
        files = [str(CONFIGS / "spot.json"), str(CONFIGS / f"{profile}.json")]
        folder = tmp_path_factory.mktemp(profile)
        return runs.run(folder, spot, ANY_REGIME, timerange=TRADED, add_config_files=files)

    return {profile: run(profile) for profile in PROFILES}


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_trades(traded, profile):
    tags = {fill.tag for fill in traded[profile].filled}
    assert any(tag.startswith("L") for tag in tags), "nothing was bought"
    assert any(tag.startswith("sell L") for tag in tags), "nothing was sold at its target"


@pytest.mark.slow
def test_the_more_daring_a_profile_the_more_it_holds_and_the_conservative_one_trades_least(traded):
    held = [most_held(traded[one]) for one in CAUTIOUS_TO_DARING]
    assert held == sorted(set(held))
    fills = [len(traded[one].filled) for one in CAUTIOUS_TO_DARING]
    assert fills[0] < min(fills[1:])


@pytest.mark.slow
def test_a_micro_account_buys_no_more_than_it_has_and_no_less_than_the_exchange_takes(traded):
    bought = [one for one in traded["micro_account"].placed if one.side == "buy"]
    assert min(one.price * one.amount for one in bought) >= 5 * 1.05
    held = most_held(traded["micro_account"])
    assert held <= 0.9 * 0.99 * 250 + 1e-6


def most_held(run: runs.Run) -> float:
    """The most that was in the market at a time, by what it cost."""
    cost, most = 0.0, 0.0
    for fill in run.filled:
        cost += (1 if fill.side == "buy" else -1) * fill.price * fill.amount
        most = max(most, cost)
    return most
