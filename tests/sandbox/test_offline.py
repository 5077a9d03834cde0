"""`gridkit offline`: exit status, signals, clean-up and messages, from the outside."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from sandbox.errors import SandboxError
from sandbox.running import running_exchange

ROOT = Path(__file__).resolve().parents[2]
MAIN = (
    "import argparse, sys; from gridkit import offline; "
    "parser = argparse.ArgumentParser(); offline.add_parser(parser.add_subparsers()); "
    "options = parser.parse_args(); sys.exit(options.run(options))"
)
DEADLINE_SECONDS = 60


STARTED = []


@pytest.fixture(autouse=True)
def _nothing_left_behind():
    yield
    while STARTED:
        process = STARTED.pop()
        process.kill()
        process.communicate()


def start(*arguments, **options):
    path = os.pathsep.join([str(ROOT), str(ROOT / "strategies")])
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "offline", *arguments],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    STARTED.append(process)
    return process


def finish(process):
    out, err = process.communicate(timeout=DEADLINE_SECONDS)
    return process.returncode, out, err


def python(code):
    return ["--", sys.executable, "-c", code]


TELL_URL = "import os; print(os.environ['GRIDKIT_SANDBOX_URL'], flush=True)"


def is_open(url):
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def await_closed(url):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while is_open(url):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_command_sees_the_exchange_and_its_configuration():
    code = (
        "import json, os, urllib.request as r; url = os.environ['GRIDKIT_SANDBOX_URL']; "
        "config = json.load(open(os.environ['GRIDKIT_SANDBOX_CONFIG'])); "
        "print(json.dumps([url, config['exchange']['ccxt_config']['urls']['api']['public'], "
        "json.load(r.urlopen(url + '/sandbox'))['seed']]))"
    )
    status, out, err = finish(start("--seed", "11", *python(code)))
    url, public, seed = json.loads(out)
    assert (status, err) == (0, "")
    assert url.startswith("http://127.0.0.1:")
    assert public == url + "/api/v3"
    assert seed == 11
    assert not is_open(url)


@pytest.mark.parametrize("wanted", [0, 1, 7])
def test_the_exit_status_is_the_commands(wanted):
    assert finish(start(*python(f"raise SystemExit({wanted})")))[0] == wanted


def test_the_exchange_is_stopped_when_the_command_fails():
    status, out, _err = finish(start(*python(f"{TELL_URL}; raise RuntimeError")))
    assert status == 1
    assert not is_open(out.strip())


def test_a_command_killed_by_a_signal_gives_128_plus_its_number():
    code = "import os; os.kill(os.getpid(), 9)"
    assert finish(start(*python(code)))[0] == 137


WAIT_FOR_SIGNAL = (
    "import signal, sys; "
    "[signal.signal(n, lambda n, f: sys.exit(40 + n)) for n in (signal.SIGINT, signal.SIGTERM)]; "
    f"{TELL_URL}; signal.pause()"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_command_and_the_exchange_ends_with_it(number):
    process = start(*python(WAIT_FOR_SIGNAL))
    url = process.stdout.readline().strip()
    assert is_open(url)
    process.send_signal(number)
    assert finish(process)[0] == 40 + number
    assert not is_open(url)


def test_the_exchange_ends_when_its_owner_is_killed():
    process = start(*python(f"{TELL_URL}; import time; time.sleep(5)"), start_new_session=True)
    url = process.stdout.readline().strip()
    process.kill()
    process.wait(DEADLINE_SECONDS)
    await_closed(url)
    with suppress(ProcessLookupError):  # its command has a group of its own
        os.killpg(process.pid, signal.SIGKILL)
    finish(process)


def test_without_a_command_it_can_serve_until_ctrl_c():
    process = start("--serve")
    url = process.stdout.readline().split()[-1]
    config = Path(process.stdout.readline().split()[-1])
    with urlopen(f"{url}/api/v3/ping", timeout=DEADLINE_SECONDS) as answer:
        assert answer.status == 200
    assert config.is_file()
    process.send_signal(signal.SIGINT)
    assert finish(process)[0] == 0
    assert not is_open(url)
    assert not config.exists()


def refused(*arguments):
    status, out, err = finish(start(*arguments))
    assert out == ""
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    return status, err


def test_a_port_in_use_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        status, message = refused("--port", port, *python("pass"))
    assert status == 2
    assert f"port: {port} cannot be used on 127.0.0.1" in message
    assert "0 to have one chosen" in message


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--profile", "livly"], ["profile: 'livly'", "flat, lively, steady", "mean 'lively'"]),
        (["--data", "nowhere"], ["--data: ", "nowhere' is not a folder", "datadir"]),
        (["--port", "99999"], ["--port: '99999'", "from 0 to 65535"]),
        (["--seed", "x"], ["--seed: 'x'", "whole number"]),
    ],
)
def test_a_wrong_option_is_one_message_with_key_value_and_what_is_allowed(arguments, parts):
    status, message = refused(*arguments, *python("pass"))
    assert status == 2
    assert all(part in message for part in parts)


@pytest.mark.parametrize("arguments", [[], ["--"]])
def test_a_missing_command_is_one_message_with_an_example(arguments):
    status, message = refused(*arguments)
    assert status == 2
    assert "nothing follows `--`" in message
    assert "gridkit offline -- freqtrade" in message


def test_a_command_that_does_not_exist_is_named():
    status, message = refused("--", "no-such-program")
    assert status == 127
    assert "'no-such-program' was not found" in message


def test_an_unreadable_data_file_is_named(tmp_path):
    (tmp_path / "BTC_USDT-5m.feather").write_bytes(b"nonsense")
    status, message = refused("--data", str(tmp_path), *python("pass"))
    assert status == 2
    assert "BTC_USDT-5m.feather' cannot be read" in message


def test_verbose_prints_requests():
    code = (
        "import os, urllib.request as r; r.urlopen(os.environ['GRIDKIT_SANDBOX_URL'] + '/sandbox')"
    )
    _status, _out, err = finish(start("--verbose", *python(code)))
    assert "GET /sandbox" in err


def test_the_sandbox_missing_is_one_message():
    process = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.modules['sandbox'] = None; {MAIN}", "offline"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "strategies")},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert process.returncode == 2
    assert "pip install" in process.stderr
    assert "Traceback" not in process.stderr


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's list of sockets")
def test_the_exchange_listens_on_loopback_only_and_starts_quickly():
    started = time.monotonic()
    with running_exchange() as exchange:
        assert time.monotonic() - started < 5
        inode_lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        port = f"{int(exchange.url.rsplit(':', 1)[1]):04X}"
        hosts = {line.split()[1].split(":")[0] for line in inode_lines if f":{port} 0" in line}
    assert hosts == {"0100007F"}
    assert exchange.process.returncode == 0


def test_python_callers_get_the_same_message():
    with (
        pytest.raises(SandboxError, match="profile: 'x' is not one of"),
        running_exchange(profile="x"),
    ):
        pass
