"""AdaptiveGrid: a grid whose lines follow volatility, for freqtrade. Callbacks only."""

from datetime import datetime

from freqtrade.enums import RunMode
from freqtrade.persistence import Order, Trade
from freqtrade.strategy import IStrategy
from pandas import DataFrame

from gridkit.host import (
    data_files,
    drawing,
    history,
    parameters,
    read_only,
    signals,
    startup,
    summary,
)
from gridkit.host.desk import GridDesk
from gridkit.host.prediction import engineering, starting
from gridkit.host.signals import SIDES
from gridkit.risk.guards import refuses_on_error

TRADING = (RunMode.LIVE, RunMode.DRY_RUN)
TRADE_CALLBACKS = (
    "adjust_trade_position",
    "check_entry_timeout",
    "custom_entry_price",
    "custom_exit_price",
)


class AdaptiveGrid(IStrategy):
    """One freqtrade trade is one cycle of the grid; its next line is the one working order."""

    INTERFACE_VERSION = 3

    timeframe = "5m"
    stoploss = parameters.STOPLOSS
    minimal_roi = {}  # noqa: RUF012 (freqtrade's own attribute, read only)
    position_adjustment_enable = True
    process_only_new_candles = True
    use_exit_signal = False
    HyperOpt = parameters.OwnSpaces

    def __init__(self, config: dict) -> None:
        timeframe = config.get("timeframe") or self.timeframe  # freqtrade sets it later
        known = history.fitted(config, startup.read_settings(config), timeframe)
        self.configured = settings = known.settings
        self.can_short = settings.direction != "long" and config.get("trading_mode") == "futures"
        parameters.declare(self, settings, config)
        super().__init__(config)
        live = config.get("runmode") in TRADING
        self.errors_are_fatal = config.get("runmode") == RunMode.BACKTEST
        data_files.check(config, timeframe, settings)
        starting.settle(self, config, settings, timeframe)
        self.startup_candle_count = known.candles
        self.plot_config = drawing.plot_config(settings, config)
        self.desk = GridDesk(self, known, live=live, timeframe=timeframe)
        if not live or settings.read_only_trades_live:
            read_only.install(self, TRADE_CALLBACKS, errors_are_fatal=self.errors_are_fatal)

    def bot_start(self, **kwargs) -> None:
        startup.check(self, self.desk)
        if self.config["runmode"] not in TRADING:  # there with the first loop: accounts move on
            summary.tell(self, self.desk)

    def bot_loop_start(self, current_time: datetime, **kwargs) -> None:
        self.desk.begin_loop(current_time)

    def informative_pairs(self) -> list[tuple[str, str]]:
        return signals.informative_pairs(self)

    def feature_engineering_expand_all(
        self, dataframe: DataFrame, period: int, metadata: dict, **kwargs
    ) -> DataFrame:
        return engineering.candles_alone(dataframe)

    def feature_engineering_expand_basic(
        self, dataframe: DataFrame, metadata: dict, **kwargs
    ) -> DataFrame:
        return engineering.of_timeframe(dataframe, self)

    def feature_engineering_standard(
        self, dataframe: DataFrame, metadata: dict, **kwargs
    ) -> DataFrame:
        return engineering.of_pair(dataframe, metadata["pair"], self)

    def set_freqai_targets(self, dataframe: DataFrame, metadata: dict, **kwargs) -> DataFrame:
        return engineering.targets_of(dataframe, metadata["pair"], self)

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return signals.indicators(dataframe, metadata["pair"], self)

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        self.desk.use(parameters.effective(self))
        signals.prepare(dataframe, metadata["pair"], self)
        return signals.entries(dataframe, self)

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def leverage(self, pair: str, current_time: datetime, max_leverage: float, **kwargs) -> float:
        return min(self.desk.settings.leverage, max_leverage)

    @refuses_on_error(0.0)
    def custom_stake_amount(
        self,
        pair: str,
        current_time: datetime,
        current_rate: float,
        leverage: float,
        entry_tag: str | None,
        side: str,
        **kwargs,
    ) -> float:
        return self.desk.opening.stake(
            pair, current_time, current_rate, SIDES[side], leverage, entry_tag
        )

    @refuses_on_error(False)
    def confirm_trade_entry(
        self,
        pair: str,
        amount: float,
        rate: float,
        current_time: datetime,
        entry_tag: str | None,
        side: str,
        **kwargs,
    ) -> bool:
        return self.desk.opening.allowed(pair, current_time, rate, amount, SIDES[side], entry_tag)

    def custom_entry_price(
        self,
        pair: str,
        trade: Trade | None,
        current_time: datetime,
        proposed_rate: float,
        entry_tag: str | None,
        side: str,
        **kwargs,
    ) -> float:
        if trade is not None:
            return self.desk.order_price(trade, entry_tag, proposed_rate)
        return self.desk.opening.price(pair, current_time, proposed_rate, SIDES[side], entry_tag)

    def custom_exit_price(
        self, trade: Trade, proposed_rate: float, exit_tag: str | None, **kwargs
    ) -> float:
        return self.desk.order_price(trade, exit_tag, proposed_rate)

    def check_entry_timeout(
        self, trade: Trade, order: Order, current_time: datetime, **kwargs
    ) -> bool:
        return self.desk.withdraws(trade, order, current_time)

    def adjust_trade_position(
        self,
        trade: Trade,
        current_time: datetime,
        current_entry_rate: float,
        current_exit_rate: float,
        **kwargs,
    ) -> tuple[float, str] | None:
        return self.desk.next_order(trade, current_time, current_entry_rate, current_exit_rate)

    def plot_annotations(
        self, pair: str, start_date: datetime, end_date: datetime, dataframe: DataFrame, **kwargs
    ) -> list:
        return drawing.for_pair(pair, start_date, end_date, dataframe, self.desk)
