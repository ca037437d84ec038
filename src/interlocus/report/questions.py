"""The two questions that every study answers, as the page and the terminal print them."""

VARIABLES_FIRST = "Does the network compute the variables first, or go straight to the output?"
"""Question of the answer `direct` in `Run.answer`."""

EASY_TO_FIND = "Was the right alignment easy to find?"
"""Question of the answer `search` in `Run.answer`."""
