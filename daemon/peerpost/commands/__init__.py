"""The commands, one file each, and the sentence that tells what each is for."""

SUMMARIES = {
    "init": "make the encrypted vault and unlock it",
    "unlock": "unlock the vault",
    "lock": "lock the vault",
    "register": "make this daemon's card and publish it at the relay",
    "send": "send a message to an identity or a channel",
    "run": "run a command, and send how it went",
    "listen": "print messages and other events as they come",
    "log": "print the messages of a channel or a conversation",
    "read": "tell the others that a channel has been read",
    "consumers": "list the named readers of events, and look after what they left",
    "status": "tell how the daemon is doing, or how far a message has come",
    "health": "tell what is not as it should be; for monitoring",
    "doctor": "look at everything thoroughly, and tell what to do",
    "channel": "create, list, show, extend, reduce or leave channels",
    "contacts": "list contacts, show one, and decide about it",
    "verify": "show a contact's safety number, or confirm it",
    "card": "search the relay's directory for cards",
    "call": "call any method of the daemon with JSON",
    "shutdown": "stop the daemon",
}
