"""What of a folder is not taken for a photo: counted, and told in one line."""

from dataclasses import dataclass, field

from data_prep.base.errors import shortened

LINK_TO_NOWHERE = "link to nowhere"
UPWARDS = "link to a folder above it"
NO_FILE = "neither file nor folder"
SUBFOLDER = "subfolder"
OWN_OUTPUT = "made by predict"
_PLURALS = {
    LINK_TO_NOWHERE: "links to nowhere",
    UPWARDS: "links to a folder above them",
    SUBFOLDER: "subfolders",
}
_ADVICE = {SUBFOLDER: " (--recursive takes their photos)"}


@dataclass
class PassedOver:
    """What was passed over.

    Attributes:
        reasons: path below the folder -> why: one of the constants above, else the file's suffix
            in lower case, empty where it has none.
    """

    reasons: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything was passed over."""
        return bool(self.reasons)

    def add(self, name: str, reason: str) -> None:
        """Notes one more file or folder."""
        self.reasons[name] = reason

    @property
    def line(self) -> str:
        """All of it in a line: `passed over: 3 files (.cr2, .txt), such as a.cr2; 1 ...`."""
        by_reason: dict[str, list[str]] = {}
        for name, reason in self.reasons.items():
            kind = "" if _is_suffix(reason) else reason
            by_reason.setdefault(kind, []).append(name)
        parts = [self._part(kind, names) for kind, names in sorted(by_reason.items())]
        return f"passed over: {'; '.join(parts)}"

    def _part(self, kind: str, names: list[str]) -> str:
        example = min(names)
        if not example.isprintable():
            example = ascii(example)
        if not kind:
            suffixes = sorted({self.reasons[name] or "no suffix" for name in names})
            files = "file" if len(names) == 1 else "files"
            return f"{len(names)} {files} ({shortened(suffixes)}), such as {example}"
        words = kind if len(names) == 1 else _PLURALS.get(kind, kind)
        return f"{len(names)} {words}, such as {example}{_ADVICE.get(kind, '')}"


def told(reason: str) -> str:
    """Why one file was passed over, in words."""
    if _is_suffix(reason):
        return f"not a suffix of photos: {reason}" if reason else "no suffix"
    return reason


def _is_suffix(reason: str) -> bool:
    return not reason or reason.startswith(".")
