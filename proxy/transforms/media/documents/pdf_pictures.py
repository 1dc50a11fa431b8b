"""One picture of a PDF, made smaller in place: its channels and its colour space stay what they are.

Laws of this file: what isn't understood stays as it is (black and white scans, stencils, colour keys, odd colour
spaces); a picture is never larger than before; a picture that is drawn small is judged by what of it can be seen.
"""

from __future__ import annotations

import io
from math import ceil

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Stream
from PIL import Image, ImageChops

from policies.frozen import Frozen
from proxy.transforms.image.content import Content, Look, look_at
from proxy.transforms.image.size import target_width_px
from proxy.transforms.media.documents.pictures import SHARP_QUALITY, Packed, drawn, jpeg, packed, shrunk
from proxy.transforms.media.documents.placement import Use
from proxy.transforms.media.documents.values import MAX_PIXELS
from proxy.transforms.media.spec import PdfSpec

_SIMPLE = {"/FlateDecode", "/LZWDecode", "/ASCII85Decode", "/ASCIIHexDecode", "/RunLengthDecode"}
_MODES = {1: "L", 3: "RGB", 4: "CMYK"}
_CHANNELS = {"/DeviceGray": 1, "/DeviceRGB": 3, "/DeviceCMYK": 4, "/CalGray": 1, "/CalRGB": 3, "/Separation": 1}
_LEFT_IF_THERE = ("/Alternates", "/OPI", "/F", "/SMaskInData")
_MIN_SOURCE_BYTES = 4096
_MIN_PX = 8
_SAME = 0.9  # pictures hardly above the limit aren't resampled: that blurs and saves nothing
_MOST_OF_SOURCE, _MOST_OF_SOURCE_AS_IT_IS = 0.95, 0.80


class _Source(Frozen, frozen=True, kw_only=True):
    """Decoded samples. space: the colour space of these samples, None for the picture's own."""

    image: Image.Image
    lossy: bool
    space: Object | None = None


def lighten_picture(pdf: pikepdf.Pdf, picture: Stream, use: Use, spec: PdfSpec, *, mask: bool = False) -> bool:
    """Whether it was made smaller. mask: it is another's transparency, and keeps its exact shades.

    Raises what Pillow and qpdf raise for broken pictures.
    """
    width_px, height_px = _integer(picture, "/Width"), _integer(picture, "/Height")
    source_bytes = _integer(picture, "/Length")
    if not _may_change(picture, width_px, height_px, source_bytes):
        return False
    share = max(spec.dpi * use.width_in / width_px, spec.dpi * use.height_in / height_px)
    least = (max(_MIN_PX, ceil(width_px * share)), max(_MIN_PX, ceil(height_px * share)))
    source = _decoded(pdf, picture, (width_px, height_px), least)
    if source is None:
        return False
    look = look_at(_seen(source.image, turned="/Decode" in picture))
    size = _size((width_px, height_px), share, look)
    if size[0] > source.image.width:  # letters that the decoder's shortcut made too small
        source = _decoded(pdf, picture, (width_px, height_px), (width_px, height_px)) or source
    plain = "/Decode" not in picture
    small = shrunk(source.image, size)
    made = _smallest(small, look, spec, plain=plain, mask=mask)
    if look.content is Content.TEXT and not source.lossy and plain and source.image.mode != "CMYK":
        # A drawing of few colours is often smaller at its full size than with the shades that reducing gives it.
        whole = packed(source.image if mask else drawn(source.image))
        small, made = (source.image, whole) if whole.length_bytes <= _length_bytes(made) else (small, made)
    most = _MOST_OF_SOURCE_AS_IT_IS if small.width == width_px and source.lossy else _MOST_OF_SOURCE
    if _length_bytes(made) > source_bytes * most:
        return False
    _write(pdf, picture, made, small.size, source.space)
    return True


def _may_change(picture: Stream, width_px: int, height_px: int, source_bytes: int) -> bool:
    if source_bytes < _MIN_SOURCE_BYTES or min(width_px, height_px) < _MIN_PX or width_px * height_px > MAX_PIXELS:
        return False
    if picture.get("/ImageMask", False) or any(name in picture for name in _LEFT_IF_THERE):
        return False
    if isinstance(picture.get("/Mask"), Array):  # a colour key: lossy samples would miss it
        return False
    mask = picture.get("/SMask")
    return "/Matte" not in picture and not (isinstance(mask, Stream) and "/Matte" in mask)


def _size(size: tuple[int, int], share: float, look: Look) -> tuple[int, int]:
    """Pixels that the page needs: letters get more of them than photographs."""
    width_px, height_px = size
    if share >= _SAME:
        return size
    width = target_width_px(width_px, look, max(_MIN_PX, ceil(width_px * share)))
    if width >= width_px * _SAME:
        return size
    return width, max(_MIN_PX, round(height_px * width / width_px))


def _smallest(image: Image.Image, look: Look, spec: PdfSpec, *, plain: bool, mask: bool) -> bytes | Packed:
    """plain: samples mean what their colour space says, so that a palette may stand for them."""
    if mask:
        return packed(image)
    if look.content is Content.PHOTO:
        return jpeg(image, spec.quality)
    rivals: list[bytes | Packed] = [jpeg(image, max(spec.quality, SHARP_QUALITY), sharp=True)]
    if image.mode == "L" or (image.mode == "RGB" and plain):
        rivals.append(packed(drawn(image)))
    return min(rivals, key=_length_bytes)


def _length_bytes(made: bytes | Packed) -> int:
    return made.length_bytes if isinstance(made, Packed) else len(made)


# -- decoding --------------------------------------------------------------------------------------------------


def _decoded(pdf: pikepdf.Pdf, picture: Stream, size: tuple[int, int], least: tuple[int, int]) -> _Source | None:
    filters = [str(name) for name in _list(picture.get("/Filter"))]
    if any(name not in _SIMPLE for name in filters[:-1]):
        return None
    last = filters[-1] if filters else ""
    if last == "/DCTDecode":
        return _from_jpeg(pdf, picture, filters, size, least)
    if last == "/JPXDecode":
        return _from_jpx(pdf, picture, filters, size)
    if last in _SIMPLE or not filters:
        return _from_samples(picture, size)
    return None  # CCITT and JBIG2 are good at what they are for


def _unwrapped(pdf: pikepdf.Pdf, picture: Stream, filters: list[str]) -> bytes:
    """The coded picture without the filters around it."""
    if len(filters) == 1:
        return picture.read_raw_bytes()
    parms = _list(picture.get("/DecodeParms"))[:-1]
    names = Array([Name(name) for name in filters[:-1]])
    around = pikepdf.Stream(pdf, picture.read_raw_bytes(), Filter=names, DecodeParms=Array(parms) if parms else Array())
    return around.read_bytes(pikepdf.StreamDecodeLevel.generalized)


def _from_jpeg(
    pdf: pikepdf.Pdf, picture: Stream, filters: list[str], size: tuple[int, int], least: tuple[int, int]
) -> _Source | None:
    parms = _list(picture.get("/DecodeParms"))
    if any(isinstance(one, Dictionary) and "/ColorTransform" in one for one in parms):
        return None
    image = Image.open(io.BytesIO(_unwrapped(pdf, picture, filters)), formats=("JPEG",))
    if image.size != size or _channels(picture.get("/ColorSpace")) != len(image.getbands()):
        return None
    image.draft(None, (min(size[0], 2 * least[0]), min(size[1], 2 * least[1])))
    image.load()
    image.info = {}
    return _Source(image=image, lossy=True)


def _from_jpx(pdf: pikepdf.Pdf, picture: Stream, filters: list[str], size: tuple[int, int]) -> _Source | None:
    image = Image.open(io.BytesIO(_unwrapped(pdf, picture, filters)), formats=("JPEG2000",))
    space = picture.get("/ColorSpace")
    if image.size != size or image.mode not in ("L", "RGB"):
        return None
    if space is None:  # told inside the coded picture: sRGB or grey
        if image.info.get("icc_profile"):
            return None
        space = Name.DeviceGray if image.mode == "L" else Name.DeviceRGB
    elif _channels(space) != len(image.getbands()):
        return None
    image.load()
    image.info = {}
    return _Source(image=image, lossy=True, space=space)


def _from_samples(picture: Stream, size: tuple[int, int]) -> _Source | None:
    bits, space = _integer(picture, "/BitsPerComponent"), picture.get("/ColorSpace")
    if isinstance(space, Array) and len(space) == 4 and space[0] == "/Indexed":
        return _from_indices(picture, size, bits, space)
    channels = _channels(space)
    if channels is None or bits not in (8, 16):
        return None
    samples = picture.read_bytes(pikepdf.StreamDecodeLevel.generalized)
    if bits == 16:
        samples = samples[::2]
    wanted = size[0] * size[1] * channels
    if len(samples) < wanted:
        return None
    image = Image.frombytes(_MODES[channels], size, samples[:wanted])
    # Pillow writes CMYK the other way round, as Adobe's files have it: what it decodes it turns back, these it doesn't.
    return _Source(image=_turned(image) if channels == 4 else image, lossy=False)


def _seen(image: Image.Image, *, turned: bool) -> Image.Image:
    """What an eye would get, well enough to tell a photograph from print."""
    if image.mode != "CMYK":
        return image
    return (image if turned else _turned(image)).convert("RGB")


def _turned(image: Image.Image) -> Image.Image:
    return Image.merge("CMYK", [ImageChops.invert(band) for band in image.split()])


def _from_indices(picture: Stream, size: tuple[int, int], bits: int, space: Array) -> _Source | None:
    base, table = space[1], space[3]
    channels = _channels(base)
    if channels not in (1, 3) or bits not in (2, 4, 8) or "/Decode" in picture:
        return None
    colours = table.read_bytes() if isinstance(table, Stream) else bytes(table)
    raw = picture.read_bytes(pikepdf.StreamDecodeLevel.generalized)
    row_bytes = (size[0] * bits + 7) // 8
    if len(raw) < row_bytes * size[1]:
        return None
    image = Image.frombytes("P", size, raw[: row_bytes * size[1]], "raw", "P" if bits == 8 else f"P;{bits}")
    if channels == 1:
        grey = (colours + bytes(256))[:256]
        return _Source(image=Image.frombytes("L", size, image.tobytes()).point(list(grey)), lossy=False, space=base)
    image.putpalette(colours[:768].ljust(3, b"\0"))
    return _Source(image=image.convert("RGB"), lossy=False, space=base)


def _channels(space: Object | None) -> int | None:
    """Samples a pixel; None: not ours to touch."""
    if isinstance(space, Name):
        return _CHANNELS.get(str(space)) if str(space).startswith("/Device") else None
    if not isinstance(space, Array) or not len(space):
        return None
    name = str(space[0])
    if name == "/ICCBased" and len(space) == 2 and isinstance(space[1], Stream):
        count = _integer(space[1], "/N")
        return count if count in _MODES else None
    return _CHANNELS.get(name)


# -- writing ---------------------------------------------------------------------------------------------------


def _write(
    pdf: pikepdf.Pdf, picture: Stream, made: bytes | Packed, size: tuple[int, int], space: Object | None
) -> None:
    picture.Width, picture.Height = size
    if space is not None:
        picture.ColorSpace = space
    if isinstance(made, bytes):
        picture.BitsPerComponent = 8
        picture.write(made, filter=Name.DCTDecode)
        return
    picture.BitsPerComponent = made.bits
    if made.palette is not None:
        base = picture.ColorSpace
        picture.ColorSpace = Array([Name.Indexed, base, len(made.palette) // 3 - 1, pikepdf.String(made.palette)])
    parms = Dictionary(Predictor=15, Colors=made.channels, BitsPerComponent=made.bits, Columns=size[0])
    picture.write(made.body, filter=Name.FlateDecode, decode_parms=parms)


def _integer(holder: Stream, name: str) -> int:
    value = holder.get(name, 0)
    return int(value) if isinstance(value, int) else 0


def _list(value: Object | None) -> list[Object]:
    if value is None:
        return []
    return list(value) if isinstance(value, Array) else [value]
