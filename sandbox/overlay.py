"""The freqtrade configuration that points ccxt's Binance at a sandbox, and nothing else."""

from typing import Any

_PATHS = {
    "public": "/api/v3",
    "private": "/api/v3",
    "v1": "/api/v1",
    "fapiPublic": "/fapi/v1",
    "fapiPublicV2": "/fapi/v2",
    "fapiPublicV3": "/fapi/v3",
    "fapiPrivate": "/fapi/v1",
    "fapiPrivateV2": "/fapi/v2",
    "fapiPrivateV3": "/fapi/v3",
    "fapiData": "/futures/data",
    "dapiPublic": "/dapi/v1",
    "dapiPrivate": "/dapi/v1",
    "dapiPrivateV2": "/dapi/v2",
    "dapiData": "/dapi/futures/data",
    "eapiPublic": "/eapi/v1",
    "eapiPrivate": "/eapi/v1",
    "sapi": "/sapi/v1",
    "sapiV2": "/sapi/v2",
    "sapiV3": "/sapi/v3",
    "sapiV4": "/sapi/v4",
    "papi": "/papi/v1",
    "papiV2": "/papi/v2",
}
_TIMEOUT_MS = 60_000


def freqtrade_config(url: str) -> dict[str, Any]:
    """Exchange connectivity only: pairs, stakes and everything else stay the user's.

    Keys are blanked, so that real ones never leave the configuration they stand in.
    """
    # A user's own ccxt_async_config would otherwise slow every request to the real exchange's pace.
    unthrottled = {"enableRateLimit": False, "timeout": _TIMEOUT_MS}
    urls = {"api": {name: url + path for name, path in _PATHS.items()}}
    return {
        "exchange": {
            "name": "binance",
            "key": "",
            "secret": "",
            "only_from_ccxt": True,
            "enable_ws": False,
            "ccxt_config": {
                **unthrottled,
                "urls": urls,
                "options": {"fetchCurrencies": False},
            },
            "ccxt_async_config": unthrottled,
            "ccxt_sync_config": unthrottled,
        }
    }
