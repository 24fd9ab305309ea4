from benchmarks.answers import Answer, print_table


def test_the_table_counts_and_hands_failures_on(capsys):
    answers = [Answer("a", "refused"), Answer("a", "refused"), Answer("b", "failed", "b broke")]
    assert print_table("files", answers, 3) == ["files: b broke"]
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["files", "a", "refused", "2"], ["files", "b", "failed", "1"]]
