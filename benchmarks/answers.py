"""What pieces of bad input came to, and their table."""

import dataclasses
from collections import Counter
from collections.abc import Iterable

from tqdm import tqdm


@dataclasses.dataclass(frozen=True)
class Answer:
    """What one piece of bad input came to.

    Attributes:
        kind: what was fed, for the table.
        verdict: the answer, for the table.
        failure: what was wrong with the answer, with its input; empty where nothing was.
    """

    kind: str
    verdict: str
    failure: str = ""


def print_table(part: str, answers: Iterable[Answer], count: int) -> list[str]:
    """Prints how many answers of each verdict each kind of input got; returns the failures."""
    counts, failures = Counter(), []
    for answer in tqdm(answers, desc=part, total=count):
        counts[answer.kind, answer.verdict] += 1
        if answer.failure:
            failures.append(f"{part}: {answer.failure}")
    for (kind, verdict), times in sorted(counts.items()):
        print(f"{part:9} {kind:40} {verdict:28} {times:4}")
    return failures
