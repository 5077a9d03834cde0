"""A learner that looks at a sequence of candles. It needs torch, which nothing else here does."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from gridkit.prediction.learners import Task, named

MOST_SIGMAS = 8.0  # beyond which a feature counts as so many
_FLAT = 1e-12
_ROWS_AT_ONCE = 1_024


class Network(nn.Module):
    """One layer of LSTM cells; the log odds are a weighted sum of where they end."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.cells = nn.LSTM(features, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, shown: Any) -> Any:
        """Return log odds, (n,), of (n, width, features)."""
        states, _ = self.cells(shown)
        return self.head(states[:, -1]).squeeze(-1)


@dataclass(frozen=True)
class Lstm:
    """A network, the scale its inputs are brought to, and what each feature moves its answer by."""

    network: Network
    middle: np.ndarray
    spread: np.ndarray
    slopes: np.ndarray

    def scaled(self, shown: np.ndarray) -> Any:
        """Return the inputs in sigmas of the training rows, as a tensor."""
        with np.errstate(over="ignore"):
            sigmas = (shown - self.middle) / self.spread
        return torch.from_numpy(np.clip(sigmas, -MOST_SIGMAS, MOST_SIGMAS))


def fit(task: Task) -> Lstm:
    """Train a network by Adam on weighted cross-entropy, or go on with a copy of `before`'s.

    The scale stays that of the first training. What the rest of the process draws at random, and on
    how many threads it computes, is left as it was. Raises ValueError for unknown parameters.
    """
    _check(task)
    with _threads(task.threads), torch.random.fork_rng(devices=[]):
        torch.manual_seed(task.seed)
        made = deepcopy(task.before) if task.before else _begun(task)
        shown = made.scaled(task.shown)
        _taught(made.network, shown, task)
        return Lstm(made.network, made.middle, made.spread, _slopes(made.network, shown))


def score(model: Lstm, shown: np.ndarray) -> np.ndarray:
    """Return P(1) of (n, width, features), shape (n,)."""
    parts = [shown[at : at + _ROWS_AT_ONCE] for at in range(0, len(shown), _ROWS_AT_ONCE)]
    with _threads(1), torch.no_grad():
        scores = [torch.sigmoid(model.network(model.scaled(part))).numpy() for part in parts]
    return np.concatenate(scores).astype("float64") if scores else np.empty(0)


def importance(model: Lstm) -> np.ndarray:
    """Return by how much the log odds move with a sigma of each feature, over all its rows."""
    return model.slopes


@contextmanager
def _threads(count: int) -> Iterator[None]:
    usual = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(usual)


def _check(task: Task) -> None:
    known = named("lstm").defaults
    strange = sorted(set(task.parameters) - set(known))
    if strange:
        raise ValueError(f"the learner lstm has {', '.join(known)}, but no {', '.join(strange)}")


def _begun(task: Task) -> Lstm:
    features = task.shown.shape[-1]
    rows = task.shown.reshape(-1, features).astype("float64")
    spread = rows.std(axis=0)
    network = Network(features, task.parameters["hidden"])
    share = float(np.average(task.labels, weights=task.weights))
    nn.init.constant_(network.head.bias, float(np.log(share / (1 - share))))
    middle, spread = rows.mean(axis=0), np.where(spread > _FLAT, spread, 1.0)
    return Lstm(network, middle.astype("float32"), spread.astype("float32"), np.zeros(features))


def _taught(network: Network, shown: Any, task: Task) -> None:
    own = task.parameters
    labels = torch.from_numpy(task.labels.astype("float32"))
    weights = torch.from_numpy((task.weights / task.weights.mean()).astype("float32"))
    steps = torch.optim.AdamW(
        network.parameters(), lr=own["learning_rate"], weight_decay=own["weight_decay"]
    )
    for _ in range(own["epochs"]):
        for rows in torch.randperm(len(shown)).split(own["batch"]):
            steps.zero_grad()
            odds = network(shown[rows])
            loss = nn.functional.binary_cross_entropy_with_logits(odds, labels[rows], weights[rows])
            loss.backward()
            steps.step()


def _slopes(network: Network, shown: Any) -> np.ndarray:
    some = shown[:_ROWS_AT_ONCE].clone().requires_grad_(True)
    (slopes,) = torch.autograd.grad(network(some).sum(), some)
    return np.asarray(slopes.abs().sum(dim=1).mean(dim=0).numpy(), dtype="float64")
