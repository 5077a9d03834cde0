import json
import shutil
import zipfile
from html import escape

import pytest

from gridkit.cli import main
from gridkit.reports.catalogue import LABELS
from gridkit.reports.report import build
from gridkit.reports.result import load_run
from reports.backtests import FREQTRADES_WARNINGS, random_walk, write_candles

pytestmark = [pytest.mark.slow, FREQTRADES_WARNINGS]


def refused(capsys, *arguments):
    """Run the command, which must fail; returns its one message, in one line."""
    assert main(["report", *map(str, arguments)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return " ".join(captured.err.split())


def test_the_report_is_printed_headline_first(spot, capsys):
    assert main(["report", str(spot.export)]) == 0
    text = capsys.readouterr().out
    found = build(load_run(spot.export))
    assert f"{found.figures['final_stake']:,.2f} USDT" in text
    assert text.index("Buy and hold") < text.index("Fill rule: touch") < text.index("Win rate")
    for label in LABELS.values():
        assert label in text
    assert "not available" in text
    assert "WARNING" not in text


def test_a_folder_means_its_newest_result(spot, capsys):
    assert main(["report", str(spot.export.parent)]) == 0
    assert "TaggedGrid, marked to market" in capsys.readouterr().out


def test_without_a_result_the_usual_folder_is_read(spot, capsys, tmp_path, monkeypatch):
    folder = tmp_path / "user_data" / "backtest_results"
    shutil.copytree(spot.export.parent, folder)
    monkeypatch.chdir(tmp_path)
    assert main(["report"]) == 0
    assert "TaggedGrid, marked to market" in capsys.readouterr().out


def test_warnings_come_before_every_figure(spot, capsys, tmp_path):
    write_candles(tmp_path, "AAA/USDT", "5m", random_walk(700, 5, 1).drop(index=[400]), "spot")
    write_candles(tmp_path, "BBB/USDT", "5m", random_walk(700, 5, 2), "spot")
    assert main(["report", str(spot.export), "--datadir", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert text.index("WARNING") < text.index("Final equity")


def test_the_json_has_every_figure_and_null_for_what_is_unknown(spot, tmp_path, capsys):
    file = tmp_path / "report.json"
    assert main(["report", str(spot.export), "--json", str(file)]) == 0
    document = json.loads(file.read_text())
    assert set(document["figures"]) == set(LABELS)
    assert document["figures"]["funding_stake"] is None
    assert document["fill_rule"] == "touch"
    assert document["equity_daily"][-1]["equity_stake"] == document["figures"]["final_stake"]
    assert document["buy_and_hold"]["final_stake"] > 0
    assert "NaN" not in file.read_text()


def test_the_page_works_offline_and_stays_small(leveraged, tmp_path, capsys):
    file = tmp_path / "report.html"
    assert main(["report", str(leveraged.export), "--html", str(file)]) == 0
    page = file.read_text(encoding="utf-8")
    assert len(page) < 6_000_000
    assert "<script src" not in page
    assert "<link" not in page
    for label in LABELS.values():
        assert escape(label) in page


def test_the_pictures_are_of_the_account_and_of_every_pair(leveraged, tmp_path, capsys):
    folder = tmp_path / "pictures"
    assert main(["report", str(leveraged.export), "--png", str(folder)]) == 0
    names = {file.name for file in folder.iterdir()}
    assert names == {"equity.png", "grid-AAA_USDT_USDT.png", "grid-BBB_USDT_USDT.png"}
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in folder.iterdir())


def test_a_result_that_is_not_there_is_named(capsys, tmp_path):
    assert f"no such result: {tmp_path}/none.zip" in refused(capsys, tmp_path / "none.zip")


def test_a_folder_without_results_is_named(capsys, tmp_path):
    assert f"no backtest result in the folder {tmp_path}" in refused(capsys, tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.zip", b"not a zip"),
        ("a.json", b"{not json"),
        ("a.json", b'{"hello": 1}'),
        ("a.json", b"[1, 2]"),
        ("a.json", b"\xff\xfe\x00"),
    ],
)
def test_a_file_that_is_no_export_is_named(capsys, tmp_path, name, content):
    file = tmp_path / name
    file.write_bytes(content)
    assert f"{file} is not a freqtrade backtest export" in refused(capsys, file)


def test_a_zip_without_a_result_in_it_is_named(capsys, tmp_path):
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("other.txt", "hello")
    assert f"{file} is not a freqtrade backtest export" in refused(capsys, file)


def changed(spot, folder, change):
    """Copy an export with its statistics changed."""
    with zipfile.ZipFile(spot.export) as archive:
        names = archive.namelist()
        contents = {name: archive.read(name) for name in names}
    main_file = f"{spot.export.stem}.json"
    stats = json.loads(contents[main_file])
    change(stats["strategy"])
    contents[main_file] = json.dumps(stats).encode()
    file = folder / spot.export.name
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return file


def test_a_result_without_trades_says_so(spot, capsys, tmp_path):
    file = changed(spot, tmp_path, lambda all_: all_["TaggedGrid"].update(trades=[]))
    assert "TaggedGrid made no trades" in refused(capsys, file)


def test_of_several_strategies_one_must_be_chosen(spot, capsys, tmp_path):
    file = changed(spot, tmp_path, lambda all_: all_.update(Other=all_["TaggedGrid"]))
    data = ("--datadir", spot.market.datadir)
    assert "choose one with --strategy: Other, TaggedGrid" in refused(capsys, file, *data)
    assert main(["report", str(file), "--strategy", "Other", *map(str, data)]) == 0
    assert "Other, marked to market" in capsys.readouterr().out


def test_a_strategy_that_is_not_in_the_result_is_answered_with_those_that_are(spot, capsys):
    message = refused(capsys, spot.export, "--strategy", "TagedGrid")
    assert "holds no strategy 'TagedGrid'; it holds: TaggedGrid" in message


def test_a_folder_without_the_pairs_candles_names_them(spot, capsys, tmp_path):
    write_candles(tmp_path, "AAA/USDT", "5m", random_walk(700, 5, 1), "spot")
    message = refused(capsys, spot.export, "--datadir", tmp_path)
    assert f"{tmp_path} has no 5m spot candles of BBB/USDT within the backtest" in message


def test_a_data_folder_that_is_not_there_is_named(spot, capsys, tmp_path):
    assert "does not exist" in refused(capsys, spot.export, "--datadir", tmp_path / "none")


@pytest.mark.parametrize("option", ["--json", "--html", "--png"])
def test_a_file_that_cannot_be_written_is_named(spot, capsys, tmp_path, option):
    target = tmp_path / "none" / "report"
    assert f"cannot write {target}" in refused(capsys, spot.export, option, target)


def test_a_damaged_candle_file_is_named(spot, capsys, tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(spot.market.datadir, folder)
    (folder / "AAA_USDT-5m.feather").write_bytes(b"damaged")
    message = refused(capsys, spot.export, "--datadir", folder)
    assert "AAA/USDT" in message or "5m candles" in message
