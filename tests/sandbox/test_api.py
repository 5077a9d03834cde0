"""The REST API as Binance's clients see it: shapes, filters, pages, errors, and ccxt itself."""

import ccxt
import pytest

from sandbox.simulation.profiles import COINS
from sandbox.timeframes import DAY_MS, HOUR_MS, MINUTE_MS

EPOCH = 1_501_545_600_000


@pytest.fixture(scope="module")
def binance(exchange):
    api = ccxt.binance(exchange.config["exchange"]["ccxt_config"])
    api.load_markets()
    return api


def filters(symbol):
    return {each["filterType"]: each for each in symbol["filters"]}


def test_spot_symbols_carry_the_real_filters(client):
    listed = {each["symbol"]: each for each in client.get("/api/v3/exchangeInfo")["symbols"]}
    bitcoin = filters(listed["BTCUSDT"])
    assert len(listed) == len(COINS) >= 5
    assert float(bitcoin["PRICE_FILTER"]["tickSize"]) == 0.01
    assert float(bitcoin["LOT_SIZE"]["stepSize"]) == 0.00001
    assert float(bitcoin["NOTIONAL"]["minNotional"]) == 5


def test_perpetuals_carry_the_real_filters(client):
    listed = {each["symbol"]: each for each in client.get("/fapi/v1/exchangeInfo")["symbols"]}
    bitcoin = filters(listed["BTCUSDT"])
    assert float(bitcoin["PRICE_FILTER"]["tickSize"]) == 0.1
    assert float(bitcoin["LOT_SIZE"]["stepSize"]) == 0.001
    assert float(bitcoin["MIN_NOTIONAL"]["notional"]) == 100
    assert client.get("/dapi/v1/exchangeInfo")["symbols"] == []


@pytest.mark.parametrize("prefix", ["/api/v3", "/fapi/v1"])
def test_the_largest_order_of_every_symbol_is_worth_a_fortune(client, prefix):
    prices = {each["symbol"]: each["price"] for each in client.get(f"{prefix}/ticker/price")}
    for symbol in client.get(f"{prefix}/exchangeInfo")["symbols"]:
        most = float(filters(symbol)["LOT_SIZE"]["maxQty"])
        assert most * float(prices[symbol["symbol"]]) > 10_000


def test_the_time_is_the_clocks(client, now):
    assert client.get("/api/v3/time") == client.get("/fapi/v1/time") == {"serverTime": now}
    assert client.get("/api/v3/ping") == {}


def klines(client, extra, path="/api/v3/klines", interval="5m"):
    return client.get(f"{path}?symbol=BTCUSDT&interval={interval}{extra}")


def test_klines_without_times_are_the_most_recent_and_the_last_one_runs(client, now):
    rows = klines(client, "")
    assert len(rows) == 500
    assert rows[-1][0] <= now < rows[-1][0] + 5 * MINUTE_MS
    assert all(row[6] == row[0] + 5 * MINUTE_MS - 1 for row in rows)


def test_klines_from_a_start_are_the_oldest_first_up_to_the_limit(client, now):
    start = now - DAY_MS
    rows = klines(client, f"&startTime={start}&limit=3")
    first = -(-start // (5 * MINUTE_MS)) * 5 * MINUTE_MS
    assert [row[0] for row in rows] == [first + place * 5 * MINUTE_MS for place in range(3)]


def test_klines_until_an_end_are_the_last_ones_before_it(client, now):
    end = (now - DAY_MS) // (5 * MINUTE_MS) * 5 * MINUTE_MS
    rows = klines(client, f"&endTime={end}&limit=2")
    assert [row[0] for row in rows] == [end - 5 * MINUTE_MS, end]


def test_klines_between_two_times_include_both(client, now):
    end = (now - DAY_MS) // HOUR_MS * HOUR_MS
    rows = klines(client, f"&startTime={end - 3 * HOUR_MS}&endTime={end}", interval="1h")
    assert [row[0] for row in rows] == [end - back * HOUR_MS for back in (3, 2, 1, 0)]


@pytest.mark.parametrize(("path", "most"), [("/api/v3/klines", 1000), ("/fapi/v1/klines", 1500)])
def test_a_limit_beyond_binances_is_cut(client, path, most):
    assert len(klines(client, "&limit=5000", path, "1m")) == most


def test_klines_from_the_beginning_start_at_the_first_candle_there_is(client):
    assert klines(client, "&startTime=0&limit=1")[0][0] == EPOCH


def test_klines_of_the_future_are_empty(client, now):
    assert klines(client, f"&startTime={now + DAY_MS}") == []


def test_pages_of_klines_join_without_gap_or_overlap(client, now):
    start = (now - 3 * DAY_MS) // MINUTE_MS * MINUTE_MS
    pages, since = [], start
    for _page in range(4):
        page = klines(client, f"&startTime={since}&limit=700", interval="1m")
        pages += page
        since = page[-1][0] + MINUTE_MS
    times = [row[0] for row in pages]
    assert times == list(range(start, start + 2800 * MINUTE_MS, MINUTE_MS))


def test_mark_index_and_premium_klines_are_served_on_futures(client):
    mark = klines(client, "&limit=1", "/fapi/v1/markPriceKlines", "1h")[0]
    index = client.get("/fapi/v1/indexPriceKlines?pair=BTCUSDT&interval=1h&limit=1")[0]
    premium = klines(client, "&limit=1", "/fapi/v1/premiumIndexKlines", "1h")[0]
    assert mark[0] == index[0] == premium[0]
    assert float(mark[1]) == pytest.approx(float(index[1]) * (1 + float(premium[1])), rel=1e-6)


def test_trades_are_paged_by_id_and_by_time(client, now):
    path = "/api/v3/aggTrades?symbol=ETHUSDT"
    since = client.get(f"{path}&startTime={now - HOUR_MS}&endTime={now}&limit=10")
    following = client.get(f"{path}&fromId={since[-1]['a']}&limit=10")
    assert since[0]["T"] >= now - HOUR_MS
    assert [each["a"] for each in following] == [since[-1]["a"] + place for place in range(10)]
    assert following[0] == since[-1]


def test_the_newest_trades_are_the_same_under_both_names(client):
    aggregate = client.get("/fapi/v1/aggTrades?symbol=ETHUSDT&limit=5")
    single = client.get("/fapi/v1/trades?symbol=ETHUSDT&limit=5")
    assert [each["p"] for each in aggregate] == [each["price"] for each in single]
    assert [each["m"] for each in aggregate] == [each["isBuyerMaker"] for each in single]


def test_no_trade_is_served_before_it_happens(client, now):
    newest = client.get("/api/v3/aggTrades?symbol=ETHUSDT&limit=1")[0]
    assert newest["T"] <= now
    assert client.get(f"/api/v3/aggTrades?symbol=ETHUSDT&fromId={newest['a'] + 1}") == []
    assert client.get("/api/v3/aggTrades?symbol=ETHUSDT&fromId=999999999999") == []
    assert client.get("/api/v3/aggTrades?symbol=ETHUSDT&endTime=1000") == []


def test_the_book_has_the_levels_asked_for(client):
    for prefix in ("/api/v3", "/fapi/v1"):
        book = client.get(f"{prefix}/depth?symbol=XRPUSDT&limit=1000")
        assert len(book["bids"]) == len(book["asks"]) == 1000
        assert float(book["bids"][0][0]) < float(book["asks"][0][0])
        assert len(client.get(f"{prefix}/depth?symbol=XRPUSDT&limit=5")["bids"]) == 5


def test_tickers_agree_with_candles_and_book(client):
    ticker = client.get("/api/v3/ticker/24hr?symbol=SOLUSDT")
    best = client.get("/api/v3/ticker/bookTicker?symbol=SOLUSDT")
    path = "/api/v3/klines?symbol=SOLUSDT&interval=1m"
    newest = client.get(f"{path}&limit=1000")
    rows = [*client.get(f"{path}&limit=440&endTime={newest[0][0] - 1}"), *newest]
    assert (ticker["bidPrice"], ticker["askPrice"]) == (best["bidPrice"], best["askPrice"])
    assert float(ticker["lastPrice"]) == float(rows[-1][4])
    assert float(ticker["highPrice"]) == max(float(row[2]) for row in rows)
    assert float(ticker["volume"]) == pytest.approx(sum(float(row[5]) for row in rows))
    assert client.get("/api/v3/ticker/price?symbol=SOLUSDT")["price"] == ticker["lastPrice"]


def test_tickers_come_for_one_symbol_several_or_all(client):
    for name in ("24hr", "bookTicker", "price"):
        path = f"/api/v3/ticker/{name}"
        assert client.get(f"{path}?symbol=SOLUSDT")["symbol"] == "SOLUSDT"
        some = client.get(f'{path}?symbols=["SOLUSDT","BTCUSDT"]'.replace('"', "%22"))
        assert [each["symbol"] for each in some] == ["SOLUSDT", "BTCUSDT"]
        assert len(client.get(path)) == len(COINS)


def test_funding_history_is_paged_and_settles_every_eight_hours(client, now):
    path = "/fapi/v1/fundingRate?symbol=BTCUSDT"
    rows = client.get(f"{path}&startTime={now - 30 * DAY_MS}&limit=1000")
    times = [row["fundingTime"] for row in rows]
    assert len(rows) == 90
    assert all(time % (8 * HOUR_MS) == 0 for time in times)
    assert times[-1] <= now
    assert client.get(f"{path}&limit=2") == rows[-2:]


def test_the_funding_rate_to_come_is_settled_at_the_next_full_eight_hours(client, now):
    premium = client.get("/fapi/v1/premiumIndex?symbol=BTCUSDT")
    assert premium["nextFundingTime"] == (now // (8 * HOUR_MS) + 1) * 8 * HOUR_MS
    assert len(client.get("/fapi/v1/premiumIndex")) == len(COINS)
    assert client.get("/fapi/v1/fundingInfo") == []


def test_open_interest_is_served_as_history_and_now(client, now):
    path = "/futures/data/openInterestHist?symbol=BTCUSDT&period=1h"
    rows = client.get(f"{path}&startTime={now - DAY_MS}&limit=500")
    assert len(rows) == 24
    assert float(client.get("/fapi/v1/openInterest?symbol=BTCUSDT")["openInterest"]) > 0


@pytest.mark.parametrize(
    ("path", "status", "code", "part"),
    [
        ("/api/v3/klines?symbol=NONE&interval=5m", 400, -1121, "Invalid symbol"),
        ("/api/v3/klines?symbol=BTCUSDT&interval=7m", 400, -1120, "Invalid interval"),
        ("/api/v3/klines?symbol=BTCUSDT", 400, -1102, "'interval'"),
        ("/api/v3/depth?symbol=BTCUSDT&limit=many", 400, -1102, "'limit'"),
        ("/api/v3/ticker/price?symbols=BTCUSDT", 400, -1102, "JSON list"),
        ("/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=-1", 400, -1102, "'startTime'"),
        ("/api/v3/klines?symbol=BTCUSDT&interval=1m&endTime=1" + 20 * "0", 400, -1102, "'endTime'"),
        ("/api/v3/nothing", 404, -5000, "/api/v3/nothing"),
        ("/api/v3/account?signature=x", 401, -2014, "dry_run"),
        ("/sapi/v1/capital/config/getall", 401, -2014, "private"),
    ],
)
def test_an_error_is_binances(client, path, status, code, part):
    answered, body = client.refused(path)
    assert (answered, body["code"]) == (status, code)
    assert part in body["msg"]


def test_ccxt_reads_every_public_endpoint_of_spot(binance, now):
    assert binance.market("BTC/USDT")["precision"]["price"] == 0.01
    assert binance.market("BTC/USDT")["limits"]["cost"]["min"] == 5
    assert binance.fetch_time() == now
    assert binance.fetch_ohlcv("BTC/USDT", "1h", limit=2)[-1][0] <= now
    assert binance.fetch_order_book("BTC/USDT", 20)["bids"][0][0] > 0
    assert binance.fetch_ticker("BTC/USDT")["last"] > 0
    assert set(binance.fetch_tickers(["BTC/USDT", "ETH/USDT"])) == {"BTC/USDT", "ETH/USDT"}
    assert binance.fetch_bids_asks(["BTC/USDT"])["BTC/USDT"]["ask"] > 0
    assert len(binance.fetch_trades("BTC/USDT", limit=7)) == 7


def test_ccxt_reads_every_public_endpoint_of_futures(binance, now):
    pair = "BTC/USDT:USDT"
    assert binance.market(pair)["limits"]["cost"]["min"] == 100
    assert binance.fetch_ohlcv(pair, "1h", limit=2)[-1][0] <= now
    for price in ("mark", "index", "premiumIndex"):
        assert len(binance.fetch_ohlcv(pair, "1h", limit=2, params={"price": price})) == 2
    assert binance.fetch_order_book(pair, 20)["timestamp"] == now
    assert binance.fetch_ticker(pair)["last"] > 0
    assert pair in binance.fetch_bids_asks([pair])
    assert binance.fetch_last_prices([pair])[pair]["price"] > 0
    assert len(binance.fetch_trades(pair, limit=7)) == 7
    assert binance.fetch_funding_rates([pair])[pair]["markPrice"] > 0
    assert len(binance.fetch_funding_rate_history(pair, limit=3)) == 3
    assert len(binance.fetch_open_interest_history(pair, "1h", limit=3)) == 3


def test_ccxt_reports_a_private_request_as_a_matter_of_keys(exchange):
    settings = exchange.config["exchange"]["ccxt_config"]
    api = ccxt.binance({**settings, "apiKey": "key", "secret": "secret"})
    with pytest.raises(ccxt.AuthenticationError, match="dry_run: true"):
        api.fetch_balance()


def test_the_description_names_the_regimes_so_far(client):
    described = client.get("/sandbox")
    assert described["profile"] == "steady"
    assert described["regimes"][0]["from"] == "2017-08-01 00:00"
    assert described["regimes"][-1]["from"] <= "2026-03-04"
