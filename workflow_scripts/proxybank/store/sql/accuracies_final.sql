-- One row per space, dataset, arch_index, split: accuracy after the longest training of that split, in percent.
create or replace view accuracies_final as
select
    space,
    dataset,
    arch_index,
    split,
    epochs,
    accuracy_pct,
    source
from accuracies
qualify epochs = max(epochs) over (partition by space, dataset, split);
