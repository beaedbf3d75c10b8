"""Every bound of the wire in one place. Sizes are bytes unless the name says otherwise.

docs/protocol/limits.md lists the same names; a test compares them.
"""

MAX_FRAME = 1024 * 1024
"""One WebSocket message."""
MAX_ENVELOPE = 512 * 1024
"""One encoded sealed envelope: header, wraps, ciphertext, signature."""
MAX_HEADER = 1024
MAX_CONTENT = 320 * 1024
"""Encoded content before padding."""
MAX_TEXT_CHARACTERS = 131_072
MAX_TEXT = 256 * 1024
"""UTF-8 bytes of a text."""
MAX_DATA = 256 * 1024
MAX_PREVIEW = 8 * 1024
"""A small picture of a file, inside the content."""
MAX_BLOB_PART = 256 * 1024
"""Bytes of a blob that one frame carries."""
MAX_CARD = 1024
"""Signed bytes of a card."""
MAX_STATEMENT = 1024
"""Signed bytes of a statement about a card."""
MAX_ROSTER_EVENT = 64 * 1024
MAX_RECEIPT = 64 * 1024
MAX_SIGNED = 64 * 1024
"""The payload of any signed statement that travels in a frame."""

MAX_IDENTITY_CHARACTERS = 254
MAX_DEVICE_CHARACTERS = 64
MAX_CHANNEL_NAME_CHARACTERS = 128
MAX_CHANNEL_TOPIC_CHARACTERS = 512
MAX_MEDIA_TYPE_CHARACTERS = 127
MAX_FILE_NAME_CHARACTERS = 255
MAX_CAPTION_CHARACTERS = 16_384
MAX_EMOJI_CHARACTERS = 32
MAX_TITLE_CHARACTERS = 250
MAX_TAG_CHARACTERS = 64
MAX_TOKEN_CHARACTERS = 128
MAX_CODE_CHARACTERS = 32
"""A code that proves an identity, as it was typed."""
MAX_AGENT_CHARACTERS = 64
MAX_DETAIL_CHARACTERS = 512
MAX_KIND_CHARACTERS = 40

MAX_RECIPIENT_CARDS = 256
"""Cards a sealed envelope (suite 1) may be wrapped for, and cards in one roster."""
MAX_MEMBERS = 256
MAX_CARDS_PER_MEMBER = 16
MAX_BANS = 256
MAX_RECEIPT_MARKS = 256
MAX_MISSING_PER_MARK = 32

MAX_TAGS = 16
MAX_MENTIONS = 32

MAX_FILES = 16
"""Files of one message."""
MAX_SEARCH_IDENTITIES = 64
MAX_FETCH_CARDS = 64
MAX_CARDS_PER_ANSWER = 256
MAX_CHANNELS_PER_CARD = 4096
MAX_HISTORY_ENTRIES = 1024
"""Entries of one identity's history; the last MAX_CARDS_PER_MEMBER are left to revocations of live cards."""
MAX_HISTORY_ENTRIES_PER_FRAME = 64
MAX_WAITING_CARDS = 8
"""Cards of one identity that are published and not endorsed."""
MAX_ITEMS_PER_FRAME = 256
MAX_ITEM_BYTES_PER_FRAME = 480 * 1024
"""A frame of items is closed once it holds this much; one item alone always fits."""
MAX_ROSTER_EVENTS_PER_FRAME = 64

MAX_BACKUP = 256 * 1024 * 1024
"""The bulk of a backup."""
MAX_BACKUP_RECORD = 1024 * 1024
MAX_BACKUP_LOCK = 256
MAX_BACKUP_HEADER = 128
MAX_BACKUP_PART = 256 * 1024
"""So much of a bulk travels in one frame."""
MAX_BACKUP_PARTS = 1024
MAX_BACKUP_FETCHES = 64
MAX_BACKUP_LEAP = 1_000_000
"""So much higher than the one before a version may be: nobody comes to the last one."""
MAX_BACKUP_PASSES = 10
MAX_BACKUP_MEMORY = 1024 * 1024 * 1024
"""What a backup's lock may ask of whoever tries a passphrase on it."""
MAX_BACKUP_ROSTER = 256 * 1024
MAX_BACKUP_MESSAGE = 768 * 1024
MAX_BACKUP_CONTACT_CARDS = 256
MAX_BACKUP_MISSING = 4096
MAX_URL_CHARACTERS = 2048

MAX_COUNTER = 2**53 - 1
"""Sequences, positions and times: integers that JSON carries without loss."""
MAX_REQUEST = 2**32 - 1
MIN_EXPIRE_MS = 1_000
"""The shortest time for which a channel's policy lets messages live; ten years are the longest."""
MAX_EXPIRE_MS = 10 * 365 * 86_400_000
