"""One line: text that others wrote, so that it can neither end a log line nor steer whoever reads it."""


def one_line(text: str) -> str:
    """Return the text with everything that does not print as an escape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def indented(text: str) -> str:
    """Return several lines, such as a trace, so that none of them looks like the beginning of another entry."""
    return "\n".join(f"    {one_line(line)}" for line in text.splitlines())


def _escaped(char: str) -> str:
    return (
        char.encode("unicode_escape").decode("ascii") if char.isascii() else f"\\u{ord(char):04x}"
    )
