#!/usr/bin/env bash
# Candles, freqtrade's backtest, our marked-to-market report as text, HTML and PNG.
#   EXCHANGE   a real exchange whose candles are downloaded; without it, the sandbox
#   PAIRS      e.g. "BTC/USDT ETH/USDT"; without it, the config's whitelist
#   DAYS       how many whole days up to last midnight (UTC)
#   CONFIG, STRATEGY, TIMEFRAME   what is tested
#   PROFILE, SEED                 which simulated market the sandbox serves
set -euo pipefail
cd "$(dirname "$0")/.."

readonly HISTORY_DAYS=104  # before the first day: 2,400 candles of every timeframe are asked for
readonly MOST_DAYS=3000   # the sandbox's history begins in 2017, as do the exchanges'

bin=${GRIDKIT_BIN:-.venv/bin} # tests put recorders in the place of the commands
exchange=${EXCHANGE:-} pairs=${PAIRS:-} days=${DAYS:-90} timeframe=${TIMEFRAME:-5m}
config=${CONFIG:-config.json} strategy=${STRATEGY:-AdaptiveGrid}
profile=${PROFILE:-steady} seed=${SEED:-7}
reports=user_data/reports

fail() {
  printf 'backtest: %s\n' "$1" >&2
  exit 2
}

step() { printf '\n== %s\n' "$1"; }

check_input() {
  [[ $days =~ ^[1-9][0-9]{0,3}$ ]] && ((days <= MOST_DAYS)) ||
    fail "DAYS: '$days' is not a whole number of days from 1 to $MOST_DAYS"
  [[ $timeframe =~ ^[1-9][0-9]*[mhd]$ ]] || fail "TIMEFRAME: '$timeframe' is not one like 1m, 5m or 1h"
  [[ $seed =~ ^[0-9]+$ ]] || fail "SEED: '$seed' is not a whole number"
  [[ -f $config ]] || fail "CONFIG: there is no file $config"
  local pair
  for pair in $pairs; do
    [[ $pair =~ ^[A-Z0-9]+/[A-Z0-9]+(:[A-Z0-9]+)?$ ]] ||
      fail "PAIRS: '$pair' is not a pair like BTC/USDT (futures: BTC/USDT:USDT); separate pairs by spaces"
  done
  [[ -z $exchange ]] || grep -qxF -- "$exchange" <<<"$("$bin/freqtrade" list-exchanges -1 2>/dev/null)" ||
    fail "EXCHANGE: freqtrade does not know '$exchange'; '$bin/freqtrade list-exchanges' shows those it does"
}

# Whole days, so that a run repeated the same day tests the same candles.
today=$(date -u +%Y%m%d)
days_ago() { date -u -d "$today - $1 days" +%Y%m%d; }

# freqtrade, on the sandbox or on the exchange as it is.
run_freqtrade() {
  if [[ -n $exchange ]]; then
    "$bin/freqtrade" "$@"
  else
    "$bin/gridkit" offline --profile "$profile" --seed "$seed" -- "$bin/freqtrade" "$@"
  fi
}

# The config's exchange section, where a variable says otherwise.
write_overlay() {
  local quoted=() pair entries=()
  for pair in $pairs; do quoted+=("\"$pair\""); done
  [[ -z $exchange ]] || entries+=("\"name\": \"$exchange\"")
  [[ -z $pairs ]] || entries+=("\"pair_whitelist\": [$(IFS=,; echo "${quoted[*]}")]")
  printf '{"exchange": {%s}}\n' "$(IFS=,; echo "${entries[*]}")" >"$1"
}

# A second pass fetches what an earlier, shorter download left out before its first candle.
download() {
  local timeframes=("$timeframe") higher=(1h) one arguments
  [[ $strategy != Confluence ]] || higher=(15m 1h 4h)
  [[ $strategy != Confluence || $timeframe != 1m ]] || higher=(5m 15m 1h 4h 1d)
  for one in "${higher[@]}"; do
    [[ $timeframe == "$one" ]] || timeframes+=("$one")
  done
  arguments=(download-data "${common[@]}" --timeframes "${timeframes[@]}"
    --timerange "$(days_ago $((days + HISTORY_DAYS)))-$today")
  run_freqtrade "${arguments[@]}" && run_freqtrade "${arguments[@]}" --prepend
}

download_failed() {
  if [[ -n $exchange ]]; then
    fail "no candles from $exchange: freqtrade's reason stands above. It may be out of reach from here, or refuse this
          country; 'make backtest' without EXCHANGE runs on the built-in sandbox."
  fi
  fail "no candles from the sandbox: the reason stands above"
}

check_input
datadir=user_data/data/${exchange:-sandbox/$profile-$seed} # simulated candles never mix with real ones
overlay=$(mktemp --suffix=.json)
trap 'rm -f "$overlay"' EXIT
write_overlay "$overlay"
mkdir -p "$datadir" "$reports"
common=(-c "$config" -c "$overlay" --datadir "$datadir")

step "Candles of the last $days days, and $HISTORY_DAYS days before for the indicators, from ${exchange:-the sandbox}"
download || download_failed

step "freqtrade backtesting"
# --cache none: freqtrade would reuse a result of today although our library changed since.
run_freqtrade backtesting "${common[@]}" --strategy "$strategy" --strategy-path strategies \
  --timeframe "$timeframe" --timerange "$(days_ago "$days")-$today" --cache none

step "Marked to market"
rm -f "$reports"/grid-*.png # one picture a pair: none may stay from a run on other pairs
"$bin/gridkit" report --datadir "$datadir" --json "$reports/backtest.json" \
  --html "$reports/backtest.html" --png "$reports"
printf '\nThe report: %s and the pictures beside it\n' "$reports/backtest.html"
