"""Confluence: enters where timeframes, regime, volume and flow agree. Callbacks only."""

from datetime import datetime

from freqtrade.enums import RunMode
from freqtrade.persistence import Order, Trade
from freqtrade.strategy import IStrategy
from pandas import DataFrame

from gridkit.host import data_files, history, parameters, read_only
from gridkit.host.directional import checks, drawing, prepared, signals, summary
from gridkit.host.directional.desk import DirectionalDesk
from gridkit.host.prediction import engineering, starting
from gridkit.host.signals import SIDES
from gridkit.risk.guards import refuses_on_error

TRADING = (RunMode.LIVE, RunMode.DRY_RUN)
TRADE_CALLBACKS = (
    "adjust_trade_position",
    "custom_stoploss",
    "custom_exit",
    "check_entry_timeout",
    "check_exit_timeout",
    "order_filled",
)


class Confluence(IStrategy):
    """One freqtrade trade is one position, which leaves in parts, by its stop, or at once."""

    INTERFACE_VERSION = 3

    timeframe = "5m"
    stoploss = -checks.NET
    minimal_roi = {}  # noqa: RUF012 (freqtrade's own attribute, read only)
    order_types = checks.ORDER_TYPES
    position_adjustment_enable = True
    process_only_new_candles = True
    use_exit_signal = True
    use_custom_stoploss = True
    HyperOpt = parameters.OwnSpaces

    def __init__(self, config: dict) -> None:
        timeframe = config.get("timeframe") or self.timeframe  # freqtrade sets it later
        settings = checks.read_settings(config)
        known = history.fitted(config, settings, timeframe, directional=True)
        self.configured = settings = known.settings
        self.can_short = settings.direction != "long" and config.get("trading_mode") == "futures"
        self.stoploss = self.net = checks.stoploss(settings, config)
        parameters.declare(self, settings, config, parameters.DIRECTIONAL)
        super().__init__(config)
        live = config.get("runmode") in TRADING
        self.errors_are_fatal = config.get("runmode") == RunMode.BACKTEST
        data_files.check(config, timeframe, settings, checks.timeframes(settings, timeframe))
        starting.settle(self, config, settings, timeframe)
        self.startup_candle_count = known.candles
        self.plot_config = drawing.plot_config(settings, config)
        self.desk = DirectionalDesk(self, known, live=live, timeframe=timeframe)
        if not live or settings.read_only_trades_live:
            read_only.install(self, TRADE_CALLBACKS, errors_are_fatal=self.errors_are_fatal)

    def bot_start(self, **kwargs) -> None:
        checks.check(self, self.desk)
        if self.config["runmode"] not in TRADING:  # there with the first loop: accounts move on
            summary.tell(self.desk)

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
        self.desk.use(parameters.effective(self, parameters.DIRECTIONAL))
        return signals.indicators(dataframe, metadata["pair"], self)

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        self.desk.use(parameters.effective(self, parameters.DIRECTIONAL))
        frame = signals.entries(dataframe, metadata["pair"], self)
        prepared.prepare(frame, metadata["pair"], self.desk)
        return frame

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
        proposed_stake: float,
        leverage: float,
        entry_tag: str | None,
        side: str,
        **kwargs,
    ) -> float:
        return self.desk.entering.stake(
            pair, current_time, current_rate, SIDES[side], leverage, entry_tag, proposed_stake
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
        return self.desk.entering.allowed(pair, current_time, rate, amount, SIDES[side], entry_tag)

    def adjust_trade_position(
        self, trade: Trade, current_time: datetime, current_exit_rate: float, **kwargs
    ) -> tuple[float, str] | None:
        return self.desk.next_part(trade, current_time, current_exit_rate)

    def custom_stoploss(
        self, pair: str, trade: Trade, current_time: datetime, current_rate: float, **kwargs
    ) -> float | None:
        return self.desk.leaving.stop(trade, current_time, current_rate)

    def custom_exit(
        self, pair: str, trade: Trade, current_time: datetime, current_rate: float, **kwargs
    ) -> str | None:
        return self.desk.leaving.exit(trade, current_time, current_rate)

    def check_entry_timeout(
        self, trade: Trade, order: Order, current_time: datetime, **kwargs
    ) -> bool:
        return self.desk.is_late(order, current_time, entry=True)

    def check_exit_timeout(
        self, trade: Trade, order: Order, current_time: datetime, **kwargs
    ) -> bool:
        return self.desk.is_late(order, current_time, entry=False)

    def order_filled(
        self, pair: str, trade: Trade, order: Order, current_time: datetime, **kwargs
    ) -> None:
        self.desk.filled(trade, order, current_time)

    def plot_annotations(
        self, pair: str, start_date: datetime, end_date: datetime, dataframe: DataFrame, **kwargs
    ) -> list:
        return drawing.for_pair(pair, start_date, end_date, dataframe, self.desk)
