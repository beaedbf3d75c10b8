"""Statements made at a real relay: read the history, sign for its next place, submit."""

from peerpost_protocol import frames as f
from peerpost_protocol.history import History, open_history
from peerpost_protocol.signing import Signed
from peerpost_protocol.statement import Claim, Endorse, StatementBody, sign_statement
from tests.support.relay_client import Person, RelayClient, now_ms


async def history_of(client: RelayClient, identity: str) -> History:
    """Return the verified history of an identity that has one."""
    history: History | None = None
    while True:
        asked = f.ReadHistory(client.request(), identity, history.length if history else 0)
        page = await client.ask(asked)
        assert isinstance(page, f.HistoryPage), page
        assert client.challenge is not None
        history = open_history(page.entries, client.challenge.relay, history)
        assert history is not None
        if history.length >= page.length:
            return history


def signed(author: Person, history: History, subject: Person, claim: Claim) -> Signed:
    """Return an honest statement for the next place of a history."""
    body = StatementBody(
        author.card.id,
        subject.card.id,
        history.identity,
        now_ms(),
        history.length,
        history.head,
        claim,
    )
    return sign_statement(author.keys.signing, body)


async def state(client: RelayClient, author: Person, subject: Person, claim: Claim) -> f.RelayFrame:
    """Submit a statement; return what the relay says."""
    history = await history_of(client, author.card.identity)
    return await submit(client, signed(author, history, subject, claim))


async def submit(client: RelayClient, statement: Signed) -> f.RelayFrame:
    return await client.ask(f.SubmitStatement(client.request(), statement))


async def link(
    url: str, client: RelayClient, author: Person, token: str | None = None
) -> tuple[Person, RelayClient]:
    """Return another device of the author, endorsed, and its session."""
    other = Person(author.card.identity, endorser=author.card.id)
    session = await RelayClient.register(url, other, token)
    assert isinstance(await state(client, author, other, Endorse()), f.Accepted)
    return other, session
