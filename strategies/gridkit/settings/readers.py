"""Which strategy reads which setting."""

GRID, CONFLUENCE = "AdaptiveGrid", "Confluence"
BOTH = (GRID, CONFLUENCE)

# By key, section or part of one: the longest that fits a setting counts.
READERS: dict[str, tuple[str, ...]] = {
    "": BOTH,
    "spacing": (GRID,),
    "grid": (GRID,),
    "density": (GRID,),
    "volume_lines": (GRID,),
    "sizing": (GRID,),
    "stops": (GRID,),
    "recovery": (GRID,),
    "caps": (GRID,),
    "stops.force_exit_pause_candles": BOTH,
    "caps.exposure": BOTH,
    "caps.max_position": BOTH,
    "caps.max_margin": BOTH,
    "brakes.orderflow": (GRID,),  # Confluence has entries.flow_veto
    "stress": (GRID,),
    "regime.bullish": (CONFLUENCE,),
    "regime.bearish": (CONFLUENCE,),
    "regime.ranging": (CONFLUENCE,),
    "regime.volatile": (CONFLUENCE,),
    "regime.uncertain": (CONFLUENCE,),
    "regime.bullish.new_cycles": (GRID,),
    "regime.bearish.new_cycles": (GRID,),
    "regime.ranging.new_cycles": (GRID,),
    "regime.volatile.new_cycles": (GRID,),
    "regime.uncertain.new_cycles": (GRID,),
    "entries": (CONFLUENCE,),
    "exits": (CONFLUENCE,),
    "portfolio": (CONFLUENCE,),
    "reconcile": (GRID,),
}


def readers_of(key: str) -> tuple[str, ...]:
    """Return the strategies that read a setting."""
    parts = key.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), -1, -1))
    return next(READERS[name] for name in names if name in READERS)
