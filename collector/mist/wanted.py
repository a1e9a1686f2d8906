"""The channels to subscribe to: each enabled row of the channel table, for each object of its scope."""

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
    """Yield the channel paths, in the order of the table.

    Args:
        switches: the `streams` configuration. Map channels have a section in it, with one switch per last path segment.
        directory: the orgs and sites of the account.
        shard: the share of this collector; an org's channels are subscribed by one shard.
        maps: pairs (site id, map id). Maps of sites that are not in `directory` are left out.

    Objects whose id is not valid in a path are left out.
    """
    located = [(site_id, map_id) for site_id, map_id in sorted(maps) if site_id in directory.sites]
    for channel in channels.CHANNELS:
        if is_on(channel, switches):
            objects = scope_ids(channel.scope, directory, shard, located)
            yield from (channels.path(channel, **ids) for ids in objects if all(map(channels.fits, ids.values())))


def is_on(channel: Channel, switches: Mapping[str, object]) -> bool:
    """Return whether the configuration enables this channel."""
    switch = switches.get(channel.stream) if channel.stream else False
    if isinstance(switch, dict):
        switch = switch.get(channel.template.rpartition("/")[2])
    return bool(switch)


def scope_ids(
    scope: Scope, directory: Directory, shard: Shard, maps: Iterable[tuple[str, str]]
) -> Iterator[dict[str, str]]:
    """Yield the ids of each object of this scope, by their names in the template."""
    if scope is Scope.SITE:
        yield from ({"site_id": site_id} for site_id in directory.sites)
    elif scope is Scope.ORG:
        yield from ({"org_id": org_id} for org_id in directory.orgs if shard.owns("", org_id))
    elif scope is Scope.MAP:
        yield from ({"site_id": site_id, "map_id": map_id} for site_id, map_id in maps)
