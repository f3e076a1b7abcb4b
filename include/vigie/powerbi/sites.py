"""Which sensors belong to which site: `powerbi/sites.yaml`, kept by hand.

    North works:
      gas_turbine: [gas_turbine-01, gas_turbine-02]
      air_quality: [air_quality-01]

Each site becomes a role whose members see its sensors alone.
"""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from vigie.errors import PowerBIError

Sites = dict[str, list[str]]
"""Name of a site → the keys (`feed|sensor`) of its sensors."""

_ADAPTER = TypeAdapter(dict[str, dict[str, list[str]]])


def load_sites(path: Path, feeds: Container[str]) -> Sites:
    """Read the file.

    Raises:
        PowerBIError: It is no such file, names a feed without a contract, or a sensor twice.
    """
    try:
        raw = _ADAPTER.validate_python(YAML(typ="safe", pure=True).load(path) or {})
    except (OSError, MarkedYAMLError, ValidationError) as error:
        message = f"{path}: found {error}, expected sites, each with feeds and lists of sensors"
        raise PowerBIError(message) from error
    owners: dict[str, str] = {}
    for site, by_feed in raw.items():
        for feed, sensors in by_feed.items():
            if feed not in feeds:
                message = f"{path}: site {site!r} names the feed {feed!r}, which has no contract"
                raise PowerBIError(message)
            for sensor in sensors:
                key = f"{feed}|{sensor}"
                if key in owners:
                    message = f"{path}: {key} is of both {owners[key]!r} and {site!r}; choose one"
                    raise PowerBIError(message)
                owners[key] = site
    return {site: [key for key, owner in owners.items() if owner == site] for site in raw}
