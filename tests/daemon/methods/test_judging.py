"""contact.*: what somebody decides about an identity, and what follows from it."""

import base64

from peerpost_daemon.safety_number import safety_number
from tests.daemon.methods.house import ALICE, BOB, CAROL, House
from tests.support.people import person

WHO = BOB.identity
NEW_BOB = person("bob", device="phone")
NUMBER = safety_number([ALICE.card], [BOB.card])


async def test_the_number_that_the_other_side_sees_verifies(alice: House) -> None:
    await alice.met(BOB)
    shown = await alice.result("contact.safety_number", identity=WHO)
    assert shown["safety_number"].replace(" ", "") == NUMBER
    assert base64.b64decode(shown["png"]).startswith(b"\x89PNG")
    assert len(shown["qr"]) == len(shown["qr"][0])
    contact = await alice.result("contact.verify", identity=WHO, safety_number=shown["text"])
    assert contact["state"] == "verified"


async def test_nobody_is_verified_by_another_number(alice: House) -> None:
    await alice.met(BOB)
    other = NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)
    error = await alice.error("contact.verify", identity=WHO, safety_number=other)
    assert error["kind"] == "safety_number_differs"
    error = await alice.error("contact.verify", identity=WHO, safety_number="12345")
    assert (error["kind"], error["field"]) == ("invalid_params", "safety_number")
    assert (await alice.result("contact.show", identity=WHO))["state"] == "pinned"


async def test_a_changed_contact_is_accepted_before_it_is_verified(alice: House) -> None:
    await alice.met(BOB)
    await alice.met(NEW_BOB)
    error = await alice.error("contact.verify", identity=WHO, safety_number=NUMBER)
    assert (error["kind"], error["state"]) == ("wrong_contact_state", "changed")
    assert (await alice.result("contact.accept", identity=WHO))["state"] == "pinned"
    both = safety_number([ALICE.card], [BOB.card, NEW_BOB.card])
    contact = await alice.result("contact.verify", identity=WHO, safety_number=both)
    assert contact["state"] == "verified"


async def test_a_new_card_of_a_verified_contact_is_a_change(alice: House) -> None:
    await alice.met(BOB)
    await alice.result("contact.verify", identity=WHO, safety_number=NUMBER)
    await alice.met(NEW_BOB)
    assert (await alice.result("contact.show", identity=WHO))["state"] == "changed"


async def test_blocking_and_unblocking_forgets_the_verification(alice: House) -> None:
    await alice.met(BOB)
    await alice.result("contact.verify", identity=WHO, safety_number=NUMBER)
    assert (await alice.result("contact.block", identity=WHO))["state"] == "blocked"
    error = await alice.error("message.send", to=WHO, text="x")
    assert (error["kind"], error["state"]) == ("untrusted_contact", "blocked")
    assert (await alice.result("contact.unblock", identity=WHO))["state"] == "pinned"
    assert (await alice.error("contact.unblock", identity=WHO))["kind"] == "wrong_contact_state"


async def test_somebody_never_met_can_be_blocked_and_named(alice: House) -> None:
    assert (await alice.result("contact.block", identity=WHO))["state"] == "blocked"
    named = await alice.result("contact.name", identity=WHO, alias="bobby")
    assert (named["alias"], named["state"], named["cards"]) == ("bobby", "blocked", [])
    assert (await alice.result("contact.unblock", identity=WHO))["state"] == "unknown"


async def test_a_name_belongs_to_one_contact(alice: House) -> None:
    await alice.result("contact.name", identity=WHO, alias="ops")
    error = await alice.error("contact.name", identity=CAROL.identity, alias="ops")
    assert (error["kind"], error["identity"]) == ("alias_taken", WHO)
    assert (await alice.result("contact.name", identity=WHO))["alias"] is None
    await alice.result("contact.name", identity=CAROL.identity, alias="ops")


async def test_nothing_is_sent_to_the_unverified_where_the_policy_wants_it(alice: House) -> None:
    await alice.met(BOB)
    done = await alice.result("contact.policy", identity=WHO, policy="verified-only")
    assert (done["policy"], done["default"]) == ("verified-only", "tofu")
    assert (await alice.error("message.send", to=WHO, text="x"))["kind"] == "untrusted_contact"
    await alice.result("contact.verify", identity=WHO, safety_number=NUMBER)
    assert (await alice.result("message.send", to=WHO, text="x"))["status"] == "queued"


async def test_a_channel_has_a_policy_of_its_own(alice: House) -> None:
    await alice.met(BOB)
    id_ = (await alice.channel(BOB, name="", direct=True)).hex()
    await alice.result("contact.policy", channel=id_, policy="verified-only")
    assert (await alice.error("message.send", to=WHO, text="x"))["kind"] == "untrusted_contact"
    assert (await alice.error("contact.policy", policy="pin"))["field"] == "identity"


async def test_a_list_verifies_whom_it_names_and_refuses_other_cards(alice: House) -> None:
    await alice.met(BOB)
    lines = f"{WHO} {BOB.card.id.hex()}\n{CAROL.identity} {'0' * 64}\n"
    done = await alice.result("contact.known", fingerprints=lines)
    assert done == {"listed": 2, "verified": [WHO]}
    await alice.met(CAROL)
    assert (await alice.result("contact.show", identity=CAROL.identity))["state"] == "changed"
    error = await alice.error("contact.known", fingerprints=f"{WHO} 12\n")
    assert (error["kind"], error["line"]) == ("bad_fingerprint", 1)


async def test_of_who_is_met_after_the_list_only_listed_cards_are_believed(alice: House) -> None:
    await alice.result("contact.known", fingerprints=f"{WHO} {BOB.card.id.hex()}")
    await alice.met(NEW_BOB)
    assert (await alice.result("contact.show", identity=WHO))["state"] == "changed"
    await alice.met(BOB)
    contact = await alice.result("contact.show", identity=WHO)
    assert {card["device"]: card["state"] for card in contact["cards"]} == {
        "phone": "offered",
        "laptop": "pinned",
    }


async def test_a_judgement_is_told(alice: House) -> None:
    await alice.met(BOB)
    await alice.result("event.subscribe", kinds=["contact.changed"])
    await alice.result("contact.block", identity=WHO)
    event = await alice.event()
    assert event["data"] == {"identity": WHO, "card": None, "reason": "blocked", "state": "blocked"}
