import pytest

from tests.daemon.methods.house import ALICE, RELAY, House


async def test_a_card_is_made_and_registered(bare: House) -> None:
    await bare.open(account=False)
    account = await bare.result(
        "account.register", identity=" Alice@Example.org", device="laptop", relay=RELAY, token="t"
    )
    assert (account["identity"], account["device"]) == ("alice@example.org", "laptop")
    assert (account["state"], account["attestation"]) == ("registered", "authorized")
    assert account["fingerprint"].replace(" ", "").lower() == account["card"][:40]
    assert await bare.result("account.show") == account


async def test_without_a_relay_the_account_is_pending_at_once(bare: House) -> None:
    await bare.open(account=False)
    account = await bare.result("account.register", identity=ALICE.identity, timeout=60)
    assert (account["state"], account["relay"]) == ("pending", None)
    assert (await bare.error("card.search", identity="b@c.d"))["kind"] == "relay_unreachable"


async def test_a_relay_out_of_reach_leaves_the_account_pending(bare: House) -> None:
    await bare.open(account=False)
    bare.plan.verdict = None
    account = await bare.result(
        "account.register", identity=ALICE.identity, relay=RELAY, timeout=0.01
    )
    assert account["state"] == "pending"
    delivery = await bare.result("message.send", to="bob@example.org", text="queued already")
    assert delivery["status"] == "queued"


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("token_refused", "token_refused"),
        ("token_required", "token_refused"),
        ("identity_taken", "identity_taken"),
    ],
)
async def test_the_relays_no_is_an_error_with_its_reason(
    bare: House, reason: str, kind: str
) -> None:
    await bare.open(account=False)
    bare.plan.verdict = reason
    error = await bare.error("account.register", identity=ALICE.identity, relay=RELAY)
    assert (error["kind"], error["reason"]) == (kind, reason)


async def test_a_refused_account_registers_again_with_the_same_keys(bare: House) -> None:
    await bare.open(account=False)
    bare.plan.verdict = "token_refused"
    await bare.error("account.register", identity=ALICE.identity, relay=RELAY, token="old")
    card = (await bare.result("account.show"))["card"]
    bare.plan.verdict = "registered"
    account = await bare.result("account.register", identity=ALICE.identity, token="new")
    assert (account["card"], account["state"]) == (card, "registered")
    assert len(bare.plan.engines) == 2
    assert bare.plan.said == [("close",)]


async def test_there_is_one_account(alice: House) -> None:
    for identity in (ALICE.identity, "mallory@example.org"):
        error = await alice.error("account.register", identity=identity)
        assert error["kind"] == "account_exists"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("identity", "nobody"),
        ("device", "a\nb"),
        ("relay", "http://relay.example.org"),
        ("relay", "ws://relay.example.org"),
        ("token", ""),
        ("timeout", -1),
    ],
)
async def test_a_bad_parameter_is_named_and_nothing_is_stored(
    bare: House, field: str, value: object
) -> None:
    await bare.open(account=False)
    params = {"identity": ALICE.identity, field: value}
    error = await bare.error("account.register", **params)
    assert (error["kind"], error["field"]) == ("invalid_params", field)
    assert (await bare.error("account.show"))["kind"] == "no_account"


async def test_the_token_and_the_keys_are_shown_nowhere(alice: House) -> None:
    shown = str([await alice.result("account.show"), await alice.result("daemon.status")])
    assert "a token" not in shown
    assert ALICE.keys.encryption_private.hex() not in shown
