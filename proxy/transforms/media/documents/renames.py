"""When a part of an office package changes its format, its name changes with it, everywhere it is named.

Laws of this file: only relationships and content types are edited; whatever isn't one of the renamed parts stays as
it is. Without entities, DTD or network. Source: ECMA-376 part 2, 9.2 (relationships) and 10.1.2.2 (content types).
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from urllib.parse import quote, unquote

from lxml import etree

from proxy.transforms.media.documents.values import NoCopy

_TYPES = "{http://schemas.openxmlformats.org/package/2006/content-types}"
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_CONTENT_TYPES = {"jpeg": "image/jpeg", "png": "image/png", "mp4": "video/mp4", "m4a": "audio/mp4"}


def relationships_renamed(rels_name: str, body: bytes, renames: Mapping[str, str]) -> bytes:
    """A relationships part with its targets renamed; the very same bytes where it names none of them."""
    root = _parsed(body)
    changed = False
    for relation in root.iter(_RELATION):
        target = relation.get("Target", "")
        if relation.get("TargetMode") == "External" or not target:
            continue
        renamed = renames.get(resolved(rels_name, target))
        if renamed is not None:
            folder = target.rpartition("/")[0]
            last = quote(posixpath.basename(renamed))
            relation.set("Target", f"{folder}/{last}" if "/" in target else last)
            changed = True
    return _written(root) if changed else body


def targets(rels_name: str, body: bytes) -> set[str]:
    """The parts that a relationships part names."""
    relations = _parsed(body).iter(_RELATION)
    return {resolved(rels_name, one.get("Target", "")) for one in relations if one.get("TargetMode") != "External"}


def resolved(rels_name: str, target: str) -> str:
    """A relationship's target as a part's name: relative to the part whose relationships these are."""
    told = unquote(target.partition("#")[0])
    folder = posixpath.dirname(posixpath.dirname(rels_name))  # word/_rels/document.xml.rels speaks of word/
    return posixpath.normpath(posixpath.join("/", folder, told)).lstrip("/")


def types_renamed(body: bytes, renames: Mapping[str, str]) -> bytes:
    """[Content_Types].xml that knows the renamed parts and their extensions."""
    if not renames:
        return body
    root = _parsed(body)
    for override in root.iter(f"{_TYPES}Override"):
        renamed = renames.get(unquote(override.get("PartName", "")).lstrip("/"))
        if renamed is not None:
            override.set("PartName", f"/{quote(renamed)}")
            override.set("ContentType", _CONTENT_TYPES[_extension(renamed)])
    known = {default.get("Extension", "").lower() for default in root.iter(f"{_TYPES}Default")}
    for extension in sorted({_extension(name) for name in renames.values()} - known, reverse=True):
        made = etree.Element(f"{_TYPES}Default", Extension=extension, ContentType=_CONTENT_TYPES[extension])
        root.insert(0, made)
    return _written(root)


def _extension(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _parsed(body: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise NoCopy("damaged") from error
    if root.getroottree().docinfo.doctype:
        raise NoCopy("damaged")  # forbidden in packages
    return root


def _written(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
