-- One row per space, dataset, class_index: networks that compute the same function, and how far accuracies differ.
-- mean_pct, std_pct (n - 1), low_pct, high_pct (minimum, maximum): final test accuracy of its trained members, percent.
create or replace view classes as
select
    n.space,
    n.dataset,
    n.class_index,
    min(n.arch_index) as first_arch_index,
    arg_min(n.arch, n.arch_index) as first_arch,
    count(*) as n_networks,
    count(a.accuracy_pct) as n_trained,
    avg(a.accuracy_pct) as mean_pct,
    stddev_samp(a.accuracy_pct) as std_pct,
    min(a.accuracy_pct) as low_pct,
    max(a.accuracy_pct) as high_pct
from networks as n
left join accuracies_final as a
    on n.space = a.space and n.dataset = a.dataset and n.arch_index = a.arch_index and a.split = 'test'
group by n.space, n.dataset, n.class_index;
