#!/usr/bin/env bash
# Trades against the sandbox without money, the REST API on. Ctrl-C stops it; run again, it goes on.
#   PROFILE, SEED     which simulated market
#   CONFIG, STRATEGY  what trades
set -euo pipefail
cd "$(dirname "$0")/.."

bin=${GRIDKIT_BIN:-.venv/bin} # tests put recorders in the place of the commands
profile=${PROFILE:-steady} seed=${SEED:-7}
config=${CONFIG:-config.json} strategy=${STRATEGY:-AdaptiveGrid}

if [[ ! -f $config ]]; then
  printf 'trade: CONFIG: there is no file %s\n' "$config" >&2
  exit 2
fi

# freqtrade wants a secret to sign the API's sessions with; a new one each start is in no file.
FREQTRADE__API_SERVER__JWT_SECRET_KEY=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export FREQTRADE__API_SERVER__JWT_SECRET_KEY

# A trade belongs to the market it was made on, so each simulated market has its own database.
exec "$bin/gridkit" offline --profile "$profile" --seed "$seed" -- \
  "$bin/freqtrade" trade --dry-run -c "$config" -c user_data/configs/api.json \
  --strategy "$strategy" --strategy-path strategies \
  --db-url "sqlite:///user_data/sandbox-$profile-$seed.dryrun.sqlite"
