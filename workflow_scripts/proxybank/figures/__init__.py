"""One function per picture, drawing on given axes; and the figures of a run made of them."""

from proxybank.figures.correlations import correlations_figure, draw_correlations
from proxybank.figures.regrets import draw_regrets, regrets_figure
from proxybank.figures.scores import draw_score, scores_figure
from proxybank.figures.searches import draw_search_time, search_time_figure
from proxybank.figures.speed import draw_speed, speed_figure
from proxybank.figures.style import house_style, save

__all__ = [
    "correlations_figure",
    "draw_correlations",
    "draw_regrets",
    "draw_score",
    "draw_search_time",
    "draw_speed",
    "house_style",
    "regrets_figure",
    "save",
    "scores_figure",
    "search_time_figure",
    "speed_figure",
]
