"""Compiles a file of tests as pytest does, without running it."""

from __future__ import annotations

from pathlib import Path

from _pytest.assertion import rewrite  # there is no public way to rewrite a module without running it


def compile_test(path: Path) -> None:
    """Compile a file of tests, and keep that where pytest looks for it, if it is not there."""
    folder = rewrite.get_cache_dir(path)
    kept = folder / f"{path.stem}{rewrite.PYC_TAIL}"
    if rewrite._read_pyc(path, kept) is None and rewrite.try_makedirs(folder):
        source, code = rewrite._rewrite_test(path, None)  # type: ignore[arg-type]
        rewrite._write_pyc(None, code, source, kept)  # type: ignore[arg-type]
