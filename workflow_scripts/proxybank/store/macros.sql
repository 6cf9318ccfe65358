-- 97.5% quantile of Student's t: a table, and for many degrees of freedom Abramowitz and Stegun 1964, 26.7.5.
create or replace macro student_quantile(freedom) as coalesce(
    [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228][freedom],
    1.95996 + 2.37227 / freedom + 2.8225 / pow(freedom, 2) + 2.5556 / pow(freedom, 3)
);

-- 5%, 25%, 50%, 75% and 95% quantiles as a list: one aggregate of all five is far faster than five of one.
create or replace macro five_quantiles(number) as quantile_cont(number, [0.05, 0.25, 0.5, 0.75, 0.95]);

-- What the runs of a search have found at one moment, by their accuracies, percent; null where one has no network yet.
create or replace macro over_runs(accuracy_pct) as {
    'n_runs': count(*),
    'n_found': count(accuracy_pct),
    'mean_pct': avg(accuracy_pct),
    'std_pct': stddev_samp(accuracy_pct),
    'low_pct': five_quantiles(accuracy_pct)[1],
    'q25_pct': five_quantiles(accuracy_pct)[2],
    'median_pct': five_quantiles(accuracy_pct)[3],
    'q75_pct': five_quantiles(accuracy_pct)[4],
    'high_pct': five_quantiles(accuracy_pct)[5]
};
