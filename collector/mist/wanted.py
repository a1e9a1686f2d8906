"""Which channels to subscribe to: every row of the table that is switched on, for everything there is of its scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.mist import channels
from collector.mist.channels import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from collector.mist.channels import Channel
    from collector.mist.directory import Directory
    from collector.mist.shard import Shard


def wanted(
    switches: Mapping[str, object], directory: Directory, shard: Shard, maps: Iterable[tuple[str, str]]
) -> Iterator[str]:
    """The paths, in the order of the table.

    `switches` is the `streams` configuration; channels of maps have a section in it, with a switch for the last part of
    their path. `maps` are (site id, map id); those of sites that are not in the directory are left out, and so is
    whatever has an id that no path can hold.
    """
    located = [(site_id, map_id) for site_id, map_id in sorted(maps) if site_id in directory.sites]
    for channel in channels.CHANNELS:
        if is_on(channel, switches):
            everything = scope_ids(channel.scope, directory, shard, located)
            yield from (channels.path(channel, **ids) for ids in everything if all(map(channels.fits, ids.values())))


def is_on(channel: Channel, switches: Mapping[str, object]) -> bool:
    """Whether the configuration wants this channel."""
    switch = switches.get(channel.stream) if channel.stream else False
    if isinstance(switch, dict):
        switch = switch.get(channel.template.rpartition("/")[2])
    return bool(switch)


def scope_ids(
    scope: Scope, directory: Directory, shard: Shard, maps: Iterable[tuple[str, str]]
) -> Iterator[dict[str, str]]:
    """The ids of everything of this scope."""
    if scope is Scope.SITE:
        yield from ({"site_id": site_id} for site_id in directory.sites)
    elif scope is Scope.ORG:
        yield from ({"org_id": org_id} for org_id in directory.orgs if shard.owns("", org_id))
    elif scope is Scope.MAP:
        yield from ({"site_id": site_id, "map_id": map_id} for site_id, map_id in maps)
