"""requirements.lock: exact, complete, and what pyproject.toml asks for."""

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tree.project import ROOT

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
LEFT_OUT = {"nvidia-nccl-cu12"}  # the lock's head says why
_PIN = re.compile(r"^[a-z0-9.-]+==[\w.]+( ; [\w.]+ [<>=!]+ \"[\w.]+\")?$")


def lock_lines() -> list[str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def locked(python: str) -> dict[str, str]:
    """Version by package, as pip would choose on this Python."""
    pins = map(Requirement, lock_lines())
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in pins
        if pin.marker is None or pin.marker.evaluate(environment(python))
    }


def environment(python: str) -> dict[str, str]:
    return {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_system": "Linux",
        "sys_platform": "linux",
        "platform_machine": "x86_64",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }


def asked_for() -> list[Requirement]:
    """What pyproject.toml names: to run, to develop and to build."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = document["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    return [Requirement(text) for text in wanted + document["build-system"]["requires"]]


def everything_asked_for(python: str) -> Iterator[tuple[str, Requirement]]:
    """What the project's requirements require in turn: who asks, and for what."""
    waiting = [("pyproject.toml", requirement) for requirement in asked_for()]
    seen = set()
    while waiting:
        asker, requirement = waiting.pop()
        yield asker, requirement
        name = canonicalize_name(requirement.name)
        if (name, str(requirement.extras)) in seen or name not in locked(python):
            continue
        seen.add((name, str(requirement.extras)))
        waiting += [(name, further) for further in required_by(name, requirement.extras, python)]


def required_by(name: str, extras: set[str], python: str) -> list[Requirement]:
    try:
        requires = map(Requirement, distribution(name).requires or [])
    except ModuleNotFoundError:  # locked for another Python than the one running
        return []
    return [further for further in requires if _applies(further, extras, python)]


def _applies(requirement: Requirement, extras: set[str], python: str) -> bool:
    marker = requirement.marker
    return marker is None or any(
        marker.evaluate({**environment(python), "extra": extra}) for extra in ("", *extras)
    )


def test_every_line_is_one_exact_pin() -> None:
    """So neither an address nor a hash nor an option of pip's."""
    assert [line for line in lock_lines() if not _PIN.match(line)] == []


def test_the_lock_is_sorted_and_names_nothing_twice() -> None:
    names = [re.split(r"[=\s]", line)[0] for line in lock_lines()]
    assert names == sorted(set(names))


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_satisfies_everybody(python: str) -> None:
    pins = locked(python)
    unmet = [
        f"{asker} asks for {requirement}, locked is {pins.get(canonicalize_name(requirement.name))}"
        for asker, requirement in everything_asked_for(python)
        if canonicalize_name(requirement.name) not in LEFT_OUT
        and not requirement.specifier.contains(
            pins.get(canonicalize_name(requirement.name), "0"), prereleases=True
        )
    ]
    assert unmet == []


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_has_nothing_nobody_asks_for(python: str) -> None:
    asked = {canonicalize_name(requirement.name) for _, requirement in everything_asked_for(python)}
    assert locked(python).keys() - asked == set()


@pytest.mark.parametrize("word", ["nvidia", "cuda", "torch"])
def test_nothing_for_graphics_cards_is_installed_by_default(word: str) -> None:
    assert [line for line in lock_lines() if word in line] == []


def test_this_environment_is_the_locked_one() -> None:
    pins = locked(".".join(map(str, sys.version_info[:2])))
    assert {name: distribution(name).version for name in pins} == pins
