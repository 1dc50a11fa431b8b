"""The process in which untrusted documents are opened: `python -m proxy.transforms.media.documents.worker`.

Laws of this file: it reads its source, writes into one folder, and says one line of JSON: {"made": facts},
{"unchanged": why}, {"refused": why} or {"films": […]} (embedded media that ffmpeg may make smaller first).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from proxy.transforms.media.documents.values import Hostile, NoCopy
from proxy.transforms.media.spec import OfficeSpec, PdfSpec


def main(arguments: list[str]) -> int:
    """Arguments: "pdf" or "office", the source, the folder, the spec as JSON."""
    kind, source, folder = arguments[0], Path(arguments[1]), Path(arguments[2])
    told: dict[str, Any] = json.loads(arguments[3])
    try:
        answer = _pdf(source, folder, told) if kind == "pdf" else _office(source, folder, told)
    except NoCopy as reason:
        answer = {"unchanged": str(reason)}
    except Hostile as reason:
        answer = {"refused": str(reason)}
    except MemoryError:
        answer = {"refused": "out-of-memory"}
    print(json.dumps(answer))
    return 0


def _pdf(source: Path, folder: Path, told: dict[str, Any]) -> dict[str, Any]:
    from proxy.transforms.media.documents.pdf_copy import lighten_pdf  # each kind loads its own libraries

    return {"made": lighten_pdf(source, folder / "copy.pdf", PdfSpec(**told))}


def _office(source: Path, folder: Path, told: dict[str, Any]) -> dict[str, Any]:
    from proxy.transforms.media.documents.office_copy import lighten_office

    spec = OfficeSpec(max_width_px=told["max_width_px"], quality=told["quality"])
    films = told["films"]
    made = {part: folder / name for part, name in films.items()} if films is not None else None
    return lighten_office(source, folder, spec, made=made)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
