"""Give tests/fuzz_calls.py to a fuzzer, or keep what the fuzzer has found.

python tools/fuzz.py DIRECTORY [options of libFuzzer]   fuzz; needs atheris
python tools/fuzz.py --keep DIRECTORY                   write tests/fuzz_corpus.txt
"""

from __future__ import annotations

import sys
from pathlib import Path

CORPUS = Path(__file__).parent.parent / "tests" / "fuzz_corpus.txt"
MOST = 3000


def fuzz() -> None:
    """Fuzz until libFuzzer's options say that it is enough, from the corpus on."""
    import atheris

    with atheris.instrument_imports(include=["fastact", "fuzz_calls"]):
        import fuzz_calls

    directory = Path(sys.argv[1])
    directory.mkdir(exist_ok=True)
    for i, line in enumerate(CORPUS.read_text().split() if CORPUS.exists() else ()):
        (directory / f"kept-{i}").write_bytes(bytes.fromhex(line))
    atheris.Setup(sys.argv, fuzz_calls.check)
    atheris.Fuzz()


def keep(directory: Path) -> None:
    """Write the corpus, and what lies beside it, as lines of hexadecimal digits: of all lengths."""
    files = [*directory.iterdir(), *directory.parent.glob("crash-*")]
    found = {path.read_bytes().rstrip(b"\0").hex() for path in files} - {""}
    found |= set(CORPUS.read_text().split())
    lines = sorted(found, key=lambda line: (len(line), line))
    lines = lines[:: -(-len(lines) // MOST)]
    CORPUS.write_text("\n".join(lines) + "\n")
    print(len(lines), "inputs in", CORPUS)


if __name__ == "__main__":
    if sys.argv[1] == "--keep":
        keep(Path(sys.argv[2]))
    else:
        fuzz()
