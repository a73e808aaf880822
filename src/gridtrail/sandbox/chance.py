"""Named streams of chance, so that one part of the world can change without the others.

Every part draws from its own stream, named by seed and purpose: planting a story leaves the rest
of the organization's life as it was, and the same plan gives the same bytes.
"""

from __future__ import annotations

import hashlib
import random

import numpy as np

_MASK = (1 << 64) - 1


def _digest(seed: int, names: tuple[str | int, ...]) -> int:
    text = "/".join(str(name) for name in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """A numpy generator for arrays, determined by `seed` and `names`."""
    return np.random.default_rng(_digest(seed, names))


def dice(seed: int, *names: str | int) -> random.Random:
    """A generator for single draws (faster than numpy there), determined by `seed` and `names`."""
    return random.Random(_digest(seed, names))  # noqa: S311 - a simulation, not a secret


def mix(*numbers: int) -> int:
    """A 64-bit integer that looks drawn at random but depends on `numbers` alone (splitmix64)."""
    state = 0x9E3779B97F4A7C15
    for number in numbers:
        state = (state ^ (number & _MASK)) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ (state >> 30)) * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return state


def identifier(letter: str, dice: random.Random, length: int = 9) -> str:
    """An id in Slack's manner: a letter, a zero and capitals or digits, `length` + 1 characters."""
    signs = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
    return letter + "0" + "".join(dice.choice(signs) for _ in range(length - 1))
