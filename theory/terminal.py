"""What a command owes its terminal: output that outlasts its reader and any encoding, and one line when stopped.

It lies here, and not in ``landscape``, because both have commands and theory imports nothing of landscape.
"""

from __future__ import annotations

import codecs
import io
import os
import select
import signal
import sys
import threading
import unicodedata
from types import FrameType, TracebackType
from typing import TextIO

INTERRUPTED = "interrupted; give the same command again"
SIGNALS = ("SIGTERM", "SIGHUP")
"""Beside Ctrl-C, those that ask a command to stop."""

_PAIRS = (
    "²=^2 ³=^3 ⁴=^4 ¹=^1 ⁻=^- ᵀ=^T ·=* ×=x ‖=|| →=-> ←=<- ≤=<= ≥=>= ≠=!= ±=+- ∓=-+ ∞=inf ∂=d "
    "−=- –=- —=- …=... ⟨=< ⟩=> ‘=' ’=' “=\" ”=\" ½=1/2 ¼=1/4 │=| ━=- ╸=- ╺=-"
)
_SPELLED = {"√": "sqrt ", "∇": "grad ", "∫": "integral "} | dict(pair.split("=", 1) for pair in _PAIRS.split())
_stopped_by = signal.SIGINT


def ready() -> None:
    """Prepare this process's streams and signals; harmless when done before.

    - Output whose reader is gone (``| head``), whose disk is full or whose terminal was closed is dropped, and the work
      goes on: a command's exit status is that of its work.
    - A character that the encoding of a stream lacks is spelled out (``alpha``) instead of an error.
    - SIGTERM and SIGHUP stop the command as Ctrl-C does, in one line, with the status of the signal.
    """
    _open_standard_files()
    for name, number in (("stdout", 1), ("stderr", 2)):
        _outlast(name, number)
    sys.excepthook = _excepthook
    if threading.current_thread() is threading.main_thread():
        for name in SIGNALS:
            wanted = getattr(signal, name, None)
            if wanted is not None and signal.getsignal(wanted) is signal.SIG_DFL:  # nohup ignores SIGHUP: so it stays
                signal.signal(wanted, _stop)


def stop_status() -> int:
    """The exit status of a command that was stopped: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""
    return 128 + int(_stopped_by)


def _stop(number: int, frame: FrameType | None) -> None:
    global _stopped_by
    _stopped_by = signal.Signals(number)
    for name in SIGNALS:  # once is enough: what follows writes down how far the work is
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    raise KeyboardInterrupt


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    print(INTERRUPTED, file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(stop_status())  # Python's own end would be death by SIGINT, whatever the signal was


def _open_standard_files() -> None:
    """Fill the numbers 0 to 2 that were closed (``>&-``), else the next file opened would receive what is printed."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)


class _Lasting(io.FileIO):
    """The file under a standard stream: what it cannot take any more is dropped."""

    def write(self, data: object) -> int:
        """Bytes taken, or dropped."""
        try:
            while (num := super().write(data)) is None:  # type: ignore[arg-type]
                select.select([], [self], [])  # somebody else made it non-blocking, and it is full
        except OSError:
            return memoryview(data).nbytes  # type: ignore[arg-type]
        return int(num)


def _outlast(name: str, number: int) -> None:
    stream: TextIO | None = getattr(sys, name)
    if stream is not getattr(sys, f"__{name}__") or getattr(stream, "errors", None) == "spelled":
        return  # somebody's own, such as a notebook's or a test's; or done before
    file = _Lasting(number, "w", closefd=False)
    file.name = f"<{name}>"
    unbuffered = bool(getattr(stream, "write_through", False))  # python -u
    lasting = io.TextIOWrapper(
        file if unbuffered else io.BufferedWriter(file),
        encoding="utf-8" if stream is None else stream.encoding,
        errors="spelled",
        line_buffering=stream is None or bool(getattr(stream, "line_buffering", False)),
        write_through=unbuffered,
    )
    if stream is not None:
        stream.flush()
    setattr(sys, name, lasting)
    setattr(sys, f"__{name}__", lasting)


def _spelled(error: UnicodeError) -> tuple[str | bytes, int]:
    """One character in ASCII: Greek letters by name, accents dropped, bytes that were no text as they were."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letter, after = error.object[error.start], error.start + 1
    if "\udc80" <= letter <= "\udcff":
        return bytes([ord(letter) - 0xDC00]), after
    words = unicodedata.name(letter, "").split()
    if letter in _SPELLED:
        return _SPELLED[letter], after
    if words[:1] == ["GREEK"] and "LETTER" in words:
        return words[words.index("LETTER") + 1].lower(), after
    plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    return plain or "?", after


codecs.register_error("spelled", _spelled)
