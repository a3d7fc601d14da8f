"""Prints one TAP line per check, and what was expected and found when a check fails.

A check that throws is a failed check, and the next one runs all the same: one run shows everything that is wrong.
"""

import math
import os
import sys
import traceback

ADDRESS = os.environ.get("KESTREL_ADDRESS", "127.0.0.1:19530")
URI = os.environ.get("KESTREL_URI", "http://" + ADDRESS)

_count = 0
_failed = 0


def _line(ok, what, details=()):
    global _count, _failed
    _count += 1
    if not ok:
        _failed += 1
    print(f"{'ok' if ok else 'not ok'} {_count} - {what}")
    for line in details if not ok else ():
        print(f"# {line}")
    sys.stdout.flush()


def _where():
    """The exception and the lines that led to it, without the decorators between."""
    lines = traceback.format_exc().splitlines()
    return lines[:6] + lines[-6:]


def alike(found, expected):
    """Equality, where floats may differ by the rounding to 32 bits and sequences by their class."""
    if isinstance(expected, bool) or expected is None:
        return found is expected
    if isinstance(expected, float):
        return isinstance(found, (int, float)) and math.isclose(found, expected, rel_tol=2e-7, abs_tol=1e-7)
    if hasattr(expected, "tolist"):
        return hasattr(found, "tolist") and alike(found.tolist(), expected.tolist())
    if isinstance(expected, dict):
        return isinstance(found, dict) and found.keys() == expected.keys() and all(
            alike(found[key], value) for key, value in expected.items()
        )
    if isinstance(expected, (list, tuple)):
        return not isinstance(found, (str, bytes, dict)) and len(found) == len(expected) and all(
            alike(one, other) for one, other in zip(found, expected)
        )
    return found == expected


def check(what, call, expected):
    """`call` answers something like `expected`."""
    try:
        found = call()
    except Exception:
        _line(False, what, [f"expected {expected!r}", "found an exception", *_where()])
        return None
    _line(alike(found, expected), what, [f"expected {expected!r}", f"found {found!r}"])
    return found


def does(what, call):
    """`call` ends without an exception; its result."""
    try:
        found = call()
    except Exception:
        _line(False, what, ["expected no exception", *_where()])
        return None
    _line(True, what)
    return found


def fails(what, call, code, phrase):
    """`call` raises an error with this code, and with this phrase in its message."""
    try:
        found = call()
    except Exception as error:
        same = getattr(error, "code", None) == code and phrase in str(error)
        _line(same, what, [f"expected code {code} with {phrase!r}", f"found {type(error).__name__}: {error}"])
        return
    _line(False, what, [f"expected code {code} with {phrase!r}", f"found no error but {found!r}"])


def finish():
    print(f"1..{_count}")
    sys.exit(1 if _failed else 0)
