"""What the gate costs, beside what pip, uv and installer need to unpack the same wheel; and what trust costs."""

from __future__ import annotations

import importlib.util
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from securesystemslib.signer import CryptoSigner

from gridkit_django.marketplace.packaging import build_package, check_unpacked, inspect_package, unpack_package
from gridkit_django.marketplace.packaging.scaffold import start_plugin_repository
from gridkit_django.marketplace.trust.memory import ProcessMemory
from tests.benchmarks.harness import compare, table
from tests.marketplace.trust.markets import WHEEL, Market, Site

SIZES = {"120 kB, 19 files": (14, 22_000), "1.6 MB, 204 files": (199, 25_000)}
"""Name to how many modules are added, and how many bytes each has."""


def run() -> Iterator[str]:
    """Compare the gate with installers, for two sizes; then look at trust."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (modules, size) in SIZES.items():
            yield _unpacking(name, _wheel(Path(folder) / str(modules), modules, size))
    yield _trust()


def _wheel(folder: Path, modules: int, size: int) -> Path:
    """Build a wheel of about so many files."""
    repository = start_plugin_repository("colours", "acme", folder)
    words = random.Random(1)
    for number in range(modules):
        lines = (f"VALUE_{words.getrandbits(40)} = {words.random()!r}\n" for _ in range(size // 45))
        (repository / "acme_colours" / f"part_{number}.py").write_text("".join(lines))
    built = build_package(repository)
    path = folder / built.filename
    path.write_bytes(built.content)
    return path


def _unpacking(name: str, wheel: Path) -> str:
    content = wheel.read_bytes()
    with tempfile.TemporaryDirectory() as scratch:
        fresh = (Path(scratch) / str(number) for number in count())
        kept = next(fresh)
        record = unpack_package(content, kept).record
        variants: dict[str, Callable[[], object]] = {
            "the gate": lambda: inspect_package(content, filename=wheel.name),
            "the gate, and unpacking": lambda: unpack_package(content, next(fresh), filename=wheel.name),
            "looking unpacked files over": lambda: check_unpacked(kept, record),
            **_others(wheel, fresh),
        }
        measured = compare(variants, rounds=7)
    return table(f"A package of {name}", measured, conditions={"bytes of the wheel": len(content)})


def _others(wheel: Path, fresh: Iterator[Path]) -> dict[str, Callable[[], object]]:
    """Return those that are installed."""
    found: dict[str, Callable[[], object]] = {}
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--no-compile", "-q", "--target"]
    if _works([sys.executable, "-m", "pip", "--version"]):
        found["pip install --target, no bytecode"] = lambda: _call([*pip, str(next(fresh)), str(wheel)])
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    if _works([uv, "--version"]):
        words = [uv, "pip", "install", "--no-deps", "--no-index", "-q", "--python", sys.executable, "--target"]
        found["uv pip install --target"] = lambda: _call([*words, str(next(fresh)), str(wheel)])
    if importlib.util.find_spec("installer") is not None:
        words = [sys.executable, "-m", "installer", "--no-compile-bytecode", "--destdir"]
        found["installer"] = lambda: _call([*words, str(next(fresh)), str(wheel)])
    return found


def _works(words: list[str]) -> bool:
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _call(words: list[str]) -> None:
    subprocess.run(words, check=True, capture_output=True)


def _trust() -> str:
    """Compare a first look, a second look, and publishing one file, with 1,024 bins in memory."""
    market = Market(online=CryptoSigner.generate_ed25519())
    market.hold_ceremony()
    market.publish()
    warm = Site.of(market)
    warm.fetch()
    numbers = count()

    def cold() -> bytes:
        return Site(warm.channel, market.root, ProcessMemory()).fetch()

    variants = {
        "one file, second look": lambda: warm.fetch(WHEEL),
        "one file, first look": cold,
        "publish one file": lambda: market.publish(f"acme_colours-{next(numbers)}-py3-none-any.whl"),
    }
    return table("Trust, 1,024 bins", compare(variants, rounds=15), conditions={"network": "none: a dict"})
