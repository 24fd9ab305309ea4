"""Draws the rooms of both packages and what each imports: docs/packages.svg.

python docs/draw_packages.py

Rooms stand in the order of the import contract in pyproject.toml. An arrow runs from a room to one
that it imports; it is left out where a longer way leads there too, and where `main` imports by name
what a mode asks for.
"""

import ast
import itertools
import tomllib
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
ROW, LEFT, TEXT, ARCS, WIDTH = 26, 16, 150, 800, 1010
TONES = {"deepusps_tf": "#1f5f8b", "data_prep": "#8b5a1f"}


def rooms() -> list[str]:
    """Lists the rooms from top to bottom, as the contract orders them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = {
        contract["containers"][0]: contract["layers"]
        for contract in contracts["contracts"]
        if "containers" in contract
    }
    return [
        f"{package}.{name.strip(' ()')}"
        for package in ("deepusps_tf", "data_prep")
        for layer in layers[package]
        for name in layer.split("|")
    ]


def imports(order: list[str]) -> set[tuple[str, str]]:
    """Finds which room imports which, without those that follow from others."""
    graph = grimp.build_graph("data_prep", "deepusps_tf")
    direct = {room: set() for room in order}
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            upper, lower = (".".join(name.split(".")[:2]) for name in (module, imported))
            if upper != lower and {upper, lower} <= set(order):
                direct[upper].add(lower)
    return {
        (upper, lower)
        for upper, lowers in direct.items()
        for lower in lowers
        if not any(lower in _reached(between, direct) for between in lowers - {lower})
    }


def _reached(room: str, direct: dict[str, set[str]]) -> set[str]:
    found, waiting = set(), [room]
    while waiting:
        for lower in direct[waiting.pop()] - found:
            found.add(lower)
            waiting.append(lower)
    return found


def purpose(room: str) -> str:
    """The first sentence of a room's docstring."""
    path = ROOT / room.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.get_docstring(ast.parse(file.read_text())).splitlines()[0]


def drawing() -> str:
    """Returns the picture as SVG text."""
    order = rooms()
    height = ROW * (len(order) + 3)
    places, lines = {}, []
    row = 0
    for package, members in itertools.groupby(order, lambda room: room.split(".")[0]):
        row += 1
        lines.append(_text(LEFT, row, package, TONES[package], bold=True))
        for room in members:
            row += 1
            places[room] = row
            lines.append(_text(LEFT + 12, row, room.split(".")[1], TONES[package], bold=True))
            lines.append(_text(TEXT + 12, row, purpose(room), "#333"))
    spans = [(places[upper], places[lower], upper) for upper, lower in imports(order)]
    for start, end, room in sorted(spans):
        lines.append(_arrow(start, end, TONES[room.split(".")[0]]))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="13">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n' + "\n".join(lines) + "\n</svg>\n"
    )


def _text(x: int, row: int, text: str, tone: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{ROW * row + 4}" fill="{tone}"{weight}>{escape(text)}</text>'


def _arrow(upper: int, lower: int, tone: str) -> str:
    start, end = ROW * upper + 3, ROW * lower - 3
    bow = ARCS + 14 + 6 * (lower - upper)
    head = f"M{ARCS + 8},{end - 4} L{ARCS},{end} L{ARCS + 8},{end + 4} z"
    curve = f"M{ARCS},{start} C{bow},{start} {bow},{end} {ARCS + 6},{end}"
    return (
        f'<path d="{curve}" fill="none" stroke="{tone}" stroke-opacity="0.7"/>'
        f'<path d="{head}" fill="{tone}"/>'
    )


if __name__ == "__main__":
    (ROOT / "docs/packages.svg").write_text(drawing())
