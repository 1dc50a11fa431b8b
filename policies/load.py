"""Reading a configuration: files to the compiled `Catalogue`, or all that is wrong with them.

Laws of this file: the only one in `policies/` that reads files; all faults of all files at once; what was read is
fingerprinted byte by byte, so two equal fingerprints decide alike.

A policy folder holds policies (`NAME.yaml`, or `catalog/NAME.yaml`) and presets (`presets/NAME.yaml`); they shadow the
shipped ones of the same name and may extend them.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from policies.compile.catalogue import Written, compile_catalogue
from policies.faults import Fault, FaultList, PolicyFaults
from policies.frozen import Frozen
from policies.model import Catalogue
from policies.schema.files import json_schema
from policies.yaml_marks import FileName, Mark, MarkedMap, read_marked

__all__ = ["Override", "json_schema", "read_catalogue", "read_catalogue_with_warnings", "source_files"]

_PACKAGE = "policies"


class Override(Frozen, frozen=True, kw_only=True):
    """Another policy for a place until an instant; the caller leaves out ended ones. site None: all the region."""

    region: str
    site: str | None
    policy: str
    until: datetime


def read_catalogue(
    regions_file: Path,
    *,
    policy_dirs: Sequence[Path] = (),
    overrides: Sequence[Override] = (),
    bypassed_origins: frozenset[str] = frozenset(),
    certificates_from: Path | None = None,
) -> Catalogue:
    """The catalogue of a regions.yaml.

    policy_dirs        (): a folder `policies` beside it, where there is one
    certificates_from  where relative paths of certificates and keys begin; None: beside it

    Raises PolicyFaults with every fault of every file.
    """
    catalogue, _ = read_catalogue_with_warnings(
        regions_file,
        policy_dirs=policy_dirs,
        overrides=overrides,
        bypassed_origins=bypassed_origins,
        certificates_from=certificates_from,
    )
    return catalogue


def read_catalogue_with_warnings(
    regions_file: Path,
    *,
    policy_dirs: Sequence[Path] = (),
    overrides: Sequence[Override] = (),
    bypassed_origins: frozenset[str] = frozenset(),
    certificates_from: Path | None = None,
) -> tuple[Catalogue, tuple[Fault, ...]]:
    """The same, with what is allowed but probably not meant."""
    faults = FaultList()
    reader = _Reader(regions_file, faults)
    shipped_policies, shipped_presets = _shipped()
    for data in _shipped_bytes():
        reader.digest(data)
    folders = _policy_folders(regions_file, policy_dirs)
    root = reader.read(regions_file)
    policy_layers = [shipped_policies, *(reader.layer(_policy_files(folder)) for folder in folders)]
    preset_layers = [shipped_presets, *(reader.layer(_preset_files(folder)) for folder in folders)]
    if root is None:
        raise PolicyFaults(faults)
    table = reader.site_table(root)
    for override in overrides:
        reader.digest(f"{override.region}/{override.site}={override.policy}".encode())
    reader.digest(" ".join(sorted(bypassed_origins)).encode())
    written = Written(
        regions_file=root,
        policy_layers=policy_layers,
        preset_layers=preset_layers,
        site_table={login: place for login, (place, _) in table.items()},
        site_table_faults=[(login, fault) for login, (_, fault) in table.items()],
        overrides={(override.region, override.site): override.policy for override in overrides},
        bypassed_origins=bypassed_origins,
        folder=certificates_from or regions_file.parent,
        fingerprint=reader.fingerprint,
    )
    catalogue = compile_catalogue(written, faults)
    if catalogue is None:
        raise PolicyFaults(faults)
    return catalogue, faults.warnings


def source_files(regions_file: Path, policy_dirs: Sequence[Path] = ()) -> tuple[Path, ...]:
    """Every file of the operator's that a catalogue is made of, regions_file first; unreadable ones included."""
    files = [regions_file]
    for folder in _policy_folders(regions_file, policy_dirs):
        files += [*_policy_files(folder), *_preset_files(folder)]
    root = _Reader(regions_file, FaultList()).read(regions_file)
    table = _site_table_path(root, regions_file) if root is not None else None
    return (*files, table) if table is not None else tuple(files)


# -- files -------------------------------------------------------------------------------------------------------------


def _policy_folders(regions_file: Path, policy_dirs: Sequence[Path]) -> tuple[Path, ...]:
    if policy_dirs:
        return tuple(policy_dirs)
    beside = regions_file.parent / "policies"
    is_package = (beside / "__init__.py").exists()
    return (beside,) if beside.is_dir() and not is_package else ()


def _policy_files(folder: Path) -> tuple[Path, ...]:
    return (*sorted(folder.glob("*.yaml")), *sorted(folder.glob("catalog/*.yaml")))


def _preset_files(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(folder.glob("presets/*.yaml")))


def _site_table_path(root: MarkedMap, regions_file: Path) -> Path | None:
    tropa = root.get("tropa")
    written = tropa.get("site_table") if isinstance(tropa, MarkedMap) else None
    return regions_file.parent / written if isinstance(written, str) else None


class _Reader:
    """Reads the operator's files and fingerprints them."""

    def __init__(self, regions_file: Path, faults: FaultList) -> None:
        self._folder = regions_file.parent
        self._regions_file = regions_file
        self._faults = faults
        self._hash = hashlib.sha256()

    @property
    def fingerprint(self) -> str:
        return self._hash.hexdigest()

    def digest(self, data: bytes) -> None:
        """Each part with its length, so that no two sequences of parts look alike."""
        self._hash.update(len(data).to_bytes(8, "big") + data)

    def read(self, path: Path) -> MarkedMap | None:
        name = self._name(path)
        data = self._bytes(path, Mark(name, 0, 0, ""))
        return None if data is None else read_marked(data, name, self._faults)

    def layer(self, files: Sequence[Path]) -> dict[str, MarkedMap]:
        """Files by the name without .yaml; of two with one name the later holds."""
        found = ((path.stem, self.read(path)) for path in files)
        return {name: content for name, content in found if content is not None}

    def site_table(self, root: MarkedMap) -> dict[str, tuple[tuple[str, str], Fault]]:
        """login -> ((region, site), the place of a fault in its line)."""
        path = _site_table_path(root, self._regions_file)
        if path is None:
            return {}
        data = self._bytes(path, root["tropa"].value_marks["site_table"])
        return dict(self._rows(data, self._name(path))) if data is not None else {}

    def _rows(self, data: bytes, name: FileName) -> Iterator[tuple[str, tuple[tuple[str, str], Fault]]]:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            self._faults.add(Mark(name, 1, 1, "").fault("the file is not UTF-8", "save the file as UTF-8"))
            return
        seen: dict[str, int] = {}
        for number, row in enumerate(csv.reader(io.StringIO(text)), start=1):
            cells = [cell.strip() for cell in row]
            if not any(cells) or cells[0].startswith("#") or (number == 1 and cells[:2] == ["login", "region"]):
                continue
            mark = Mark(name, number, 1, cells[0])
            if len(cells) not in (2, 3) or not cells[0] or not cells[1]:
                problem = f"expected login,region,site, got {len(cells)} cells"
                self._faults.add(mark.fault(problem, "write three cells with commas; the site may be empty"))
            elif cells[0] in seen:
                self._faults.add(mark.fault(f"the login stands in line {seen[cells[0]]} too", "keep one of them"))
            else:
                seen[cells[0]] = number
                yield cells[0], ((cells[1], cells[2] if len(cells) == 3 else ""), mark.fault(""))

    def _bytes(self, path: Path, mark: Mark) -> bytes | None:
        try:
            data = path.read_bytes()
        except OSError as error:
            reason = (error.strerror or "unreadable").lower()
            problem = f"can't be read: {reason}" if mark.line == 0 else f"{path} can't be read: {reason}"
            self._faults.add(mark.fault(problem, "check the name and the rights"))
            return None
        self.digest(data)
        return data

    def _name(self, path: Path) -> FileName:
        try:
            short = str(path.relative_to(self._folder))
        except ValueError:
            short = path.name
        return FileName(shown=str(path), short=short)


# -- what is shipped ---------------------------------------------------------------------------------------------------


def _shipped_files(folder: str) -> list[Traversable]:
    entries = (resources.files(_PACKAGE) / folder).iterdir()
    return sorted((entry for entry in entries if entry.name.endswith(".yaml")), key=lambda entry: entry.name)


@lru_cache(maxsize=1)
def _shipped_bytes() -> tuple[bytes, ...]:
    return tuple(entry.read_bytes() for folder in ("catalog", "presets") for entry in _shipped_files(folder))


@lru_cache(maxsize=1)
def _shipped() -> tuple[dict[str, MarkedMap], dict[str, MarkedMap]]:
    """(policies, presets) as they are shipped, read once."""
    return _shipped_layer("catalog"), _shipped_layer("presets")


def _shipped_layer(folder: str) -> dict[str, MarkedMap]:
    faults = FaultList()
    layer: dict[str, MarkedMap] = {}
    for entry in _shipped_files(folder):
        name = f"{_PACKAGE}/{folder}/{entry.name}"
        content = read_marked(entry.read_bytes(), FileName(name, name), faults)
        if content is not None:
            layer[entry.name.removesuffix(".yaml")] = content
    if faults:
        raise PolicyFaults(faults)
    return layer
