-- The configuration names the setting that the policies read.
select 1;
