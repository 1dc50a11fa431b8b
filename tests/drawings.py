"""SVGs for tests, as editors write them, with something in each that a careless minifier would lose."""

from __future__ import annotations

import base64
import random

from tests.pictures import photo, saved

INKSCAPE = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!-- Created with Inkscape (http://www.inkscape.org/) -->
<svg xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:cc="http://creativecommons.org/ns#"
   xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://www.w3.org/2000/svg"
   xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd"
   xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" width="300" height="200" viewBox="0 0 300 200"
   id="svg2" version="1.1" inkscape:version="0.92" sodipodi:docname="map.svg">
  <title>Карта</title>
  <defs id="defs4"><linearGradient id="g1"><stop offset="0" stop-color="#123456"/></linearGradient></defs>
  <sodipodi:namedview id="base" pagecolor="#ffffff" inkscape:zoom="1.4"/>
  <metadata id="m7"><rdf:RDF><cc:Work rdf:about=""><dc:format>image/svg+xml</dc:format></cc:Work></rdf:RDF></metadata>
  <g inkscape:label="Empty" inkscape:groupmode="layer"> </g>
  <g inkscape:label="Layer 1" inkscape:groupmode="layer" id="layer1" transform="translate(0.5,0.5)">
    <path d="m 10.123456789,20.987654321 c 12.345678,0 50.111111,33.222222 90.333333,44.444444 l 5.000001,5.000001 z"
       sodipodi:nodetypes="cccc" style="fill:url(#g1);stroke:#102030;stroke-width:2" class="river"/>
    <polygon points="200.000001,20.000002 250.333333,90.123456 150.987654,90.000004" fill="#208040"/>
    <g>   </g>
    <use xlink:href="#layer1" x="3"/>
    <text x="20" y="180" xml:space="preserve">  Река  <tspan> Воямполка </tspan> </text>
    <text x="120" y="180">Два <tspan>слова</tspan> <tspan>рядом</tspan></text>
  </g>
</svg>
""".encode()

STYLED = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 90">\n  <!-- a note -->\n'
    b"  <style><![CDATA[ g > rect:first-child { fill: red } ]]></style>\n"
    b'  <metadata>mine</metadata>\n  <g>\n    <rect width="9" height="9"/>\n  </g>\n  <g>\n  </g>\n</svg>' + b" " * 200
)

SCRIPTED = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 90">\n'
    b"  <!-- a long note that nobody but the author will ever have any reason to read, here or anywhere else -->\n"
    b"  <metadata><x>and something about whoever made it, which is longer than it need be, much longer</x></metadata>\n"
    b'  <script>document.querySelector("g").childNodes.length</script>\n'
    b'  <g>\n    <path d="M 1.123456789 1.123456789 L 5.123456789 5.123456789"/>\n  </g>\n</svg>'
)


def with_photograph() -> bytes:
    """A drawing round a photograph of known size, and one that takes its size from its own pixels."""
    told = base64.b64encode(saved(photo(), "JPEG", quality=92)).decode()
    image = f'xlink:href="data:image/jpeg;base64,{told}"/>'
    head = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 300 200">'
    return f'{head}<image width="300" height="200" {image}<image {image}</svg>'.encode()


def entities() -> bytes:
    bomb = '<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    return f'{bomb}<svg xmlns="http://www.w3.org/2000/svg"><text>&b;</text>{" " * 400}</svg>'.encode()


def tangle(seed: int, size: float) -> bytes:
    """Many small relative curves one after the other, with every digit that an editor writes."""
    rng = random.Random(seed)

    def some(share: float) -> str:
        return f"{rng.uniform(-share, share) * size:.9f}"

    paths = []
    for _ in range(20):
        curve = "".join(f"c {' '.join(some(0.04) for _ in range(6))} " for _ in range(60))
        start = f"m {rng.uniform(0.2, 0.8) * size:.9f},{rng.uniform(0.2, 0.8) * size:.9f}"
        arc = f"a {size / 9:.9f} {size / 9:.9f} 12.3456789 0 1 {some(0.1)} {some(0.1)}"
        width = f"{size / 400:.9f}"
        paths.append(f'  <path d="{start} {curve} {arc}" fill="none" stroke="#204060" stroke-width="{width}"/>\n')
    box = f"0 0 {size} {size}"
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">\n{"".join(paths)}</svg>'.encode()
