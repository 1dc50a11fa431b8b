"""Recipe "pdf": a copy to read (96 dpi) or to print (150 dpi and more), made in the jail.

Laws of this file: it never opens the document itself; the original's bytes stay the original.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from proxy.exchange import Refused, Unchanged
from proxy.transforms.media.documents.told import made, told_by_worker
from proxy.transforms.media.spec import MediaOutcome, PdfSpec, Workbench

READ_SPEC, PRINT_SPEC = PdfSpec(dpi=96, quality=45), PdfSpec(dpi=150, quality=70)
_MAIN = "copy.pdf"


async def make_pdf(source: Path, spec: PdfSpec, bench: Workbench) -> MediaOutcome:
    """A lighter copy as `copy.pdf`; facts: pages, pictures, adapted, dpi, source_bytes.

    Unchanged: "signed", "encrypted", "damaged", "not-a-pdf", "not-smaller" (less than a tenth gained), "too-complex",
    "changed" (the copy failed its check). Refused: a bomb, or the tool failed.
    """
    told = await told_by_worker(bench, ("pdf", str(source), str(bench.folder), json.dumps(asdict(spec))), reads=source)
    if isinstance(told, (Unchanged, Refused)):
        return told
    return await made(bench, _MAIN, "application/pdf", told["made"])
