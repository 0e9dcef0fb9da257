"""Text files of other people: which encoding, which line ends, and what a name's bytes may mean.

Numbers and keywords of an OBJ or MTL file are ASCII in every usual encoding but UTF-16 and UTF-32, so the files are
read as bytes; only names need to be decoded, and several encodings are tried where a name must be found on the disk.
"""

import codecs
import re

_WIDE = (  # marks at the start of a file; those of UTF-32 first, as UTF-16's is the beginning of one of them
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ENCODINGS = ("utf-8", "gb18030", "cp1252", "latin-1", "shift_jis", "big5", "euc-kr")
_CONTINUED = re.compile(rb"\\[ \t]*\n")
# the second byte of a character in GBK or Shift-JIS may be the code of the backslash, so one after a byte outside ASCII
# continues no line
_CONTINUED_OUTSIDE_UTF8 = re.compile(rb"(?<![\x80-\xff])\\[ \t]*\n")


def plain_lines(data: bytes) -> bytes:
    """Returns a text file with ASCII keywords, one newline after each line, and lines that end with a backslash joined
    to the next one.

    UTF-8, GBK, Latin-1 and the like stay the bytes that they are; UTF-16 and UTF-32, with or without a mark at the
    start, become UTF-8.
    """
    text = _narrow(data).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\\" in text:
        text = (_CONTINUED if _is_utf8(text) else _CONTINUED_OUTSIDE_UTF8).sub(b" ", text)
    return text if text.endswith(b"\n") else text + b"\n"


def _narrow(data: bytes) -> bytes:
    if data.startswith(codecs.BOM_UTF8):
        return data[3:]
    for mark, encoding in _WIDE:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace").encode()
    even, odd = data[0:512:2], data[1:512:2]  # the zeros of ASCII characters in UTF-16 without a mark
    for zeros, others, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if len(zeros) > 1 and zeros.count(0) > 0.9 * len(zeros) and others.count(0) < 0.1 * len(others):
            return data.decode(encoding, "replace").encode()
    return data


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def spellings(name: bytes) -> tuple[str, ...]:
    """Returns what the bytes of a name say in each encoding that can be meant, the most likely one first."""
    found = {}
    for encoding in _ENCODINGS:
        try:
            found[name.decode(encoding)] = encoding
        except UnicodeDecodeError:
            continue
    names = list(found)
    if found[names[0]] == "gb18030" and not _in_pairs(name):
        names = sorted(names, key=lambda spelling: found[spelling] not in ("cp1252", "latin-1"))
    return tuple(names)


def _in_pairs(name: bytes) -> bool:
    """Whether bytes outside ASCII stand in pairs, as those of common Chinese characters do and accents rarely."""
    return all(len(run) % 2 == 0 for run in re.findall(rb"[\x80-\xff]+", name))


def shown(name: bytes) -> str:
    """Returns a name as people read it: the most likely of its spellings."""
    return spellings(name)[0]
