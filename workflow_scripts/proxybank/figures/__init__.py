"""One function per picture, drawing on given axes; and the figures of a run made of them."""

from proxybank.figures.best_networks import best_networks_figure, draw_best_networks
from proxybank.figures.correlations import correlations_figure, draw_correlations
from proxybank.figures.distributions import children_figure, draw_children, draw_score_by_relus, relus_figure
from proxybank.figures.regrets import draw_regrets, regrets_figure
from proxybank.figures.sampling import draw_sampling, sampling_figure
from proxybank.figures.scores import draw_score, scores_figure
from proxybank.figures.searches import draw_search_time, search_time_figure
from proxybank.figures.speed import draw_speed, speed_figure
from proxybank.figures.style import footer, house_style, save
from proxybank.figures.trajectories import draw_trajectories, trajectories_figure

__all__ = [
    "best_networks_figure",
    "children_figure",
    "correlations_figure",
    "draw_best_networks",
    "draw_children",
    "draw_correlations",
    "draw_regrets",
    "draw_sampling",
    "draw_score",
    "draw_score_by_relus",
    "draw_search_time",
    "draw_speed",
    "draw_trajectories",
    "footer",
    "house_style",
    "regrets_figure",
    "relus_figure",
    "sampling_figure",
    "save",
    "scores_figure",
    "search_time_figure",
    "speed_figure",
    "trajectories_figure",
]
