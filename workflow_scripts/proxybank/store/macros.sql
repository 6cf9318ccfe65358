-- 97.5% quantile of Student's t: a table, and for many degrees of freedom Abramowitz and Stegun 1964, 26.7.5.
create or replace macro student_quantile(freedom) as coalesce(
    [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228][freedom],
    1.95996 + 2.37227 / freedom + 2.8225 / pow(freedom, 2) + 2.5556 / pow(freedom, 3)
);
