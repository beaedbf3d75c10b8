"""Channels and who is in them."""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from peerpost.method import method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from peerpost.types import (
        Channel,
        Channels,
        Consent,
        Consented,
        Declined,
        Least,
        Requests,
        Role,
    )


class ChannelMethods:
    """Ask about channels, their members and their rules."""

    @method("channel.create")
    def channel_create(self, name: str, members: Sequence[str]) -> Channel:
        """Create a channel; the caller is its owner and always a member."""

    @method("channel.list")
    def channel_list(self) -> Channels:
        """List the channels this daemon is or was a member of."""

    @method("channel.show")
    def channel_show(self, channel: str) -> Channel:
        """Show one channel and its members."""

    @method("channel.add")
    def channel_add(
        self, channel: str, members: Sequence[str], *, role: Role | None = None
    ) -> Channel:
        """Add members to a channel, as `member` unless `role` says otherwise."""

    @method("channel.remove")
    def channel_remove(self, channel: str, members: Sequence[str]) -> Channel:
        """Remove members from a channel."""

    @method("channel.leave")
    def channel_leave(self, channel: str) -> Channel:
        """Leave a channel."""

    @method("channel.role")
    def channel_role(self, channel: str, identity: str, role: Role) -> Channel:
        """Give a member another role; the owner gives the ownership away so."""

    @method("channel.rename")
    def channel_rename(self, channel: str, name: str) -> Channel:
        """Give a channel another name, for all of its members."""

    @method("channel.topic")
    def channel_topic(self, channel: str, topic: str) -> Channel:
        """Say what a channel is about."""

    @method("channel.policy")
    def channel_policy(
        self,
        channel: str,
        *,
        post: Least | None = None,
        add: Least | None = None,
        expire_after: float | None = None,
    ) -> Channel:
        """Say who may post and add, and for how many seconds messages are kept (0: for good)."""

    @method("channel.ban")
    def channel_ban(self, channel: str, identities: Sequence[str]) -> Channel:
        """Remove those who are members, and let nobody add any of them."""

    @method("channel.unban")
    def channel_unban(self, channel: str, identities: Sequence[str]) -> Channel:
        """Lift bans; nobody is a member by that alone."""

    @method("channel.requests")
    def channel_requests(self) -> Requests:
        """List the channels that others have added this daemon to and nobody here has accepted."""

    @method("channel.accept")
    def channel_accept(self, channel: str) -> Channel:
        """Take a channel that was a request, with what waited in it."""

    @method("channel.decline")
    def channel_decline(self, channel: str, *, block: bool = False) -> Declined:
        """Decline a request and leave its channel; with `block`, block its inviter."""

    @method("channel.consent")
    def channel_consent(
        self, *, direct: Consent | None = None, groups: Consent | None = None
    ) -> Consented:
        """Say who may add this daemon unasked, or only tell."""

    @method("channel.alias")
    def channel_alias(self, channel: str, alias: str | None = None) -> Channel:
        """Call a channel by another name here; without `alias` by its own again."""
