"""A page of HTML as a tree of elements, for tests that look at its structure."""

from html.parser import HTMLParser
from xml.etree import ElementTree

_VOID = {"meta", "img", "input", "br", "link"}


class _Builder(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tree = ElementTree.TreeBuilder()
        self.open = []

    def handle_starttag(self, tag, attrs):
        self.tree.start(tag, {name: value or "" for name, value in attrs})
        if tag in _VOID:
            self.tree.end(tag)
        else:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"
        self.tree.end(tag)

    def handle_data(self, data):
        self.tree.data(data)


def parse(html: str) -> ElementTree.Element:
    """The root of a page; fails where an element is closed by another's tag."""
    builder = _Builder()
    builder.feed(html)
    assert builder.open == []
    return builder.tree.close()


def text(element: ElementTree.Element) -> str:
    """All text in an element, blanks joined."""
    return " ".join("".join(element.itertext()).split())


def texts(root: ElementTree.Element, path: str) -> list[str]:
    """The text of each element at an XPath."""
    return [text(element) for element in root.findall(path)]


def table(root: ElementTree.Element, title: str) -> ElementTree.Element:
    """The table under a heading."""
    elements = list(root.iter())
    at = next(n for n, each in enumerate(elements) if each.tag == "h3" and text(each) == title)
    return next(each for each in elements[at:] if each.tag == "table")


def rows(of: ElementTree.Element) -> list[list[str]]:
    """The texts of a table's cells, row by row, its head first."""
    return [[text(cell) for cell in row] for row in of.iter("tr")]
