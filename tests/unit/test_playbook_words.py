"""Shares of a change are said so that they can be believed."""

import pytest

from workbench.playbook.words import part_of_change


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.62, "62 % of the change"),
        (1.03, "100 % of the change"),
        (11.48, "more than the whole change, part of which other inputs undo"),
        (-0.4, "none of the change: it pulls the other way"),
    ],
)
def test_a_share_beyond_the_whole_is_said_in_words(share: float, words: str) -> None:
    assert part_of_change(share) == words
