"""Parquet parts, the contract's tables, the portable DuckDB file and its views."""

from proxybank.store.accuracies import final_accuracies, read_accuracies
from proxybank.store.archives import ARCHIVED_EPOCHS, archive_accuracies, check_archive, read_archive
from proxybank.store.closed_forms import add_closed_forms, closed_form_status
from proxybank.store.columns import missing_networks, read_columns
from proxybank.store.database import build_database, read_view
from proxybank.store.files import atomic, may_be_there, read_parquet, write_parquet
from proxybank.store.known import check_known, known_scores
from proxybank.store.packed import PACKED, pack
from proxybank.store.parts import (
    NO_MAKER,
    NOTHING,
    Known,
    MadeWith,
    makers_of,
    mean_scores,
    proxies_of,
    score_status,
    scores_by_seed,
    update_part,
    write_part,
)
from proxybank.store.progress import Progress
from proxybank.store.samples import NO_SAMPLES, AllSamples, Sample, Samples, asked, asked_seeds, classes_of_part, scored
from proxybank.store.schema import NOT_SAMPLED, STATUSES, TABLES, conform
from proxybank.store.search_inputs import clock_seconds, column_in_order, scoring_seconds, validation_columns
from proxybank.store.tables import by_function, networks_table, provenance_table, stack, table_writer, write_table

__all__ = [
    "ARCHIVED_EPOCHS",
    "AllSamples",
    "Known",
    "MadeWith",
    "NOTHING",
    "NOT_SAMPLED",
    "NO_MAKER",
    "NO_SAMPLES",
    "PACKED",
    "Progress",
    "STATUSES",
    "Sample",
    "Samples",
    "TABLES",
    "add_closed_forms",
    "archive_accuracies",
    "asked",
    "asked_seeds",
    "atomic",
    "build_database",
    "by_function",
    "check_archive",
    "check_known",
    "classes_of_part",
    "closed_form_status",
    "clock_seconds",
    "column_in_order",
    "conform",
    "final_accuracies",
    "known_scores",
    "makers_of",
    "mean_scores",
    "may_be_there",
    "missing_networks",
    "networks_table",
    "pack",
    "provenance_table",
    "proxies_of",
    "read_accuracies",
    "read_archive",
    "read_columns",
    "read_parquet",
    "read_view",
    "score_status",
    "scored",
    "scores_by_seed",
    "scoring_seconds",
    "stack",
    "table_writer",
    "update_part",
    "validation_columns",
    "write_parquet",
    "write_part",
    "write_table",
]
