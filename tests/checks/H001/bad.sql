-- undecided: the configuration names another setting than the policies read.
select 1;
