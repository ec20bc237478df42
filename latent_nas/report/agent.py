"""The agent at school: reward and length of its episodes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from latent_nas.report import Section
from latent_nas.report import _chart as c
from latent_nas.report._html import Html, join, tag
from latent_nas.runs.read import Run

MANY = 40  # rounds whose ends are drawn


class AgentSchool(Section):
    """Two charts over all steps of all rounds."""

    title, place = "Agent", 90

    def show(self, run: Run) -> Html:
        """Return the charts."""
        lessons = [(n, lesson) for n, j in run.journals.items() for lesson in j.school]
        if not lessons:
            raise ValueError("no agent has been trained: the strategy has none, or no round has come to it")
        steps, bounds, done, last = [], [], 0.0, 0.0
        for i, (number, lesson) in enumerate(lessons):
            if i and number != lessons[i - 1][0]:
                done += last
                bounds.append(done / 1000)
            last = lesson["step"]
            steps.append((done + last) / 1000)
        shown = bounds if len(bounds) <= MANY else []  # more of them would be a grey field
        lines: dict[str, Any] = c.both(*(c.across(b, "", c.LINE, dash="solid") for b in shown))
        lines.pop("annotations")
        episodes = sum(lesson["episodes"] for _, lesson in lessons)
        words = (
            f"Every round the agent goes on learning on the surrogates as they are then: {episodes:,.0f} episodes so"
            " far, no training of a network among them. A reward is the change of the score that an edit brings; half"
            " of the Q agent's edits are random. PPO and A2C count it in what an edit may bring at most, set anew"
            " before every rollout. Where the networks left to improve are better, the curve falls."
        )
        charts = [
            _reward(steps, [lesson for _, lesson in lessons], lines),
            _length(steps, [lesson for _, lesson in lessons], lines),
        ]
        return join(tag("p", words), tag("div", *charts, class_="charts two"))


def _reward(steps: list[float], lessons: list[Mapping[str, float]], lines: dict[str, Any]) -> Html:
    mean, std = (np.array([lesson[k] for lesson in lessons]) for k in ("reward", "reward_std"))
    band: dict[str, Any] = {"fillcolor": c.BLUE, "opacity": 0.15, "hoverinfo": "skip", "line": {"width": 0}}
    around = c.line([*steps, *steps[::-1]], [*(mean + std), *(mean - std)[::-1]], c.BLUE, **band, fill="toself")
    traces = [around, c.line(steps, mean.tolist(), c.BLUE, line={"width": 1.5})]
    key = [
        ("line", c.BLUE, "mean of a rollout's episodes"),
        ("band", c.BLUE, "± standard deviation"),
        ("line", c.LINE, "next round"),
    ]
    return c.chart(
        "Episode reward", traces, "environment steps (thousands)", "reward of an episode", key, height=280, **lines
    )


def _length(steps: list[float], lessons: list[Mapping[str, float]], lines: dict[str, Any]) -> Html:
    length = [lesson["length"] for lesson in lessons]
    axis = {"title": {"text": "edits in an episode"}, "range": [0, 1.15 * max(length)]}
    traces = [c.line(steps, length, c.BLUE, line={"width": 1.5})]
    key = [("line", c.BLUE, "mean of a rollout's episodes"), ("line", c.LINE, "next round")]
    return c.chart("Episode length", traces, "environment steps (thousands)", axis, key, height=280, **lines)


Plugin = AgentSchool
